// The forms in which registries want their tokens, and the formats that can't carry them.

import Foundation
import MountRequests
import Refusals
import Rendering
import Testing
import TokenStore

@Suite struct RegistryCredentialTests {
    private func registry(
        _ credential: RegistryCredential,
        _ name: String = "image",
        at host: String = "registry.example",
        repositories: [String] = ["binder/x"]
    ) -> PlannedToken {
        PlannedToken(
            name: name,
            service: TokenService(registryHost: host, registryCredential: credential),
            scope: TokenScope(repositories: repositories, actions: [.push])
        )
    }

    /// `auths` as a client reads them.
    private func auths(
        _ format: String,
        _ tokens: [PlannedToken],
        user: String = "user"
    ) throws -> [String: [String: String]] {
        struct File: Decodable { let auths: [String: [String: String]] }
        let ask = FileAsk(path: "config.json", format: format, tokens: tokens.map(\.name))
        let issued = tokens.map { ($0.name, Sample.issued("secret-\($0.name)", user: user)) }
        let text = try rendered(ask, tokens, Dictionary(uniqueKeysWithValues: issued))
        return try JSONDecoder().decode(File.self, from: Data(text.utf8)).auths
    }

    private func base64(_ text: String) -> String { Data(text.utf8).base64EncodedString() }

    private func problem(_ format: String, _ token: PlannedToken) -> Refusal? {
        FilePlan.problems([FileAsk(path: "f", format: format, tokens: [token.name])], tokens: [token]).first
    }

    @Test(arguments: ["docker-config", "containers-auth"])
    func identityToken(format: String) throws {
        let expected = ["registry.example": ["auth": base64("<token>:"), "identitytoken": "secret-image"]]
        #expect(try auths(format, [registry(.identityToken)], user: "whoever") == expected)
        #expect(try auths(format, [registry(.identityToken)], user: "<token>") == expected)
    }

    /// docker's helpers say by the user name that what they hand out is no password.
    @Test(arguments: ["docker-config", "containers-auth"])
    func theUserNameOfDockersHelpers(format: String) throws {
        let expected = ["registry.example": ["auth": base64("<token>:"), "identitytoken": "secret-image"]]
        #expect(try auths(format, [registry(.basic)], user: "<token>") == expected)
    }

    @Test func registryToken() throws {
        let found = try auths("docker-config", [registry(.registryToken)], user: "bearer")
        #expect(found == ["registry.example": ["registrytoken": "secret-image"]])
    }

    @Test func severalFormsInOneFile() throws {
        let tokens = [
            registry(.basic, "a", at: "a.example"), registry(.identityToken, "b", at: "docker.io"),
            registry(.registryToken, "c", at: "c.example:5000"),
        ]
        let expected = [
            "a.example": ["auth": base64("user:secret-a")],
            "https://index.docker.io/v1/": ["auth": base64("<token>:"), "identitytoken": "secret-b"],
            "c.example:5000": ["registrytoken": "secret-c"],
        ]
        #expect(try auths("docker-config", tokens) == expected)
    }

    @Test func identityTokensOfOneRegistryStandAtTheirRepositories() throws {
        let tokens = [
            registry(.identityToken, "a", at: "docker.io", repositories: ["alpine"]),
            registry(.identityToken, "b", at: "docker.io", repositories: ["our/app"]),
        ]
        let found = try auths("containers-auth", tokens)
        #expect(found.keys.sorted() == ["docker.io/library/alpine", "docker.io/our/app"])
        #expect(found["docker.io/our/app"]?["identitytoken"] == "secret-b")
    }

