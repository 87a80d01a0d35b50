// `docker-config` and `containers-auth`.

import Foundation
import MountRequests
import Refusals
import Rendering
import Testing
import TokenStore

@Suite struct DockerConfigTests {
    private func config(
        _ tokens: [PlannedToken] = [Sample.registry()],
        merge: String? = nil,
        format: String = "docker-config"
    ) throws -> String {
        let ask = FileAsk(path: "config.json", format: format, tokens: tokens.map(\.name), merge: merge)
        let issued = tokens.map { ($0.name, Sample.issued("pass-\($0.name)", user: "user")) }
        return try rendered(ask, tokens, Dictionary(uniqueKeysWithValues: issued))
    }

    private func problem(_ merge: String, host: String = "ghcr.io") -> String? {
        let ask = FileAsk(path: "config.json", format: "docker-config", tokens: ["image"], merge: merge)
        return FilePlan.problems([ask], tokens: [Sample.registry(at: host)]).first?.description
    }

    @Test func theFile() throws {
        let auth = Data("user:pass-image".utf8).base64EncodedString()
        #expect(
            try config() == "{\"auths\":{\"ghcr.io\":{\"auth\":\"\(auth)\"}}}\n"
        )
    }

    @Test(arguments: [
        ("docker.io", "https://index.docker.io/v1/"), ("index.docker.io", "https://index.docker.io/v1/"),
        ("registry-1.docker.io", "https://index.docker.io/v1/"), ("registry.example:5000", "registry.example:5000"),
    ])
    func keys(host: String, key: String) throws {
        #expect(try auths(config([Sample.registry(at: host)])).keys.sorted() == [key])
    }

    @Test func severalRegistriesInAStableOrder() throws {
        let a = Sample.registry("a", at: "a.example")
        let b = Sample.registry("b", at: "b.example")
        let both = try config([a, b])
        #expect(try both == config([b, a]))
        #expect(try auths(both) == ["a.example": "user:pass-a", "b.example": "user:pass-b"])
    }

    @Test func mergesStaticJSON() throws {
        let merge = """
            {"proxies": {"default": {"httpProxy": "http://proxy:3128", "n": 12345678901234567, "x": 1.5, "y": null, "z": [true]}},
             "auths": {"other.example": {"auth": "eDp5"}, "https://ghcr.io/v1/": {"auth": "b2xkOm9sZA=="}},
             "credHelpers": {"public.ecr.aws": "ecr-login"}, "credsStore": ""}
            """
        let text = try config(merge: merge)
        #expect(try auths(text) == ["ghcr.io": "user:pass-image", "other.example": "x:y"])
        #expect(text.contains("\"n\":12345678901234567,"))
        #expect(text.contains("\"httpProxy\":\"http://proxy:3128\""))
        #expect(text.contains("\"x\":1.5") && text.contains("\"y\":null") && text.contains("true"))
        #expect(text.contains("\"public.ecr.aws\":\"ecr-login\""))
        #expect(try config(merge: merge) == text, "equal input is equal bytes")
    }

    @Test func staticHubEntriesAreReplacedWhateverTheirName() throws {
        let merge = #"{"auths": {"docker.io": {"auth": "eDp5"}, "https://registry-1.docker.io/v2/": {"auth": "eDp5"}}}"#
        let text = try config([Sample.registry(at: "docker.io")], merge: merge)
        #expect(try auths(text) == ["https://index.docker.io/v1/": "user:pass-image"])
    }

    @Test(arguments: [
        ("{", "merge is no JSON; write an object as JSON, for example { \"proxies\": {} }"),
        ("", "merge is no JSON; write an object as JSON, for example { \"proxies\": {} }"),
        ("[]", "merge is no JSON object; write an object as JSON, for example { \"proxies\": {} }"),
        ("null", "merge is no JSON object; write an object as JSON, for example { \"proxies\": {} }"),
        (#"{"auths": []}"#, "\"auths\" of merge is no object; write { \"auths\": {} } or leave it out"),
        (
            #"{"credsStore": "pass"}"#,
            "\"credsStore\" of merge makes clients ask a helper instead of this file; leave it out, or name other registries in \"credHelpers\""
        ),
        (
            #"{"credHelpers": {"GHCR.io": "pass"}}"#,
            "\"credHelpers\" of merge has \"GHCR.io\", so clients would never read our token; leave that entry out"
        ),
        (#"{"credHelpers": 1}"#, "\"credHelpers\" of merge is no object; leave it out"),
    ])
    func badMerge(merge: String, message: String) {
        #expect(problem(merge) == "FileInvalid: file \"config.json\": " + message)
    }

    @Test(arguments: ["docker.io", "index.docker.io", "https://index.docker.io/v1/"])
    func helperOfDockerHub(key: String) {
        #expect(problem("{\"credHelpers\": {\"\(key)\": \"pass\"}}", host: "docker.io") != nil)
        #expect(problem("{\"credHelpers\": {\"\(key)\": \"pass\"}}", host: "ghcr.io") == nil)
    }

    @Test func containersKeys() throws {
        #expect(try auths(config(format: "containers-auth")) == ["ghcr.io": "user:pass-image"])
        #expect(
            try auths(config([Sample.registry(at: "docker.io")], format: "containers-auth")) == [
                "docker.io": "user:pass-image"
            ]
        )
        let shared = [
            Sample.registry("a", repositories: ["o/x", "o/y"]), Sample.registry("b", repositories: ["o/z"]),
            Sample.registry("c", at: "c.example"),
        ]
        #expect(
            try auths(config(shared, format: "containers-auth")) == [
                "ghcr.io/o/x": "user:pass-a", "ghcr.io/o/y": "user:pass-a", "ghcr.io/o/z": "user:pass-b",
                "c.example": "user:pass-c",
            ]
        )
    }

    @Test func containersKeepNamespacesOfTheTenant() throws {
        let merge = #"{"auths": {"ghcr.io/other": {"auth": "eDp5"}, "ghcr.io": {"auth": "eDp5"}}}"#
        #expect(
            try auths(config(merge: merge, format: "containers-auth")) == [
                "ghcr.io": "user:pass-image", "ghcr.io/other": "x:y",
            ]
        )
    }

    @Test func containersRefuseOneRepositoryTwice() throws {
        let tokens = [Sample.registry("a"), Sample.registry("b")]
        let ask = FileAsk(path: "auth.json", format: "containers-auth", tokens: ["a", "b"])
        #expect(
            FilePlan.problems([ask], tokens: tokens).map(\.message) == [
                "file \"auth.json\": the tokens \"a\" and \"b\" share \"ghcr.io/binder/x\""
            ]
        )
        let empty = [Sample.registry("a"), Sample.registry("b", repositories: [])]
        #expect(
            FilePlan.problems([ask], tokens: empty).map(\.message) == [
                "file \"auth.json\": the token \"b\" shares its registry and names no repository"
            ]
        )
    }

    /// `auths` as a client reads them: key to `user:password`.
    private func auths(_ text: String) throws -> [String: String] {
        struct Config: Decodable {
            struct Entry: Decodable { let auth: String }
            let auths: [String: Entry]
        }
        return try JSONDecoder().decode(Config.self, from: Data(text.utf8)).auths
            .mapValues { String(decoding: try #require(Data(base64Encoded: $0.auth)), as: UTF8.self) }
    }
}
