// `gitconfig` and `git-credential`, proved with the real git.

import MountRequests
import Refusals
import Rendering
import Testing
import TokenStore

@Suite struct GitConfigTests {
    private static let answer = "x-access-token:ghs_Token123"

    /// Publishes the files and asks git for the credentials of each URL.
    private func expect(
        _ files: [FileAsk],
        _ tokens: [PlannedToken],
        issued: [String: IssuedToken] = ["source": Sample.issued()],
        config: String = ".gitconfig",
        _ expected: [(url: String, answer: String?)],
        location: SourceLocation = #_sourceLocation
    ) async throws {
        try await withScratch { scratch in
            try scratch.publish(try FilePlan(files, tokens: tokens).render(issued))
            for (url, answer) in expected {
                let found = try await scratch.fill(url, ["GIT_CONFIG_GLOBAL": "\(scratch.volume)/\(config)"])
                #expect(found == answer, "\(url)", sourceLocation: location)
            }
        }
    }

    @Test func theFile() throws {
        let files = try FilePlan(Sample.gitFiles(), tokens: [Sample.git()]).render(["source": Sample.issued()])
        #expect(
            String(decoding: files[0].contents, as: UTF8.self) == #"""
                [credential]
                	helper =
                [credential "https://github.com"]
                	helper = "!f() { test \"$1\" = get || return 0; g=${GIT_CONFIG_GLOBAL:-$HOME/.gitconfig}; cat \"${g%/*}\"/'git-credential'; }; f"

                """#
        )
        #expect(
            String(decoding: files[1].contents, as: UTF8.self)
                == "username=x-access-token\npassword=ghs_Token123\npassword_expiry_utc=1795000000\n"
        )
        let unknown = try FilePlan(Sample.gitFiles(), tokens: [Sample.git()])
            .render(["source": Sample.issued(expiresAt: nil)])
        #expect(
            String(decoding: unknown[1].contents, as: UTF8.self) == "username=x-access-token\npassword=ghs_Token123\n"
        )
    }

    @Test func hostScope() async throws {
        try await expect(
            Sample.gitFiles(),
            [Sample.git()],
            [
                ("https://github.com/our-org/x", Self.answer), ("https://github.com/any/other.git", Self.answer),
                ("https://github.com:443/our-org/x", Self.answer),
                ("https://someone@github.com/our-org/x", Self.answer),
                ("http://github.com/our-org/x", nil), ("https://github.com:8443/our-org/x", nil),
                ("https://evil.example/our-org/x", nil), ("https://github.com.evil.example/our-org/x", nil),
                ("https://api.github.com/our-org/x", nil), ("https://github.com%2f@evil.example/x", nil),
            ]
        )
    }

    @Test func hostWithPort() async throws {
        try await expect(
            Sample.gitFiles(),
            [Sample.git(at: "http://127.0.0.1:8099")],
            [
                ("http://127.0.0.1:8099/o/r", Self.answer), ("http://127.0.0.1:8098/o/r", nil),
                ("http://127.0.0.1/o/r", nil), ("https://127.0.0.1:8099/o/r", nil),
            ]
        )
    }

    @Test func repositoryScope() async throws {
        try await expect(
            Sample.gitFiles(scope: "repository"),
            [Sample.git(repositories: ["o/r", "o/second"])],
            [
                ("https://github.com/o/r", Self.answer), ("https://github.com/o/r.git", Self.answer),
                ("https://github.com/o/r/info/lfs", Self.answer), ("https://github.com/o/r.git/info/lfs", Self.answer),
                ("https://github.com/o/second", Self.answer), ("https://github.com/o/other", nil),
                ("https://github.com/o/r2", nil), ("https://github.com/o", nil), ("https://github.com/", nil),
                ("https://github.com", nil), ("https://evil.example/o/r", nil), ("http://github.com/o/r", nil),
            ]
        )
    }

    @Test func twoTokensOfOneHost() async throws {
        let tokens = try [Sample.git("a", repositories: ["o/a"]), Sample.git("b", repositories: ["o/b"])]
        let files = [
            FileAsk(path: ".gitconfig", format: "gitconfig", tokens: ["a", "b"], scope: "repository"),
            FileAsk(path: "of-a", format: "git-credential", tokens: ["a"]),
            FileAsk(path: "of-b", format: "git-credential", tokens: ["b"]),
        ]
        try await expect(
            files,
            tokens,
            issued: ["a": Sample.issued("token-a", user: "u"), "b": Sample.issued("token-b", user: "u")],
            [
                ("https://github.com/o/a.git", "u:token-a"), ("https://github.com/o/b", "u:token-b"),
                ("https://github.com/o/c", nil),
            ]
        )
        var hostScoped = files
        hostScoped[0].scope = nil
        #expect(
            FilePlan.problems(hostScoped, tokens: tokens).map(\.description) == [
                "FileInvalid: file \".gitconfig\": the tokens \"a\" and \"b\" share the host \"https://github.com\"; write scope: repository, or ask for a gitconfig for each"
            ]
        )
        let overlapping = try [Sample.git("a", repositories: ["o/a"]), Sample.git("b", repositories: ["o/a", "o/b"])]
        #expect(
            FilePlan.problems(files, tokens: overlapping).map(\.message) == [
                "file \".gitconfig\": the tokens \"a\" and \"b\" share the repository \"o/a\""
            ]
        )
    }

    @Test func severalHosts() async throws {
        try await expect(
            [
                FileAsk(path: ".gitconfig", format: "gitconfig", tokens: ["a", "b"]),
                FileAsk(path: "git-credential", format: "git-credential", tokens: ["a"]),
                FileAsk(path: "other/git-credential", format: "git-credential", tokens: ["b"]),
            ],
            [Sample.git("a"), Sample.git("b", at: "https://git.example:8443")],
            issued: ["a": Sample.issued("token-a"), "b": Sample.issued("token-b")],
            [
                ("https://github.com/o/r", "x-access-token:token-a"),
                ("https://git.example:8443/o/r", "x-access-token:token-b"), ("https://git.example/o/r", nil),
            ]
        )
    }

    @Test func foldersOfTheVolume() async throws {
        for (config, credential) in [
            ("git/.gitconfig", "git/git-credential"), ("git/.gitconfig", "git-credential"),
            ("a/b/.gitconfig", "a/c/git-credential"), ("my config/git config", "it is $HOME/`here`-not"),
        ] {
            let files = Sample.gitFiles(config, credential: credential.replacing("`", with: ""))
            try await expect(files, [Sample.git()], config: config, [("https://github.com/o/r", Self.answer)])
        }
    }

    @Test func foundAtHome() async throws {
        try await withScratch { scratch in
            try scratch.publish(
                try FilePlan(Sample.gitFiles(), tokens: [Sample.git()]).render(["source": Sample.issued()])
            )
            #expect(try await scratch.fill("https://github.com/o/r", ["HOME": scratch.volume]) == Self.answer)
            #expect(try await scratch.fill("https://evil.example/o/r", ["HOME": scratch.volume]) == nil)
            #expect(try await scratch.fill("https://github.com/o/r", ["HOME": scratch.directory]) == nil)
        }
    }

    @Test func foundInTheXDGFolder() async throws {
        try await withScratch { scratch in
            let files = Sample.gitFiles("git/config", credential: "git/git-credential")
            try scratch.publish(try FilePlan(files, tokens: [Sample.git()]).render(["source": Sample.issued()]))
            #expect(
                try await scratch.fill("https://github.com/o/r", ["XDG_CONFIG_HOME": scratch.volume]) == Self.answer
            )
        }
    }

    @Test func absolute() async throws {
        try await withScratch { scratch in
            let files = Sample.gitFiles(mountPath: scratch.volume)
            try scratch.publish(try FilePlan(files, tokens: [Sample.git()]).render(["source": Sample.issued()]))
            let including = try scratch.write("including", "[include]\n\tpath = \(scratch.volume)/.gitconfig\n")
            #expect(try await scratch.fill("https://github.com/o/r", ["GIT_CONFIG_GLOBAL": including]) == Self.answer)
        }
        for bad in ["creds", "/creds/", "/a/../b", "//a", ""] {
            let problems = FilePlan.problems(Sample.gitFiles(mountPath: bad), tokens: [try Sample.git()])
            #expect(problems.map(\.message) == ["file \".gitconfig\": mountPath \"\(bad)\" is no plain absolute path"])
        }
        #expect(FilePlan.problems(Sample.gitFiles(mountPath: "/"), tokens: [try Sample.git()]).isEmpty)
    }

    /// repo2docker's image has a helper in its system-wide configuration that answers any host.
    @Test func inheritedHelpersAreCleared() async throws {
        try await withScratch { scratch in
            let leak = "!echo username=leak; echo password=leak; :"
            let system = try scratch.write(
                "system",
                "[credential]\n\thelper = \"\(leak)\"\n[credential \"https://github.com\"]\n\thelper = \"\(leak)\"\n"
            )
            let variables = ["GIT_CONFIG_NOSYSTEM": "0", "GIT_CONFIG_SYSTEM": system]
            #expect(
                try await scratch.fill("https://evil.example/o/r", variables) == "leak:leak",
                "without our file the helper answers, or this test proves nothing"
            )
            try scratch.publish(
                try FilePlan(Sample.gitFiles(), tokens: [Sample.git()]).render(["source": Sample.issued()])
            )
            let ours = variables.merging(["GIT_CONFIG_GLOBAL": "\(scratch.volume)/.gitconfig"]) { $1 }
            #expect(try await scratch.fill("https://evil.example/o/r", ours) == nil)
            #expect(try await scratch.fill("https://github.com/o/r", ours) == Self.answer)
        }
    }

    /// git tells helpers what worked and what did not; the volume is read-only, and the log should stay clean.
    @Test(arguments: ["approve", "reject"])
    func feedbackIsHarmless(_ action: String) async throws {
        try await withScratch { scratch in
            try scratch.publish(
                try FilePlan(Sample.gitFiles(), tokens: [Sample.git()]).render(["source": Sample.issued()])
            )
            let variables = ["GIT_CONFIG_GLOBAL": "\(scratch.volume)/.gitconfig", "GIT_CONFIG_NOSYSTEM": "1"]
            let input = "url=https://github.com/o/r\nusername=x-access-token\npassword=ghs_Token123\n\n"
            let answer = try await scratch.run("git", ["credential", action], variables, input: input)
            #expect(answer.output == "" && answer.errors == "" && answer.isSuccess)
            #expect(try await scratch.fill("https://github.com/o/r", variables) == Self.answer)
        }
    }

    @Test(arguments: [
        #"p"q'r\s$HOME`id`"#, "a b\u{a0}c", "%41%0a", "=;#=[x]", "-n", "ünïcödé", String(repeating: "x", count: 60_000),
    ])
    func oddTokens(secret: String) async throws {
        let issued = ["source": Sample.issued(secret, user: "robot$x+y")]
        try await expect(
            Sample.gitFiles(),
            [Sample.git()],
            issued: issued,
            [("https://github.com/o/r", "robot$x+y:\(secret)")]
        )
    }

    @Test func rewritesSSH() async throws {
        try await withScratch { scratch in
            let files = Sample.gitFiles(rewriteSSH: true)
            let tokens = [try Sample.git(at: "https://git.example:8443")]
            try scratch.publish(try FilePlan(files, tokens: tokens).render(["source": Sample.issued()]))
            let variables = ["GIT_CONFIG_GLOBAL": "\(scratch.volume)/.gitconfig", "GIT_CONFIG_NOSYSTEM": "1"]
            for (url, expected) in [
                ("git@git.example:o/r.git", "https://git.example:8443/o/r.git"),
                ("ssh://git@git.example/o/r", "https://git.example:8443/o/r"),
                ("git@other.example:o/r.git", "git@other.example:o/r.git"),
            ] {
                let answer = try await scratch.run("git", ["ls-remote", "--get-url", url], variables)
                #expect(answer.output == expected + "\n")
            }
        }
        let two = try [Sample.git("source", at: "https://g.example:81"), Sample.git("b", at: "https://g.example:82")]
        var files = Sample.gitFiles(rewriteSSH: true) + [FileAsk(path: "b", format: "git-credential", tokens: ["b"])]
        files[0].tokens = ["source", "b"]
        #expect(try #require(FilePlan.problems(files, tokens: two).first).message.contains("rewriteSSH can't tell"))
        files[0].rewriteSSH = false
        #expect(FilePlan.problems(files, tokens: two).isEmpty)
    }
}
