// Client credentials: each way of proving the client, and what goes wrong.

import Crypto
import CryptoExtras
import LoopbackSources
import Testing
import TokenStore
import TokenStoreTesting
import TokenStores

@Suite struct OAuthClientCredentialsStoreTests {
    static let scope = TokenScope(repositories: ["our/app"], actions: [.pull])
    static let secretFile = "/etc/daypass/secret"
    static let keyFile = "/etc/daypass/key.pem"

    /// Made once: it takes a noticeable part of a second.
    static let rsa = Result { try _RSA.Signing.PrivateKey(keySize: .bits2048) }
    static let p256 = P256.Signing.PrivateKey()

    let clock = ManualClock()
    let subjects: SubjectTokens
    let endpoint: LoopbackTokenEndpoint

    init() throws {
        subjects = try Federated.subjects.get()
        let clock = clock
        endpoint = LoopbackTokenEndpoint(Self.rules(), subjects: subjects, now: { clock.now })
    }

    private static func rules() -> TokenEndpointRules {
        var rules = TokenEndpointRules(audience: "tokens.example.com")
        rules.scopes = ["our/app:pull", "our/app:push"]
        rules.targets = ["https://registry.example.com"]
        rules.clients = ["daypass": .secret("hunter2-hunter2")]
        return rules
    }

    private static func settings(_ change: (inout ClientCredentialsSettings) -> Void = { _ in })
        -> ClientCredentialsSettings
    {
        var settings = ClientCredentialsSettings(
            endpoint: "https://tokens.example.com/token",
            clientID: "daypass",
            username: "token-{owner}",
            clientSecret: SecretReference(file: secretFile),
            scope: "{repository}:{action}",
            registryHost: "registry.example.com"
        )
        change(&settings)
        return settings
    }

    private static func keySettings(_ change: (inout ClientCredentialsSettings) -> Void = { _ in })
        -> ClientCredentialsSettings
    {
        settings {
            $0.clientSecret = nil
            $0.clientKey = SecretReference(file: keyFile)
            change(&$0)
        }
    }

    private func store(
        _ settings: ClientCredentialsSettings = settings(),
        key: String = p256.pemRepresentation
    ) throws -> (OAuthClientCredentialsStore, FederatedTransport) {
        let http = FederatedTransport(endpoint.handle)
        let secrets = [Self.secretFile: "hunter2-hunter2\n", Self.keyFile: key]
        let context = Federated.context(http, clock: clock, secrets: secrets)
        return (try OAuthClientCredentialsStore(settings: settings, context: context), http)
    }

    @Test func provesItselfBySecret() async throws {
        let (store, http) = try store(
            Self.settings {
                $0.requestAudience = "https://registry.example.com"
                // Braces that hold no name are the text's own.
                $0.parameters = ["tenant": "{namespace}", "filter": #"{"ns":{},"pod":{{namespace}}}{"#]
            }
        )
        let scope = TokenScope(repositories: ["our/app"], actions: [.pull, .push])
        let token = try await store.issue(Federated.request(scope, nil))
        #expect(http.lines == ["POST https://tokens.example.com/token"])
        #expect(
            http.form(0) == [
                "grant_type=client_credentials", "audience=https%3A%2F%2Fregistry.example.com",
                "scope=our%2Fapp%3Apull%20our%2Fapp%3Apush",
                "filter=%7B%22ns%22%3A%7B%7D%2C%22pod%22%3A%7Bbinder%7D%7D%7B", "tenant=binder",
            ]
        )
        #expect(http.calls[0].authorization == Secret(utf8: "Basic ZGF5cGFzczpodW50ZXIyLWh1bnRlcjI="))
        #expect(token.username == "token-our")
        #expect(token.expiresAt == clock.now.advanced(by: .seconds(3600)))
        #expect(endpoint.minted.map(\.client) == ["daypass"])
    }

