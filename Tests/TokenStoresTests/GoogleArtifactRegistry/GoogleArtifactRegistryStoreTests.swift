// Google Artifact Registry: the exchange, impersonation, and what goes wrong with each.

import LoopbackCluster
import LoopbackSources
import Testing
import TokenStore
import TokenStoreTesting
import TokenStores

@Suite struct GoogleArtifactRegistryStoreTests {
    static let provider = "projects/123/locations/global/workloadIdentityPools/builds/providers/cluster"
    static let account = "builder@our-project.iam.gserviceaccount.com"
    static let scope = TokenScope(repositories: ["our-project/images/app"], actions: [.pull])

    let clock = ManualClock()
    let subjects: SubjectTokens
    let google: LoopbackGoogle

    init() throws {
        subjects = try Federated.subjects.get()
        let clock = clock
        google = LoopbackGoogle(Self.setup(), subjects: subjects, now: { clock.now })
    }

    private static func setup() -> LoopbackGoogle.Setup {
        var setup = LoopbackGoogle.Setup(
            audience: "//iam.googleapis.com/" + provider,
            allowedAudience: "https://iam.googleapis.com/" + provider
        )
        setup.impersonators = [account: ["system:serviceaccount:binder:builder"]]
        return setup
    }

    static func settings(
        _ change: (inout GoogleArtifactRegistrySettings) -> Void = { _ in }
    ) -> GoogleArtifactRegistrySettings {
        var settings = GoogleArtifactRegistrySettings(
            registryHost: "europe-west3-docker.pkg.dev",
            workloadIdentityProvider: provider
        )
        change(&settings)
        return settings
    }

    private func store(
        _ settings: GoogleArtifactRegistrySettings = settings()
    ) throws -> (GoogleArtifactRegistryStore, FederatedTransport) {
        let http = FederatedTransport(google.handle)
        let store = try GoogleArtifactRegistryStore(
            settings: settings,
            context: Federated.context(http, clock: clock)
        )
        return (store, http)
    }

    private func request(
        subject: Subject = SubjectTokens.subject,
        audience: String = "https://iam.googleapis.com/" + provider,
        lifetime: Duration? = nil,
        tokenLife: Duration = .seconds(3600)
    ) throws -> TokenRequest {
        let token = try subjects.token(for: subject, audience: audience, at: clock.now, lifetime: tokenLife)
        return Federated.request(Self.scope, token, lifetime: lifetime)
    }

    @Test func exchangesWithoutAnAuthorizationField() async throws {
        let (store, http) = try store()
        let request = try request()
        let token = try await store.issue(request)
        #expect(http.lines == ["POST https://sts.googleapis.com/v1/token"])
        #expect(http.calls[0].authorization == nil)
        let jwt = try #require(request.subjectToken).revealText()
        let expected = [
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange",
            "audience=%2F%2Fiam.googleapis.com%2Fprojects%2F123%2Flocations%2Fglobal%2FworkloadIdentityPools%2Fbuilds"
                + "%2Fproviders%2Fcluster",
            "scope=https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fcloud-platform",
            "requested_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token",
            "subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Ajwt", "subject_token=\(jwt)",
        ]
        #expect(http.form(0) == expected)
        #expect(token.username == "oauth2accesstoken")
        #expect(token.expiresAt == clock.now.advanced(by: .seconds(3599)))
        #expect(token.secret.revealText() == google.minted.first?.token)
        #expect(token.handle == nil)
        google.setup.namesLife = false
        #expect(try await store.issue(request).expiresAt == clock.now.advanced(by: .seconds(3600)))
    }

    @Test(arguments: [(nil, 3600), (900, 900), (60, 600), (7200, 3600)] as [(Int?, Int)])
    func impersonatesWithALife(wished: Int?, life: Int) async throws {
        let (store, http) = try store(Self.settings { $0.serviceAccount = Self.account })
        let token = try await store.issue(try request(lifetime: wished.map { .seconds($0) }))
        #expect(
            http.lines.last == "POST https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/"
                + "builder%40our-project.iam.gserviceaccount.com:generateAccessToken"
        )
        let body = String(decoding: try #require(http.calls[1].body), as: UTF8.self)
        #expect(body == #"{"lifetime":"\#(life)s","scope":["https://www.googleapis.com/auth/cloud-platform"]}"#)
        let federated = try #require(google.minted.first).token
        #expect(http.calls[1].authorization == Secret(utf8: "Bearer \(federated)"))
        #expect(token.secret.revealText() == google.minted.last?.token)
        #expect(google.minted.last?.principal == Self.account)
        #expect(token.expiresAt == clock.now.advanced(by: .seconds(life)))
    }

