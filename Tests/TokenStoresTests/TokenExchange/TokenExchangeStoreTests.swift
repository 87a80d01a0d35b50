// Token exchange: what is sent, what is taken, what is refused.

import LoopbackCluster
import LoopbackSources
import Testing
import TokenStore
import TokenStoreTesting
import TokenStores

@Suite struct TokenExchangeStoreTests {
    static let audience = "https://sts.example.com"
    static let secretFile = "/etc/daypass/client-secret"

    let clock = ManualClock()
    let subjects: SubjectTokens
    let endpoint: LoopbackTokenEndpoint

    init() throws {
        subjects = try Federated.subjects.get()
        var rules = TokenEndpointRules(audience: Self.audience)
        rules.scopes = ["repository:our/app:pull,push", "repository:our/lib:pull,push", "repository:our/app:pull"]
        rules.targets = ["registry"]
        let clock = clock
        endpoint = LoopbackTokenEndpoint(rules, subjects: subjects, now: { clock.now })
    }

    static func settings(_ change: (inout TokenExchangeSettings) -> Void = { _ in }) -> TokenExchangeSettings {
        var settings = TokenExchangeSettings(
            endpoint: "https://sts.example.com/token",
            audience: audience,
            username: "oauth2",
            scope: "repository:{repository}:{actions}",
            registryHost: "registry.example.com"
        )
        change(&settings)
        return settings
    }

    private func store(_ settings: TokenExchangeSettings = settings()) throws -> (
        TokenExchangeStore, FederatedTransport
    ) {
        let http = FederatedTransport(endpoint.handle)
        let context = Federated.context(http, clock: clock, secrets: [Self.secretFile: "s3cret:/+ &\n"])
        return (try TokenExchangeStore(settings: settings, context: context), http)
    }

    private func request(
        _ repositories: [String] = ["our/app"],
        _ actions: Set<RegistryAction> = [.pull, .push],
        subject: Subject = SubjectTokens.subject,
        audience: String = audience
    ) throws -> TokenRequest {
        let token = try subjects.token(for: subject, audience: audience, at: clock.now)
        return Federated.request(TokenScope(repositories: repositories, actions: actions), token)
    }

