// One file for two hosts, in front of real git and curl: each host gets its own token and no other.

import Foundation
import Logging
import LoopbackForge
import LoopbackSources
import MountRequests
import Rendering
import Support
import Testing
import TokenStore
import TokenStoreTesting
import TokenStores

@Suite(.serialized) struct TwoHostsTests {
    private func withFolder(_ body: (URL) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "hosts-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try await body(folder)
    }

    private func write(
        _ asks: [FileAsk],
        _ tokens: [(PlannedToken, IssuedToken)],
        into folder: URL
    ) throws {
        let issued = Dictionary(uniqueKeysWithValues: tokens.map { ($0.0.name, $0.1) })
        for file in try FilePlan(asks, tokens: tokens.map(\.0)).render(issued) {
            try Data(file.contents).write(to: folder.appending(path: file.path))
        }
    }

    /// A token for the one repository of a forge.
    private func mint(_ forge: LoopbackForge, _ name: String) async throws -> (PlannedToken, IssuedToken) {
        let settings = GitHubAppSettings(
            appID: forge.appID,
            privateKey: SecretReference(file: "/key.pem"),
            apiURL: forge.apiURL,
            usabilityProbe: false
        )
        let context = TokenStoreContext(
            name: name,
            clock: SystemClock(),
            http: ForgeTransport(forge: forge),
            secrets: FixedSecrets(["/key.pem": forge.privateKeyPEM]),
            logger: OCIRegistryFixture.quiet
        )
        let request = StoreFixture.request()
        let issued = try await GitHubAppStore(settings: settings, context: context).issue(request)
        let service = try GitHubAppStore.service(for: settings)
        return (PlannedToken(name: name, service: service, scope: request.scope), issued)
    }

    /// Runs git with a home of its own; `variables` are `NAME=value`.
    private func git(_ arguments: [String], _ variables: [String], home: URL) async throws -> ProgramOutcome {
        let fixed = ["HOME=\(home.path)", "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0"]
        return try await runProgram("env", fixed + variables + ["git"] + arguments)
    }

    @Test(arguments: ["gitconfig", "git-credentials"])
    func gitClonesFromTwoForges(format: String) async throws {
        try await withLoopbackForge { first in
            try await withLoopbackForge { second in
                try await first.addRepository("our-org/private", files: ["name": "first\n"])
                try await second.addRepository("our-org/private", files: ["name": "second\n"])
                let tokens = [try await mint(first, "a"), try await mint(second, "b")]
                try await withFolder { folder in
                    let variables: [String]
                    if format == "gitconfig" {
                        let asks = [
                            FileAsk(path: ".gitconfig", format: "gitconfig", tokens: ["a", "b"]),
                            FileAsk(path: "git-credential-a", format: "git-credential", tokens: ["a"]),
                            FileAsk(path: "git-credential-b", format: "git-credential", tokens: ["b"]),
                        ]
                        try write(asks, tokens, into: folder)
                        variables = ["GIT_CONFIG_GLOBAL=\(folder.path)/.gitconfig"]
                    } else {
                        try write([FileAsk(path: "list", format: format, tokens: ["a", "b"])], tokens, into: folder)
                        variables = [
                            "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=credential.helper",
                            "GIT_CONFIG_VALUE_0=store --file=\(folder.path)/list",
                        ]
                    }
                    for (forge, name) in [(first, "first"), (second, "second")] {
                        let target = folder.appending(path: name).path
                        let clone = try await git(
                            ["clone", "-q", forge.cloneURL("our-org/private"), target],
                            variables,
                            home: folder
                        )
                        #expect(clone.code == 0, "\(clone.text)")
                        #expect(try String(contentsOfFile: "\(target)/name", encoding: .utf8) == "\(name)\n")
                    }
                    // Neither forge was shown the other's token: an unknown one would have been a 401.
                    for forge in [first, second] {
                        let served = forge.requests.filter { $0.operation == .git && $0.credential == .basic }
                        #expect(!served.isEmpty)
                        #expect(served.allSatisfy { $0.status == 200 })
                    }
                }
            }
        }
    }

    @Test func curlTakesEachHostsLineOfANetrc() async throws {
        let echo: @Sendable (SourceRequest) async -> SourceAnswer = { request in
            let pair = request.basic.map { "\($0.username):\($0.password)" } ?? "nobody"
            return SourceAnswer(200, body: Array(pair.utf8))
        }
        try await withLoopbackSource(echo) { url in
            let port = try #require(url.split(separator: ":").last)
            let scope = TokenScope(repositories: ["o/r"], actions: [.pull])
            func token(_ name: String, _ service: TokenService) -> (PlannedToken, IssuedToken) {
                let secret = Secret(utf8: "secret-\(name)")
                let issued = IssuedToken(username: name, secret: secret, expiresAt: nil, grantedScope: scope)
                return (PlannedToken(name: name, service: service, scope: scope), issued)
            }
            let tokens = [
                token("git", TokenService(git: try GitServer(webURL: "http://localhost:\(port)"))),
                token("other", TokenService(otherHost: "127.0.0.1:\(port)")),
            ]
            try await withFolder { folder in
                try write([FileAsk(path: "netrc", format: "netrc", tokens: ["git", "other"])], tokens, into: folder)
                let found = [
                    ("localhost", "git:secret-git"), ("127.0.0.1", "other:secret-other"), ("127.0.0.2", "nobody"),
                ]
                for (host, pair) in found {
                    // All three names are the same server.
                    let route = ["--connect-to", "\(host):\(port):127.0.0.1:\(port)", "--noproxy", "*"]
                    let netrc = ["--netrc-file", folder.appending(path: "netrc").path]
                    let answer = try await runProgram("curl", ["-sS"] + route + netrc + ["http://\(host):\(port)/"])
                    #expect(answer.output == pair, "\(answer.text)")
                }
            }
        }
    }
}
