// Token sources, asked over a real transport: a forge that answers, a proxy that is dead, a clock that is wrong.

import Foundation
import HTTPTransfer
import Logging
import LoopbackForge
import Policy
import Support
import Testing
import TokenStore
import TokenStoreTesting
import TokenStores

@testable import Doctor

struct SourceAskingTests {
    private static func configuration(
        _ forge: LoopbackForge,
        repositories: String = "our-org/*",
        appID: String? = nil
    ) throws
        -> NodeConfiguration
    {
        let yaml = """
            stores:
              github:
                kind: github-app
                appID: "\(appID ?? forge.appID)"
                privateKey: { file: /keys/app.pem }
                apiURL: \(forge.apiURL)
                webURL: \(forge.webURL)
            grants:
              - name: clone
                to: { namespace: binder, serviceAccount: builder }
                store: github
                allow: { repositories: ["\(repositories)"], permissions: { contents: read } }

            """
        return try NodeConfiguration.load(yaml: yaml, file: "node.yaml", kinds: BuiltinStores.all)
    }

    private static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private static func ask(
        _ configuration: NodeConfiguration,
        key: String,
        _ options: HTTPTransferOptions = HTTPTransferOptions(proxy: .none)
    ) async throws -> (SourceFacts, ClockFacts?) {
        try await withCurlTransport(options, logger: logger) { http in
            await SourceAsking(http: http, secrets: Secrets(text: key)).ask(
                configuration.stores[0],
                configuration.policy
            )
        }
    }

    private static func app(
        _ configuration: NodeConfiguration,
        key: String
    ) async throws -> AppFacts {
        try await withCurlTransport(HTTPTransferOptions(proxy: .none), logger: logger) { http in
            let context = TokenStoreContext(
                name: "github",
                clock: SystemClock(),
                http: http,
                secrets: Secrets(text: key),
                logger: logger
            )
            let store = try #require(try configuration.stores[0].make(context) as? GitHubAppStore)
            let grants = configuration.policy.grants.map {
                GrantedRepositories(
                    grant: $0.name,
                    repositories: $0.repositories.map(\.pattern),
                    permissions: $0.permissions
                )
            }
            return await AppFacts.ask(store, grants)
        }
    }

