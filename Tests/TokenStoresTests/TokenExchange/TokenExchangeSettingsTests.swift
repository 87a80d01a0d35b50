// Settings of token exchange: where tokens are good, how far they reach, what is refused.

import LoopbackSources
import Testing
import TokenStore
import TokenStores

@Suite struct TokenExchangeSettingsTests {
    typealias Change = @Sendable (inout TokenExchangeSettings) -> Void

    @Test(arguments: [
        ("repository:{repository}:{actions}", true), ("repository:{repository}:{action}", true),
        ("{owner}.{name}/{permission}:{level}", true), ("repo:{repository} may:{permission}:{level}", true),
        ("repo:{repository}", false), ("{repository}:{permission}", false), ("{actions}", false), ("admin", false),
        ("owner:{owner} {action}", false), ("openid repository:{repository}:{actions}", false),
        ("repository:{repository}:{actions} ns:{namespace}", false), ("{owner} {name} {action}", false),
        ("org:{owner} repository:{repository}:{actions}", false), ("{owner}/{name}:{action}", true),
        ("{repository}:{permission} {level}", false), ("{repository}:{action} may:{permission}", false),
        ("{repository}:{actions} read:{repository}", false), ("{repository}:{actions} may:{permission}:{level}", false),
        ("{repository}:{actions} {repository}:{permission}:{level}", true),
    ])
    func reachFollowsFromTheScope(scope: String, isExact: Bool) {
        let settings = TokenExchangeStoreTests.settings { $0.scope = scope }
        let reach = TokenExchangeStore.reach(for: settings)
        if isExact { #expect(reach == .exact) } else { #expect(reach != .exact) }
        #expect(TokenExchangeStore.capabilities(for: settings).reach == reach)
    }

    @Test func withoutAScopeTheReachIsWider() {
        #expect(TokenExchangeStore.reach(for: TokenExchangeStoreTests.settings { $0.scope = nil }) != .exact)
    }

    @Test func capabilitiesFollowFromTheSettings() {
        let plain = TokenExchangeStore.capabilities(for: TokenExchangeStoreTests.settings())
        #expect(plain.credentials == [.podToken])
        #expect(plain.revocation == .unsupported)
        let whole = TokenExchangeStore.capabilities(
            for: TokenExchangeStoreTests.settings {
                $0.clientSecret = SecretReference(file: "/s")
                $0.revocationEndpoint = "https://x.example/revoke"
            }
        )
        #expect(whole.credentials == [.podToken, .nodeCredential])
        #expect(whole.revocation == TokenExchangeStore.capabilities.revocation)
    }

    @Test func capabilitiesAreThoseOfTheKindUnlessTheSettingsDecide() {
        let quay = QuaySettings(robot: "our-org+builder", audience: "quay.io")
        #expect(QuayStore.capabilities(for: quay) == QuayStore.capabilities)
        let octo = OctoSTSSettings(identity: "builder", policy: .organization)
        #expect(OctoSTSStore.capabilities(for: octo).reach == OctoSTSStore.reach(for: octo))
        #expect(OctoSTSStore.capabilities(for: octo).reach != OctoSTSStore.capabilities.reach)
        #expect(OctoSTSStore.capabilities(for: octo).revocation == OctoSTSStore.capabilities.revocation)
    }

    @Test func placesAreTaken() throws {
        let service = try TokenExchangeStore.service(
            for: TokenExchangeStoreTests.settings {
                $0.gitURL = "https://Git.example.com"
                $0.nestedNames = true
                $0.otherHost = "pypi.example.com:8443"
                $0.registryCredential = "registryToken"
            }
        )
        #expect(service.git?.origin == "https://git.example.com")
        #expect(service.git?.nameParts == 2...20)
        #expect(service.registryHost == "registry.example.com")
        #expect(service.otherHost == "pypi.example.com:8443")
        #expect(service.registryCredential == .registryToken)
        #expect(TokenExchangeStore.subjectTokenAudience(for: TokenExchangeStoreTests.settings()) != nil)
    }

    private static let wrong: [(Change, String)] = [
        ({ $0.endpoint = "http://sts.example.com/token" }, "endpoint can't be used: the server's URL must be https"),
        ({ $0.endpoint = "https://sts.example.com/token?x=1" }, "endpoint can't be used: its path holds a query"),
        ({ $0.revocationEndpoint = "sts.example.com" }, "revocationEndpoint can't be used"),
        ({ $0.audience = "" }, "audience is empty"),
        ({ $0.requestAudience = "a b" }, "requestAudience is empty, longer than 2048 bytes"),
        ({ $0.subjectTokenType = "\u{e9}" }, "subjectTokenType is empty, longer"),
        ({ $0.username = "a:b" }, "username holds a colon"),
        ({ $0.username = "{repo}" }, "username has an unknown placeholder"),
        ({ $0.scope = "{repositories}:pull" }, "scope has an unknown placeholder"),
        ({ $0.scope = "   " }, "scope is empty"),
        ({ $0.registryHost = nil }, "neither gitURL nor registryHost nor otherHost is set"),
        ({ $0.registryHost = "https://r.example" }, "registryHost is no host name"),
        ({ $0.registryCredential = "bearer" }, "registryCredential is none of basic, identityToken, registryToken"),
        ({ $0.clientSecret = SecretReference(file: "/s") }, "clientID is missing"),
        (
            {
                $0.clientID = "id"; $0.clientAuthentication = "basic"
            }, "clientAuthentication says how a secret is sent"
        ),
        (
            {
                $0.clientID = "id"; $0.clientSecret = SecretReference(file: "/s"); $0.clientAuthentication = "jwt"
            },
            "clientAuthentication is neither basic nor post"
        ),
        ({ $0.parameters = ["subject_token": "x"] }, "parameters holds subject_token, which the store sends itself"),
        ({ $0.parameters = ["a": "{x}"] }, "parameters.a has an unknown placeholder"),
        ({ $0.username = "{pod_name}" }, "username has an unknown placeholder"),
        ({ $0.username = "{pod-name}" }, "username has an unknown placeholder"),
        ({ $0.scope = "{repository2}:{actions}" }, "scope has an unknown placeholder"),
        ({ $0.scope = "{1}" }, "scope has an unknown placeholder"),
    ]

    @Test(arguments: wrong.indices) func refuses(index: Int) {
        let (change, text) = Self.wrong[index]
        do throws(TokenStoreError) {
            _ = try TokenExchangeStore.service(for: TokenExchangeStoreTests.settings(change))
            Issue.record("taken: \(text)")
        } catch {
            #expect(error.code == .misconfigured)
            #expect(error.message.hasPrefix(text), "\(error)")
            #expect(!error.fix.isEmpty)
        }
    }
}
