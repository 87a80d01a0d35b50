// `git-credentials` and `askpass`, proved with the real git.

import MountRequests
import Refusals
import Rendering
import Testing
import TokenStore

@Suite struct GitCredentialsTests {
    private static let ask = FileAsk(path: ".git-credentials", format: "git-credentials", tokens: ["source"])

    @Test func theFile() throws {
        let loopback = try Sample.git("b", at: "http://127.0.0.1:8099")
        var ask = Self.ask
        ask.tokens = ["source", "b"]
        let issued = ["source": Sample.issued("a/b:c@d %"), "b": Sample.issued("t", user: "robot$x")]
        #expect(
            try rendered(ask, [Sample.git(), loopback], issued)
                == "https://x-access-token:a%2fb%3ac%40d%20%25@github.com\nhttp://robot%24x:t@127.0.0.1%3a8099\n"
        )
    }

    @Test(arguments: ["ghs_Token123", #"p"q'r\s$H`i` /:@%?#"#, "ünïcödé\u{a0}"])
    func gitReadsIt(secret: String) async throws {
        try await withScratch { scratch in
            let tokens = try [Sample.git(), Sample.git("b", at: "http://127.0.0.1:8099")]
            var ask = Self.ask
            ask.tokens = ["source", "b"]
            let issued = ["source": Sample.issued(secret, user: "robot$x+y"), "b": Sample.issued("other")]
            try scratch.publish(try FilePlan([ask], tokens: tokens).render(issued))
            let options = ["-c", "credential.helper=store --file '\(scratch.volume)/.git-credentials'"]
            for (url, answer) in [
                ("https://github.com/o/r", "robot$x+y:\(secret)"),
                ("http://127.0.0.1:8099/o/r", "x-access-token:other"),
                ("http://127.0.0.1/o/r", nil), ("http://github.com/o/r", nil), ("https://evil.example/", nil),
            ] {
                #expect(try await scratch.fill(url, [:], options: options) == answer, "\(url)")
            }
        }
    }
}

@Suite struct AskpassTests {
    private static let ask = FileAsk(path: "askpass", format: "askpass", tokens: ["source"])

    private func withAskpass(
        _ issued: IssuedToken = Sample.issued(),
        at url: String = "https://github.com",
        _ body: (Scratch, [String: String]) async throws -> Void
    ) async throws {
        try await withScratch { scratch in
            let files = try FilePlan([Self.ask], tokens: [Sample.git(at: url)]).render(["source": issued])
            try await scratch.publishPrograms(files)
            try await body(scratch, ["GIT_ASKPASS": "\(scratch.volume)/askpass"])
        }
    }

    @Test(arguments: ["ghs_Token123", #"p"q'r\s$H`i`%s\n"#, "-n", "a b"])
    func gitAsksIt(secret: String) async throws {
        for user in ["x-access-token", "robot$x+y"] {
            try await withAskpass(Sample.issued(secret, user: user)) { scratch, variables async throws in
                #expect(try await scratch.fill("https://github.com/o/r", variables) == "\(user):\(secret)")
                #expect(try await scratch.fill("http://github.com/o/r", variables) == nil)
                #expect(try await scratch.fill("https://evil.example/o/r", variables) == nil)
                #expect(try await scratch.fill("https://github.com.evil.example/o/r", variables) == nil)
                #expect(try await scratch.fill("https://bob@github.com/o/r", variables) == nil)
            }
        }
    }

    @Test func hostWithPort() async throws {
        try await withAskpass(at: "http://127.0.0.1:8099") { scratch, variables async throws in
            #expect(try await scratch.fill("http://127.0.0.1:8099/o", variables) == "x-access-token:ghs_Token123")
            #expect(try await scratch.fill("http://127.0.0.1:8098/o", variables) == nil)
        }
    }

    /// The user name of a hostile URL puts our host in front of its own: git before CVE-2024-50349 shows it unescaped.
    @Test(arguments: [
        "https://github.com%2fx@evil.example/o/r", "https://x-access-token%40github.com@evil.example/o/r",
        "https://x-access-token%40github.com%2f@evil.example/o/r",
        "https://x-access-token%40github.com%27%3a%20@evil.example/o/r", "https://%2a@evil.example/o/r",
    ])
    func hostileURL(url: String) async throws {
        try await withAskpass { scratch, variables async throws in
            #expect(try await scratch.fill(url, variables) == nil)
            let useHttpPath = ["-c", "credential.useHttpPath=true"]
            #expect(try await scratch.fill(url, variables, options: useHttpPath) == nil)
        }
    }

    @Test(arguments: [
        ("Username for 'https://github.com': ", "x-access-token\n"),
        ("Password for 'https://x-access-token@github.com': ", "ghs_Token123\n"),
        ("Password for 'https://github.com': ", ""), ("Password for 'https://x@github.com': ", ""),
        ("Password for 'https://x-access-token@github.com@evil.example': ", ""),
        ("Password for 'https://x-access-token@evil.example': ", ""),
        ("Username for 'https://github.com/o/r': ", ""), ("git@github.com's password: ", ""), ("", ""),
    ])
    func prompts(prompt: String, answer: String) async throws {
        try await withAskpass { scratch, _ async throws in
            let found = try await scratch.run("env", ["\(scratch.volume)/askpass", prompt])
            #expect(found.output == answer)
            #expect(found.isSuccess == !answer.isEmpty)
            #expect(
                found.errors == (answer.isEmpty ? "askpass: no answer, this file is for https://github.com only\n" : "")
            )
        }
    }

    @Test func severalHosts() async throws {
        try await withScratch { scratch in
            var ask = Self.ask
            ask.tokens = ["source", "b"]
            let tokens = try [Sample.git(), Sample.git("b", at: "https://b.example")]
            let issued = ["source": Sample.issued("one"), "b": Sample.issued("two")]
            try await scratch.publishPrograms(try FilePlan([ask], tokens: tokens).render(issued))
            let variables = ["GIT_ASKPASS": "\(scratch.volume)/askpass"]
            #expect(try await scratch.fill("https://github.com/o/r", variables) == "x-access-token:one")
            #expect(try await scratch.fill("https://b.example/o/r", variables) == "x-access-token:two")
        }
    }
}