    @Test func sendsWhatTheSpecificationSays() async throws {
        endpoint.rules.requiredFields = ["connection_id": "abc", "expires_in": "900"]
        let (store, http) = try store(
            Self.settings {
                $0.requestAudience = "registry"
                $0.requestedTokenType = "urn:ietf:params:oauth:token-type:access_token"
                $0.parameters = ["connection_id": "abc", "expires_in": "900"]
            }
        )
        let request = try request(["our/lib", "our/app"])
        let token = try await store.issue(request)
        #expect(http.lines == ["POST https://sts.example.com/token"])
        let jwt = try #require(request.subjectToken).revealText()
        #expect(
            http.form(0) == [
                "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange", "audience=registry",
                "scope=repository%3Aour%2Fapp%3Apull%2Cpush%20repository%3Aour%2Flib%3Apull%2Cpush",
                "requested_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token", "connection_id=abc",
                "expires_in=900", "subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Ajwt",
                "subject_token=\(jwt)",
            ]
        )
        #expect(http.calls[0].authorization == nil)
        #expect(http.calls[0].headers.map(\.name) == ["Accept", "Content-Type"])
        #expect(token.username == "oauth2")
        #expect(token.expiresAt == clock.now.advanced(by: .seconds(3600)))
        #expect(token.grantedScope == request.scope)
        #expect(token.handle == nil)
        #expect(endpoint.accepts(token.secret.revealText()))
        #expect(endpoint.minted.map(\.subject) == ["system:serviceaccount:binder:builder"])
    }

    @Test func provesTheClientByBasic() async throws {
        endpoint.rules.clients = ["day pass": .secret("s3cret:/+ &")]
        // RFC 6749 wants both form-encoded within Basic, so an id with a colon or a space survives.
        let (store, http) = try store(
            Self.settings {
                $0.clientID = "day-pass"
                $0.clientSecret = SecretReference(file: Self.secretFile)
            }
        )
        let refused = try await Federated.refusal(store, try request())
        #expect(refused.code == .misconfigured)
        #expect(
            refused.description
                == "misconfigured: the token endpoint does not know the client or its credential (HTTP 401, "
                + "invalid_client); check clientID and clientSecret"
        )
        endpoint.rules.clients = ["day-pass": .secret("s3cret:/+ &")]
        let token = try await store.issue(try request())
        #expect(endpoint.accepts(token.secret.revealText()))
        #expect(http.calls[1].authorization != nil)
        #expect(!http.form(1).contains { $0.hasPrefix("client_") })
    }

    @Test func provesTheClientInTheForm() async throws {
        endpoint.rules.clients = ["daypass": .secret("s3cret:/+ &")]
        let (store, http) = try store(
            Self.settings {
                $0.clientID = "daypass"
                $0.clientSecret = SecretReference(file: Self.secretFile)
                $0.clientAuthentication = "post"
            }
        )
        _ = try await store.issue(try request())
        #expect(http.form(0).contains("client_id=daypass"))
        #expect(http.form(0).contains("client_secret=s3cret%3A%2F%2B%20%26"))
        #expect(http.calls[0].authorization == nil)
    }

    @Test func revokesByRFC7009() async throws {
        endpoint.rules.clients = ["daypass": .none]
        let (store, http) = try store(
            Self.settings {
                $0.clientID = "daypass"
                $0.revocationEndpoint = "https://sts.example.com/revoke"
            }
        )
        let token = try await store.issue(try request())
        let handle = try #require(token.handle)
        #expect(handle.identifier.dropFirst(12) == "@https://sts.example.com/revoke")
        try await store.revoke(handle)
        #expect(endpoint.live.isEmpty)
        try await store.revoke(handle)
        #expect(http.lines.suffix(2) == Array(repeating: "POST https://sts.example.com/revoke", count: 2)[...])
        #expect(
            http.form(1) == [
                "token=\(token.secret.revealText())", "token_type_hint=access_token", "client_id=daypass",
            ]
        )
        // A refusal of the endpoint is no success.
        endpoint.rules.clients = ["other": .none]
        await #expect(throws: TokenStoreError.self) { try await store.revoke(handle) }
    }

    /// RFC 7009 answers 200 to a token that is not known: another provider would take a living token for revoked.
    @Test func aTokenIsNotShownToAnotherRevocationEndpoint() async throws {
        let (issuing, _) = try store(Self.settings { $0.revocationEndpoint = "https://sts.example.com/revoke" })
        let handle = try #require(try await issuing.issue(try request()).handle)
        let (moved, http) = try store(Self.settings { $0.revocationEndpoint = "https://other.example.com/revoke" })
        let unnamed = RevocationHandle(identifier: "0123456789ab", secret: handle.secret)
        for (handle, message) in [
            (handle, "than the store has now, https://sts.example.com/revoke"), (unnamed, "than the store has now"),
        ] {
            do throws(TokenStoreError) {
                try await moved.revoke(handle)
                Issue.record("taken for revoked")
            } catch {
                #expect(error.code == .misconfigured)
                #expect(error.message == "the token was issued for another revocation endpoint " + message)
            }
        }
        #expect(http.calls.isEmpty)
        #expect(endpoint.live.count == 1)
        try await issuing.revoke(handle)
        #expect(endpoint.live.isEmpty)
    }

    @Test func aWiderScopeIsRefusedAndRevoked() async throws {
        endpoint.rules.addedScopes = ["admin"]
        let settings = Self.settings { $0.revocationEndpoint = "https://sts.example.com/revoke" }
        let (store, _) = try store(settings)
        let error = try await Federated.refusal(store, try request())
        #expect(error.code == .malformedAnswer)
        #expect(error.message == "the new token of the token endpoint reaches more than was asked for")
        #expect(!error.tokenMayExist)
        #expect(endpoint.minted.count == 1)
        #expect(endpoint.live.isEmpty)
        // Without a way to revoke, the token is left to its own end, and the error says that it may exist.
        let (careless, _) = try self.store()
        let left = try await Federated.refusal(careless, request())
        #expect(left.tokenMayExist)
    }

    @Test func aNarrowerScopeIsRefusedByName() async throws {
        endpoint.rules.narrows = true
        let (store, _) = try store()
        let error = try await Federated.refusal(store, try request(["our/app", "our/secret"]))
        #expect(
            error.description
                == "refused: the token endpoint granted less than was asked for; missing: "
                + "repository:our/secret:pull,push; allow it there, or ask for less"
        )
    }

    @Test func fewerActionsAreRefusedByName() async throws {
        endpoint.rules.narrows = true
        endpoint.rules.scopes = ["repository:our/app:pull"]
        let (store, _) = try store()
        let error = try await Federated.refusal(store, try request())
        #expect(endpoint.minted.map(\.scope) == [["repository:our/app:pull"]])
        #expect(
            error.description
                == "refused: the token endpoint granted less than was asked for; missing: "
                + "repository:our/app:push; allow it there, or ask for less"
        )
    }

    @Test(arguments: [TokenEndpointRules.ScopeForm.reversed, .split])
    func theFormOfTheScopeDoesNotMatter(form: TokenEndpointRules.ScopeForm) async throws {
        endpoint.rules.scopeForm = form
        let (store, _) = try store()
        let request = try request(["our/app", "our/lib"])
        #expect(try await store.issue(request).grantedScope == request.scope)
        // A further action is more, however it is written.
        for word in ["repository:our/app:delete", "repository:our/app:pull,*", "repository:our/other:pull", "pull"] {
            endpoint.rules.addedScopes = [word]
            let error = try await Federated.refusal(store, request)
            #expect(error.message == "the new token of the token endpoint reaches more than was asked for")
        }
        // A resource without actions is no grant.
        endpoint.rules.addedScopes = ["repository:our/other:"]
        endpoint.rules.scopeForm = .asGranted
        _ = try await store.issue(request)
    }

    private static let lives: [(TokenEndpointRules.LifeForm, Bool, Int64?)] = [
        (.number, false, 900), (.text, false, 900), (.none, true, 900), (.none, false, nil),
    ]

    @Test(arguments: lives)
    func readsTheLife(form: TokenEndpointRules.LifeForm, isJWT: Bool, life: Int64?) async throws {
        endpoint.rules.life = 900
        endpoint.rules.lifeForm = form
        endpoint.rules.issuesJWTs = isJWT
        let (store, _) = try store()
        let token = try await store.issue(try request())
        #expect(token.expiresAt == life.map { clock.now.advanced(by: .seconds($0)) })
    }

    @Test func refusesTokensOfNoUse() async throws {
        let (store, _) = try store(
            Self.settings { $0.requestedTokenType = "urn:ietf:params:oauth:token-type:access_token" }
        )
        let request = try request()
        endpoint.rules.tokenType = "DPoP"
        #expect(try await Federated.refusal(store, request).code == .malformedAnswer)
        endpoint.rules.tokenType = "Bearer"
        endpoint.rules.issuedTokenType = "urn:ietf:params:oauth:token-type:refresh_token"
        #expect(try await Federated.refusal(store, request).code == .malformedAnswer)
        endpoint.rules.issuedTokenType = nil
        endpoint.rules.life = 0
        #expect(try await Federated.refusal(store, request).code == .malformedAnswer)
        endpoint.rules.life = 60
        endpoint.rules.tokenType = nil
        _ = try await store.issue(request)
    }

    @Test(arguments: [
        ("signature", "refused"), ("audience", "refused"), ("expired", "refused"), ("subject", "refused"),
        ("scope", "invalid_scope"), ("target", "invalid_target"), ("grant", "unsupported_grant_type"),
    ])
    func explainsEachRefusal(what: String, word: String) async throws {
        var request = try request()
        var settings = Self.settings()
        switch what {
        case "signature":
            request.subjectToken = Secret(
                utf8: try subjects.issuer.sign(
                    PodToken(for: SubjectTokens.subject, audience: Self.audience, at: clock.now),
                    .forgedKeyID
                )
            )
        case "audience": request = try self.request(audience: "daypass")
        case "expired": clock.advance(by: .seconds(3601))
        case "subject":
            var other = SubjectTokens.subject
            other.serviceAccount = "stranger"
            request = try self.request(subject: other)
        case "scope": request = try self.request(["our/other"])
        case "target": settings.requestAudience = "elsewhere"
        default: endpoint.rules.grantTypes = []
        }
        let (store, http) = try store(settings)
        let error = try await Federated.refusal(store, request)
        #expect("\(error)".contains(word), "\(error)")
        #expect(!error.fix.isEmpty)
        #expect(!error.tokenMayExist)
        #expect(http.calls.count == 1)
        #expect(endpoint.minted.isEmpty)
        // The endpoint repeats the subject token; the error does not.
        let shown = try #require(request.subjectToken).revealText()
        #expect(!"\(error)".contains(shown))
        if word == "refused" { #expect(error.fix.contains(Self.audience)) }
    }

    @Test func withoutASubjectTokenTheOperatorIsTold() async throws {
        let (store, http) = try store()
        let scope = TokenScope(repositories: ["our/app"], actions: [.pull])
        let error = try await Federated.refusal(store, Federated.request(scope, nil))
        #expect(error.code == .misconfigured)
        #expect(error.fix.contains("tokenRequests"))
        #expect(http.calls.isEmpty)
    }

    @Test func keepsTheContract() async throws {
        let endpoint = LoopbackTokenEndpoint(endpoint.rules, subjects: subjects)
        let subjectToken = try subjects.token(audience: Self.audience)
        try await Federated.overHTTP(endpoint.handle) { url, http in
            for revocation in [nil, url + "/revoke"] {
                let suite = TokenStoreCompatibilitySuite(
                    TokenExchangeStore.self,
                    settings: Self.settings {
                        $0.endpoint = url + "/token"
                        $0.revocationEndpoint = revocation
                    },
                    context: Federated.context(http),
                    request: Federated.request(
                        TokenScope(repositories: ["our/app"], actions: [.pull, .push]),
                        subjectToken
                    )
                )
                #expect(await suite.violations() == [])
            }
        }
        #expect(!endpoint.minted.filter(\.isRevoked).isEmpty)
    }
}