    @Test func longerLivesAreTheOrganisationsToAllow() async throws {
        let settings = Self.settings {
            $0.serviceAccount = Self.account
            $0.maxLifetimeSeconds = 43_200
        }
        let (store, _) = try store(settings)
        let request = try request(lifetime: .seconds(43_200))
        let error = try await Federated.refusal(store, request)
        #expect(error.code == .misconfigured)
        #expect(error.fix.contains("iam.allowServiceAccountCredentialLifetimeExtension"))
        google.setup.longestLife = 43_200
        #expect(try await store.issue(request).expiresAt == clock.now.advanced(by: .seconds(43_200)))
        #expect(
            GoogleArtifactRegistryStore.capabilities(for: settings).life == .chosen(.seconds(600) ... .seconds(43_200))
        )
        #expect(GoogleArtifactRegistryStore.capabilities(for: Self.settings()).life == .fixed("1 hour"))
    }

    @Test func aLongerLifeThanAskedForIsRefused() async throws {
        let (store, _) = try store(Self.settings { $0.serviceAccount = Self.account })
        let request = try request(lifetime: .seconds(900))
        google.setup.addedLife = 60
        #expect(try await store.issue(request).expiresAt == clock.now.advanced(by: .seconds(960)))
        google.setup.addedLife = 61
        let error = try await Federated.refusal(store, request)
        #expect(error.code == .malformedAnswer)
        #expect(error.message == "Google's new token lives longer than was asked for, by this node's clock")
        #expect(error.tokenMayExist)
    }

    @Test func onGKEThePoolIsTheAudience() async throws {
        let cluster = "https://container.googleapis.com/v1/projects/p/locations/europe-west3/clusters/c"
        google.setup.audience = "identitynamespace:p.svc.id.goog:\(cluster)"
        google.setup.allowedAudience = "p.svc.id.goog"
        let settings = Self.settings {
            $0.workloadIdentityProvider = nil
            $0.gkeWorkloadPool = "p.svc.id.goog"
            $0.gkeCluster = cluster
        }
        #expect(GoogleArtifactRegistryStore.subjectTokenAudience(for: settings) == "p.svc.id.goog")
        let (store, _) = try store(settings)
        _ = try await store.issue(try request(audience: "p.svc.id.goog"))
        #expect(google.minted.count == 1)
    }

    @Test(arguments: [
        (
            "signature",
            "refused: Google's token service does not accept the token that it was shown (HTTP 400, invalid_gr"
        ),
        (
            "audience",
            "refused: Google's token service does not accept the token that it was shown (HTTP 400, invalid_gr"
        ),
        (
            "expired",
            "refused: Google's token service does not accept the token that it was shown (HTTP 400, invalid_gr"
        ),
        ("long", "refused: Google's token service does not accept the token that it was shown (HTTP 400, invalid_gr"),
        (
            "condition",
            "refused: Google's token service does not allow this client to ask in this way (HTTP 400, unauth"
        ),
        ("provider", "misconfigured: Google's token service does not know what the token is for (HTTP 400, invalid_ta"),
        (
            "account",
            "refused: Google's IAM finds nothing to impersonate nobody@our-project.iam.gserviceaccount.com (HT"
        ),
        (
            "binding",
            "refused: Google's IAM forbids to impersonate builder@our-project.iam.gserviceaccount.com (HTTP 40"
        ),
    ])
    func explainsEachRefusal(what: String, text: String) async throws {
        var request = try request()
        var settings = Self.settings()
        switch what {
        case "signature":
            let token = PodToken(
                for: SubjectTokens.subject,
                audience: "https://iam.googleapis.com/" + Self.provider,
                at: clock.now
            )
            request.subjectToken = Secret(utf8: try subjects.issuer.sign(token, .hmacWithPublicKey))
        case "audience": request = try self.request(audience: "daypass")
        case "expired": clock.advance(by: .seconds(3601))
        case "long": request = try self.request(tokenLife: .seconds(90_000))
        case "condition": google.setup.subjects = []
        case "provider": google.setup.audience += "2"
        case "account": settings.serviceAccount = "nobody@our-project.iam.gserviceaccount.com"
        default:
            settings.serviceAccount = Self.account
            google.setup.impersonators = [Self.account: []]
        }
        let (store, http) = try store(settings)
        let error = try await Federated.refusal(store, request)
        #expect("\(error)".hasPrefix(text), "\(error)")
        #expect(!error.fix.isEmpty)
        #expect(!error.tokenMayExist)
        #expect(http.calls.count == (["account", "binding"].contains(what) ? 2 : 1))
        let shown = try #require(request.subjectToken).revealText()
        #expect(!"\(error)".contains(shown))
    }

    @Test func theWiderReachIsDeclared() throws {
        let (store, _) = try store()
        guard case .wider = GoogleArtifactRegistryStore.capabilities(for: Self.settings()).reach else {
            Issue.record("the reach is not declared as wider")
            return
        }
        _ = store
        #expect(
            try GoogleArtifactRegistryStore.service(for: Self.settings()).registryHost == Self.settings().registryHost
        )
    }

    typealias Change = @Sendable (inout GoogleArtifactRegistrySettings) -> Void
    private static let wrong: [(Change, String)] = [
        ({ $0.registryHost = "https://gcr.io" }, "registryHost is no host name"),
        ({ $0.workloadIdentityProvider = nil }, "it is not said which provider looks at the Pod's token"),
        ({ $0.gkeWorkloadPool = "p.svc.id.goog" }, "it is not said which provider looks at the Pod's token"),
        (
            {
                $0.workloadIdentityProvider =
                    "projects/our-project/locations/global/workloadIdentityPools/b/providers/c"
            },
            "workloadIdentityProvider is no provider's full name"
        ),
        (
            { $0.workloadIdentityProvider = "//iam.googleapis.com/" + provider },
            "workloadIdentityProvider is no provider's"
        ),
        ({ $0.audience = "a b" }, "audience is empty, longer"),
        ({ $0.serviceAccount = "builder/../x@y" }, "serviceAccount is no service account's e-mail address"),
        ({ $0.maxLifetimeSeconds = 900 }, "maxLifetimeSeconds is not from 600 to 43200, or there is no serviceAccount"),
        (
            {
                $0.serviceAccount = account; $0.maxLifetimeSeconds = 50_000
            },
            "maxLifetimeSeconds is not from 600 to 43200"
        ),
        ({ $0.stsURL = "http://sts.example" }, "stsURL can't be used"),
        ({ $0.iamCredentialsURL = "x" }, "iamCredentialsURL can't be used"),
    ]

    @Test(arguments: wrong.indices) func refusesSettings(index: Int) {
        let (change, text) = Self.wrong[index]
        let complaint = Federated.complaint(GoogleArtifactRegistryStore.self, Self.settings(change))
        #expect(complaint.hasPrefix(text), "\(complaint)")
    }

    @Test func refusesWhatARegistryTokenCantHave() async throws {
        let (store, http) = try store()
        for scope in [
            TokenScope(repositories: ["team/app"], permissions: ["contents": .read]),
            TokenScope(repositories: ["Team App"], actions: [.pull]),
        ] {
            var request = try request()
            request.scope = scope
            #expect(try await Federated.refusal(store, request).code == .refused)
        }
        #expect(http.calls.isEmpty)
    }

    @Test(arguments: [nil, account]) func keepsTheContract(serviceAccount: String?) async throws {
        let google = LoopbackGoogle(Self.setup(), subjects: subjects)
        let token = try subjects.token(audience: google.setup.allowedAudience)
        try await Federated.overHTTP(google.handle) { url, http in
            let suite = TokenStoreCompatibilitySuite(
                GoogleArtifactRegistryStore.self,
                settings: Self.settings {
                    $0.serviceAccount = serviceAccount
                    $0.stsURL = url
                    $0.iamCredentialsURL = url
                },
                context: Federated.context(http),
                request: Federated.request(Self.scope, token)
            )
            #expect(await suite.violations() == [])
        }
    }
}