    @Test("a forge that answers is reached at its API's address, and nothing is minted")
    func reachable() async throws {
        try await withLoopbackForge { forge in
            try await forge.addRepository("our-org/app")
            let (source, clock) = try await Self.ask(try Self.configuration(forge), key: forge.privateKeyPEM)
            #expect(source.address == forge.webURL)
            guard case .answered = source.outcome else { return #expect(Bool(false), "\(source.outcome)") }
            #expect(abs(clock?.aheadBySeconds ?? 1000) < 30)
            #expect(forge.mintCount == 0 && forge.requests.allSatisfy { $0.method == "GET" })
        }
    }

    @Test("a forge with another clock is noticed")
    func clock() async throws {
        let options = ForgeOptions(now: { ForgeTime.now() + 600 })
        try await withLoopbackForge(options) { forge in
            let (_, clock) = try await Self.ask(try Self.configuration(forge), key: forge.privateKeyPEM)
            let behind = -(try #require(clock).aheadBySeconds)
            #expect((500...700).contains(behind))
            var facts = Facts(place: .node)
            facts.clocks = .known([try #require(clock)])
            #expect(facts.findings("clock").first?.severity == .error)
        }
    }

    @Test("a dead proxy, a name without address and a closed port are told apart")
    func unreachable() async throws {
        try await withLoopbackForge { forge in
            let configuration = try Self.configuration(forge)
            let key = forge.privateKeyPEM
            let dead = HTTPTransferOptions(proxy: .url("http://127.0.0.1:1"))
            let (proxied, _) = try await Self.ask(configuration, key: key, dead)
            #expect(
                Self.finding(proxied).contains("the proxy 127.0.0.1:1 from the configuration can't be connected to")
            )
            let nowhere = HTTPTransferOptions(proxy: .url("http://proxy.invalid:3128"))
            let (unnamed, _) = try await Self.ask(configuration, key: key, nowhere)
            #expect(Self.finding(unnamed).contains("proxy.invalid"))
            let closed = try NodeConfiguration.load(
                yaml: """
                    stores:
                      github:
                        kind: github-app
                        appID: "1"
                        privateKey: { file: /keys/app.pem }
                        apiURL: http://127.0.0.1:1/api/v3
                    """,
                file: "node.yaml",
                kinds: BuiltinStores.all
            )
            let (refused, _) = try await Self.ask(closed, key: key)
            #expect(Self.finding(refused).contains("127.0.0.1:1 refuses connections"))
        }
    }

    private static func finding(_ source: SourceFacts) -> String {
        var facts = Facts(place: .node)
        facts.sources = .known([source])
        let finding = facts.findings("source-reachable").first
        return "\(finding?.severity.rawValue ?? ""): \(finding?.message ?? ""); \(finding?.fix ?? "")"
    }

    @Test("an App that is installed where its grants need it is well")
    func installed() async throws {
        try await withLoopbackForge { forge in
            try await forge.addRepository("our-org/app")
            let facts = try await Self.app(try Self.configuration(forge), key: forge.privateKeyPEM)
            #expect(facts == AppFacts(installations: ["our-org": false]))
            let named = try await Self.app(
                try Self.configuration(forge, repositories: "our-org/app"),
                key: forge.privateKeyPEM
            )
            #expect(named.complaints.isEmpty)
            #expect(forge.mintCount == 0)
        }
    }

    @Test("an App that is not installed, is suspended, lacks a permission, or has another key is noticed")
    func complaints() async throws {
        let options = ForgeOptions(permissions: ["metadata": "read"])
        try await withLoopbackForge(options) { forge in
            try await forge.addRepository("our-org/app")
            try await forge.addRepository("our-org/hidden", isInstalled: false)
            let key = forge.privateKeyPEM
            func complaints(_ repositories: String, key: String) async throws -> String {
                let facts = try await Self.app(try Self.configuration(forge, repositories: repositories), key: key)
                return facts.complaints.map { "\($0.message); \($0.fix)" }.joined(separator: "\n")
            }
            let other = try await complaints("other-org/*", key: key)
            #expect(other.contains("is not installed on other-org (it is installed on our-org); install the App"))
            let lacking = try await complaints("our-org/*", key: key)
            #expect(lacking.contains("gives contents:read, and the App's installation on our-org does not have it"))
            let hidden = try await complaints("our-org/hidden", key: key)
            #expect(hidden.contains("is not installed for our-org/hidden"))
            let everywhere = try await complaints("**", key: key)
            #expect(everywhere.isEmpty)
            forge.setSuspended(true, owner: "our-org")
            let suspended = try await complaints("our-org/*", key: key)
            #expect(suspended.contains("suspended; unsuspend it"))
            let stranger = try await Self.app(try Self.configuration(forge, appID: "Iv23other"), key: key)
            #expect(stranger.complaints.first?.message.contains("App Iv23other") == true, "\(stranger)")
            forge.fail(.listInstallations, .answer(status: 502))
            let down = try await complaints("our-org/*", key: key)
            #expect(down.contains("failed to list the App's installations (HTTP 502)"))
            #expect(forge.mintCount == 0)
        }
    }

    @Test("the address of every kind of store is found without a call, or is said not to be known")
    func addresses() async throws {
        let stores = [
            (
                "kind: exec\n    acceptWiderTokens: true\n    program: /usr/local/libexec/daypass/x\n    "
                    + "protocol: git-credential\n    gitURL: https://git.example",
                nil
            ),
            (
                "kind: octo-sts\n    acceptWiderTokens: true\n    url: https://octo.example\n    identity: x",
                "https://octo.example"
            ),
        ]
        for (settings, address) in stores {
            let yaml = """
                stores:
                  one:
                    \(settings)
                grants:
                  - name: clone
                    to: { namespace: binder, serviceAccount: builder }
                    store: one
                    allow: { repositories: ["our-org/*"], permissions: { contents: read } }
                """
            let configuration = try NodeConfiguration.load(yaml: yaml, file: "f", kinds: BuiltinStores.all)
            let http = ScriptedTransport()
            let asking = SourceAsking(http: http, secrets: Secrets(text: "secret"))
            let found = await asking.address(of: configuration.stores[0], configuration.policy)
            #expect(found == address)
            #expect(http.calls.isEmpty)
        }
    }

    @Test("origins of URLs")
    func origins() {
        #expect(SourceAsking.origin("https://a.example:8443/x?y#z") == "https://a.example:8443")
        #expect(SourceAsking.origin("https://[::1]:8443/x") == "https://[::1]:8443")
        #expect(SourceAsking.origin("https://user@a.example/") == nil)
        #expect(SourceAsking.origin("nothing") == nil)
    }
}

/// One text for every file.
private struct Secrets: SecretReader {
    let text: String
    func read(_ reference: SecretReference) throws(TokenStoreError) -> Secret { Secret(utf8: text) }
}