    @Test(arguments: [false, true]) func provesItselfByKey(isRSA: Bool) async throws {
        let rsa = try Self.rsa.get()
        let publicPEM = isRSA ? rsa.publicKey.pemRepresentation : Self.p256.publicKey.pemRepresentation
        endpoint.rules.clients = ["daypass": .key(publicPEM: publicPEM)]
        let (store, http) = try store(
            Self.keySettings { $0.clientKeyID = "key-1" },
            key: isRSA ? rsa.pemRepresentation : Self.p256.pemRepresentation
        )
        // Twice: an assertion is not accepted a second time.
        for _ in 0..<2 { _ = try await store.issue(Federated.request(Self.scope, nil)) }
        #expect(endpoint.minted.count == 2)
        #expect(http.calls.allSatisfy { $0.authorization == nil })
        #expect(http.form(0).contains("client_id=daypass"))
        let assertion = try #require(http.form(0).last).dropFirst("client_assertion=".count)
        #expect(assertion.split(separator: ".").count == 3)
    }

    @Test func aWrongKeyOrAudienceIsExplained() async throws {
        endpoint.rules.clients = ["daypass": .key(publicPEM: P256.Signing.PrivateKey().publicKey.pemRepresentation)]
        let (stranger, _) = try store(Self.keySettings())
        let error = try await Federated.refusal(stranger, Federated.request(Self.scope, nil))
        #expect(error.code == .misconfigured)
        #expect(error.fix == "check clientID, clientKey and assertionAudience, and the node's clock")
        endpoint.rules.clients = ["daypass": .key(publicPEM: Self.p256.publicKey.pemRepresentation)]
        let (other, _) = try store(Self.keySettings { $0.assertionAudience = "https://elsewhere.example" })
        #expect(try await Federated.refusal(other, Federated.request(Self.scope, nil)).code == .misconfigured)
        let (right, _) = try store(Self.keySettings { $0.assertionAudience = "tokens.example.com" })
        _ = try await right.issue(Federated.request(Self.scope, nil))
    }

    @Test(arguments: ["", "hunter2", "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n"])
    func aKeyThatIsNoneIsExplained(pem: String) async throws {
        let (store, http) = try store(Self.keySettings(), key: pem)
        let error = try await Federated.refusal(store, Federated.request(Self.scope, nil))
        #expect(error.code == .misconfigured)
        #expect(error.message == "/etc/daypass/key.pem holds no readable private key")
        #expect(!String(reflecting: error).contains("hunter2"))
        #expect(http.calls.isEmpty)
    }

    @Test func provesItselfByThePodsToken() async throws {
        endpoint.rules.clients = ["daypass": .podToken(sub: "system:serviceaccount:binder:builder")]
        let settings = Self.settings {
            $0.clientSecret = nil
            $0.audience = "tokens.example.com"
        }
        #expect(OAuthClientCredentialsStore.capabilities(for: settings).credentials == [.podToken])
        let (store, http) = try store(settings)
        let token = try subjects.token(audience: "tokens.example.com", at: clock.now)
        _ = try await store.issue(Federated.request(Self.scope, token))
        #expect(http.form(0).contains("client_assertion=\(token)"))
        let wrong = try subjects.token(audience: "daypass", at: clock.now)
        let error = try await Federated.refusal(store, Federated.request(Self.scope, wrong))
        #expect(error.fix == "check there that daypass trusts the Pod's token of audience tokens.example.com")
        #expect(!"\(error)".contains(wrong))
        #expect(try await Federated.refusal(store, Federated.request(Self.scope, nil)).fix.contains("tokenRequests"))
    }

    @Test func readsASecretThatWasReplaced() async throws {
        endpoint.rules.clients = ["daypass": .secret("new-secret")]
        let (store, _) = try store()
        let error = try await Federated.refusal(store, Federated.request(Self.scope, nil))
        #expect(error.code == .misconfigured)
        #expect(error.fix == "check clientID and clientSecret")
        #expect(!error.tokenMayExist)
    }