    @Test func whatCarriesNoBearerTokenSaysWhatDoes() throws {
        let containers = try #require(problem("containers-auth", registry(.registryToken)))
        #expect(
            containers.description
                == "FileInvalid: file \"f\": the token \"image\" is a bearer token, which podman, buildah and skopeo read "
                + "from no file; use docker-config for BuildKit, crane or kaniko, the format token with skopeo's "
                + "--src-registry-token or --dest-registry-token, or a store that hands identity tokens"
        )
        for credential in [RegistryCredential.registryToken, .identityToken] {
            let netrc = try #require(problem("netrc", registry(credential)))
            #expect(
                netrc.description
                    == "FileInvalid: file \"f\": the token \"image\" is no password, and a netrc holds passwords only; "
                    + "use docker-config, or the format token"
            )
        }
        #expect(problem("netrc", registry(.basic)) == nil)
    }

    @Test(arguments: ["token", "password", "username", "json", "env", "expiry"])
    func whatHoldsAnyToken(format: String) {
        for credential in RegistryCredential.allCases { #expect(problem(format, registry(credential)) == nil) }
    }

    @Test(arguments: ["gitconfig", "git-credential", "git-credentials", "askpass"])
    func gitIsNoRegistry(format: String) throws {
        for credential in RegistryCredential.allCases {
            let refusal = try #require(problem(format, registry(credential)))
            #expect(refusal.description.contains("opens no git server"))
        }
    }

    /// A git server beside the registry takes a user name and a password, whatever the registry wants.
    @Test func aGitServersNetrcIsUnaffected() throws {
        var token = try Sample.git()
        token.service.registryHost = "registry.example"
        token.service.registryCredential = .identityToken
        let ask = FileAsk(path: "f", format: "netrc", tokens: ["source"])
        let text = try rendered(ask, [token], ["source": Sample.issued("t")])
        #expect(text == "machine github.com login x-access-token password t\n")
    }

    @Test func aNetrcTakesNoIdentityTokenUnnoticed() throws {
        let plan = try FilePlan(
            [FileAsk(path: "f", format: "netrc", tokens: ["image"])],
            tokens: [registry(.basic)]
        )
        do throws(Refusal) {
            _ = try plan.render(["image": Sample.issued("secret", user: "<token>")])
            Issue.record("rendered")
        } catch {
            #expect(error.reason == .storeAnswerUnusable)
            #expect(error.message.hasSuffix("does not fit netrc: its token is an identity token, and no password"))
        }
    }
}

/// Hosts that are neither a git server nor a registry, alone and beside both.
@Suite struct MixedHostTests {
    private static let other = PlannedToken(
        name: "packages",
        service: TokenService(otherHost: "packages.example:8443"),
        scope: TokenScope(repositories: ["pypi/simple"], permissions: ["packages": .read])
    )

    private func text(_ format: String) throws -> String {
        let tokens = [try Sample.git(), Sample.registry(), Self.other]
        let issued = [
            "source": Sample.issued("one"), "image": Sample.issued("two", user: "robot"),
            "packages": Sample.issued("three", user: "reader"),
        ]
        return try rendered(FileAsk(path: "f", format: format, tokens: tokens.map(\.name)), tokens, issued)
    }

    @Test func netrc() throws {
        #expect(
            try text("netrc") == """
                machine github.com login x-access-token password one
                machine ghcr.io login robot password two
                machine packages.example login reader password three

                """
        )
    }

    @Test func env() throws {
        let lines = try text("env").split(separator: "\n").filter { $0.contains("_HOST=") }
        #expect(lines == ["SOURCE_HOST=github.com", "IMAGE_HOST=ghcr.io", "PACKAGES_HOST=packages.example:8443"])
    }

    @Test func json() throws {
        struct File: Decodable {
            struct Token: Decodable { let host: String? }
            let tokens: [String: Token]
        }
        let file = try JSONDecoder().decode(File.self, from: Data(text("json").utf8))
        #expect(
            file.tokens.mapValues(\.host)
                == ["source": "github.com", "image": "ghcr.io", "packages": "packages.example:8443"]
        )
    }

    @Test(arguments: [("gitconfig", "opens no git server"), ("docker-config", "opens no registry")])
    func whatIsOfNoUseThere(format: String, rule: String) throws {
        let ask = FileAsk(path: "f", format: format, tokens: ["packages"])
        let refusal = try #require(FilePlan.problems([ask], tokens: [Self.other]).first)
        #expect(refusal.description.contains(rule))
        #expect(refusal.description.contains("netrc, env or json for another host's"))
    }

    /// Each host gets its own line of git's `store` file, and no other host gets any.
    @Test func gitCredentialsOfSeveralHosts() async throws {
        try await withScratch { scratch in
            let tokens = try [Sample.git("a"), Sample.git("b", at: "https://git.example:8443")]
            let ask = FileAsk(path: "f", format: "git-credentials", tokens: ["a", "b"])
            let issued = ["a": Sample.issued("one"), "b": Sample.issued("two", user: "oauth2")]
            let file = try scratch.write("git-credentials", rendered(ask, tokens, issued))
            let options = ["-c", "credential.helper=", "-c", "credential.helper=store --file=\(file)"]
            #expect(try await scratch.fill("https://github.com/o/r", [:], options: options) == "x-access-token:one")
            #expect(try await scratch.fill("https://git.example:8443/o/r", [:], options: options) == "oauth2:two")
            #expect(try await scratch.fill("https://git.example/o/r", [:], options: options) == nil)
        }
    }
}
