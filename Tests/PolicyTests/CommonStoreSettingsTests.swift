// The keys that every store has: acceptWiderTokens and lifetime.

import Testing
import TokenStore

@testable import Policy

@Suite struct CommonStoreSettingsTests {
    private static func findings(_ keys: String) -> [String] {
        let yaml = """
            stores:
              feed: { kind: fake-feed, \(keys) }
            grants:
              - name: feed
                to: { namespace: a, serviceAccount: b }
                store: feed
                allow: { repositories: [a], permissions: { packages: read } }
            """
        do throws(ConfigurationProblems) {
            let node = try NodeConfiguration.load(yaml: yaml, file: "f", kinds: [FeedStore.self])
            return node.warnings.map(\.description)
        } catch { return error.problems.map(\.description) }
    }

    @Test(arguments: [
        ("exact: true", [String]()),
        ("exact: false, acceptWiderTokens: true", []),
        (
            "exact: false",
            [
                "f:2:3: error: stores.feed: a token of this store reaches the whole feed, and not only what a grant "
                    + "names; if that is acceptable, add acceptWiderTokens: true to the store"
            ]
        ),
        (
            "exact: false, acceptWiderTokens: false",
            [
                "f:2:3: error: stores.feed: a token of this store reaches the whole feed, and not only what a grant "
                    + "names; if that is acceptable, add acceptWiderTokens: true to the store"
            ]
        ),
        (
            "exact: true, acceptWiderTokens: true",
            ["f:2:3: warning: stores.feed: its tokens reach no more than they should; remove acceptWiderTokens"]
        ),
        (
            "exact: true, lifetime: 2h",
            ["f:2:51: error: stores.feed.lifetime: it is not from 5m to 1h"]
        ),
    ])
    func check(keys: String, expected: [String]) { #expect(Self.findings(keys) == expected) }

    @Test func theLifeIsKept() throws {
        let yaml = "stores: { feed: { kind: fake-feed, exact: true, lifetime: 10m } }\ngrants: []"
        let node = try NodeConfiguration.load(yaml: yaml, file: "f", kinds: [FeedStore.self])
        #expect(node.stores.map(\.lifetime) == [.seconds(600)])
        #expect(node.stores.map(\.subjectTokenAudience) == ["feed"])
    }

    @Test func aLifeThatCanNotBeChosenIsRefused() {
        let yaml = "stores: { reg: { kind: fake-registry, host: r.example, lifetime: 10m } }\ngrants: []"
        #expect {
            _ = try NodeConfiguration.load(yaml: yaml, file: "f", kinds: fakeKinds)
        } throws: { error in
            "\(error)".contains("the life of this store's tokens can't be chosen: it is 1 hour; remove the key")
        }
    }
}

/// A store whose reach depends on its settings.
private struct FeedStore: TokenStore {
    struct Settings: Decodable, Sendable {
        var exact: Bool
    }

    static let kind = "fake-feed"
    static let capabilities = StoreCapabilities(
        credentials: [.podToken],
        reach: .exact,
        life: .chosen(.seconds(300) ... .seconds(3600)),
        revocation: .unsupported
    )

    static func reach(for settings: Settings) -> StoreCapabilities.Reach {
        settings.exact ? .exact : .wider("the whole feed")
    }

    static func subjectTokenAudience(for settings: Settings) -> String? { "feed" }

    static func service(for settings: Settings) throws(TokenStoreError) -> TokenService {
        TokenService(otherHost: "feed.example")
    }

    init(settings: Settings, context: TokenStoreContext) throws(TokenStoreError) {}

    func issue(_ request: TokenRequest) async throws(TokenStoreError) -> IssuedToken {
        throw TokenStoreError(.refused, "it never issues")
    }

    func revoke(_ handle: RevocationHandle) async throws(TokenStoreError) {}
}
