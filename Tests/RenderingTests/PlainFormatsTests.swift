// `token`, `username`, `password`, `env`, `json`, `expiry` and `netrc`.

import MountRequests
import Refusals
import Rendering
import Testing
import TokenStore

@Suite struct PlainFormatsTests {
    private func text(_ format: String, _ issued: IssuedToken = Sample.issued()) throws -> String {
        try rendered(FileAsk(path: "f", format: format, tokens: ["source"]), [Sample.git()], ["source": issued])
    }

    @Test func bareValues() throws {
        #expect(try text("token") == "ghs_Token123")
        #expect(try text("password") == "ghs_Token123")
        #expect(try text("username") == "x-access-token")
    }

    @Test func bareTokenCarriesAnyBytes() throws {
        let bytes: [UInt8] = [0, 10, 255, 13]
        var issued = Sample.issued()
        issued.secret = Secret(bytes)
        let plan = try FilePlan([FileAsk(path: "f", format: "token", tokens: ["source"])], tokens: [Sample.git()])
        #expect(try plan.render(["source": issued]).map(\.contents) == [bytes])
    }

    @Test func expiry() throws {
        #expect(try text("expiry") == "2026-11-18T11:06:40Z\n")
        #expect(try text("expiry", Sample.issued(expiresAt: nil)) == "")
        let tokens = try [Sample.git("a"), Sample.git("b"), Sample.git("c")]
        let ask = FileAsk(path: "f", format: "expiry", tokens: ["a", "b", "c"])
        let issued = [
            "a": Sample.issued(expiresAt: UTCInstant(epochSeconds: 200)), "b": Sample.issued(expiresAt: nil),
            "c": Sample.issued(expiresAt: UTCInstant(epochSeconds: 100)),
        ]
        #expect(try rendered(ask, tokens, issued) == "1970-01-01T00:01:40Z\n")
    }

    @Test func json() throws {
        #expect(
            try text("json", Sample.issued("a\"b/c"))
                == #"{"tokens":{"source":{"actions":[],"expiresAt":"2026-11-18T11:06:40Z","host":"github.com","#
                + #""permissions":{"contents":"read"},"repositories":["our-org/x"],"token":"a\"b/c","#
                + #""username":"x-access-token"}}}"# + "\n"
        )
        #expect(try text("json", Sample.issued(expiresAt: nil)).contains("\"expiresAt\":null"))
    }

    @Test func env() throws {
        #expect(
            try text("env") == """
                SOURCE_USERNAME=x-access-token
                SOURCE_TOKEN=ghs_Token123
                SOURCE_HOST=github.com
                SOURCE_EXPIRES_AT=2026-11-18T11:06:40Z

                """
        )
        let ask = FileAsk(path: "f", format: "env", tokens: ["my-source.2"])
        let token = try Sample.git("my-source.2")
        let lines = try rendered(ask, [token], ["my-source.2": Sample.issued("a b", expiresAt: nil)]).split(
            separator: "\n"
        )
        #expect(lines[1] == "MY_SOURCE_2_TOKEN='a b'")
        #expect(lines[3] == "MY_SOURCE_2_EXPIRES_AT=")
    }

    @Test(arguments: ["plain", #"a'b"c\d"#, "$(touch pwned) `id` $HOME;&|<>", "~", "*", "#x", "-n", "a=b"])
    func shellReadsEnv(secret: String) async throws {
        try await withScratch { scratch in
            let file = try scratch.write("env", text("env", Sample.issued(secret, user: secret)))
            let script = "set -eu; . \(file); printf '%s|%s|%s' \"$SOURCE_USERNAME\" \"$SOURCE_TOKEN\" \"$SOURCE_HOST\""
            let answer = try await scratch.run("sh", ["-c", script])
            #expect(answer.output == "\(secret)|\(secret)|github.com")
            #expect(answer.errors == "" && answer.isSuccess)
        }
    }

    @Test(arguments: ["ghs_Token123", "a!b", "a#b$c%d^&*(){}[]:;<>?,./~`|=+-_"])
    func pythonReadsNetrc(secret: String) async throws {
        try await withScratch { scratch in
            let tokens = try [
                Sample.git(), Sample.git("b", at: "http://127.0.0.1:8099"), Sample.git("c", at: "http://[::1]:8099"),
            ]
            let ask = FileAsk(path: "f", format: "netrc", tokens: ["source", "b", "c"])
            let issued = ["source": Sample.issued(secret), "b": Sample.issued("other"), "c": Sample.issued("third")]
            let file = try scratch.write("netrc", rendered(ask, tokens, issued))
            let script =
                "import netrc,sys; n=netrc.netrc(sys.argv[1]); print(*['|'.join((h,n.hosts[h][0],n.hosts[h][2])) for h in n.hosts], sep='\\n')"
            let answer = try await scratch.run("python3", ["-c", script, file])
            #expect(
                answer.output == """
                    github.com|x-access-token|\(secret)
                    127.0.0.1|x-access-token|other
                    ::1|x-access-token|third

                    """
            )
        }
    }

    @Test func netrcOfARegistry() throws {
        let ask = FileAsk(path: "f", format: "netrc", tokens: ["image"])
        let text = try rendered(ask, [Sample.registry(at: "registry.example:5000")], ["image": Sample.issued("t")])
        #expect(text == "machine registry.example login x-access-token password t\n")
    }
}