    @Test func refusesWhatTheScopeHasNoPlaceFor() async throws {
        let (store, http) = try store()
        let both = TokenScope(repositories: ["our/app"], permissions: ["contents": .read], actions: [.pull])
        let error = try await Federated.refusal(store, Federated.request(both, nil))
        #expect(
            error.description == "refused: the scope has permissions, and scope of this store has no place for them; "
                + "ask without permissions"
        )
        for repository in ["our/app our/other", "our/app:push", "o\"x/y"] {
            let odd = TokenScope(repositories: [repository], actions: [.pull])
            #expect(try await Federated.refusal(store, Federated.request(odd, nil)).code == .refused)
        }
        #expect(http.calls.isEmpty)
    }

    typealias Change = @Sendable (inout ClientCredentialsSettings) -> Void
    private static let wrong: [(Change, String)] = [
        ({ $0.endpoint = "http://x.example" }, "endpoint can't be used"),
        ({ $0.clientID = "" }, "clientID is empty"),
        ({ $0.clientSecret = nil }, "a client proves itself in one way, and the settings have 0"),
        ({ $0.audience = "a" }, "a client proves itself in one way, and the settings have 2"),
        ({ $0.clientKeyID = "k" }, "clientKeyID and assertionAudience are for clientKey, which is missing"),
        ({ $0.clientAuthentication = "none" }, "clientAuthentication is neither basic nor post"),
        (
            {
                $0.clientSecret = nil; $0.clientKey = SecretReference(file: "/k"); $0.clientAuthentication = "post"
            },
            "clientAuthentication says how a secret is sent"
        ),
        (
            {
                $0.clientSecret = nil; $0.audience = "a"; $0.revocationEndpoint = "https://x.example/r"
            },
            "revocationEndpoint needs a credential when the Pod is gone"
        ),
        ({ $0.username = "{user}" }, "username has an unknown placeholder"),
        ({ $0.parameters = ["client_secret": "x"] }, "parameters holds client_secret"),
        ({ $0.registryHost = nil }, "neither gitURL nor registryHost nor otherHost is set"),
        ({ $0.requestAudience = "" }, "requestAudience is empty"),
    ]

    @Test(arguments: wrong.indices) func refusesSettings(index: Int) {
        let (change, text) = Self.wrong[index]
        let complaint = Federated.complaint(OAuthClientCredentialsStore.self, Self.settings(change))
        #expect(complaint.hasPrefix(text), "\(complaint)")
    }

    @Test(arguments: ["secret", "revocation", "key", "pod"]) func keepsTheContract(way: String) async throws {
        let endpoint = LoopbackTokenEndpoint(Self.rules(), subjects: subjects)
        let token = try subjects.token(audience: "tokens.example.com")
        let secrets = [Self.secretFile: "hunter2-hunter2\n", Self.keyFile: Self.p256.pemRepresentation]
        try await Federated.overHTTP(endpoint.handle) { url, http in
            var settings = Self.settings { $0.endpoint = url + "/token" }
            switch way {
            case "revocation": settings.revocationEndpoint = url + "/revoke"
            case "key":
                settings.clientSecret = nil
                settings.clientKey = SecretReference(file: Self.keyFile)
                endpoint.rules.clients = ["daypass": .key(publicPEM: Self.p256.publicKey.pemRepresentation)]
            case "pod":
                settings.clientSecret = nil
                settings.audience = "tokens.example.com"
                endpoint.rules.clients = ["daypass": .podToken(sub: "system:serviceaccount:binder:builder")]
            default: break
            }
            let suite = TokenStoreCompatibilitySuite(
                OAuthClientCredentialsStore.self,
                settings: settings,
                context: Federated.context(http, secrets: secrets),
                request: Federated.request(Self.scope, token)
            )
            #expect(await suite.violations() == [])
        }
    }
}
