// octo-sts: the exchange by trust policy, revocation at GitHub, and what goes wrong.

import LoopbackCluster
import LoopbackSources
import Testing
import TokenStore
import TokenStoreTesting
import TokenStores

@Suite struct OctoSTSStoreTests {
    static let scope = TokenScope(repositories: ["our-org/app"], permissions: ["contents": .read])
    static let subject = "system:serviceaccount:binder:builder"

    let clock = ManualClock()
    let subjects: SubjectTokens
    let octo: LoopbackOctoSTS

    init() throws {
        subjects = try Federated.subjects.get()
        let clock = clock
        octo = LoopbackOctoSTS(
            domain: "octo-sts.dev",
            owners: ["our-org"],
            subjects: subjects,
            now: { clock.now }
        )
        octo.add(policy(), scope: "our-org/app", identity: "builder")
    }

    private func policy(audience: String? = nil) -> LoopbackOctoSTS.Policy {
        LoopbackOctoSTS.Policy(issuer: subjects.issuer.name, subject: Self.subject, audience: audience)
    }

    private static func settings(_ change: (inout OctoSTSSettings) -> Void = { _ in }) -> OctoSTSSettings {
        var settings = OctoSTSSettings(
            identity: "builder",
            githubAPIURL: "https://ghe.example/api/v3",
            webURL: "https://github.com",
            usabilityProbe: false
        )
        change(&settings)
        return settings
    }

    private func store(_ settings: OctoSTSSettings = settings()) throws -> (OctoSTSStore, FederatedTransport) {
        let http = FederatedTransport(octo.handle)
        return (try OctoSTSStore(settings: settings, context: Federated.context(http, clock: clock)), http)
    }

    private func request(_ scope: TokenScope = scope, audience: String = "octo-sts.dev") throws -> TokenRequest {
        Federated.request(scope, try subjects.token(audience: audience, at: clock.now))
    }

    @Test func exchangesAndRevokes() async throws {
        let (store, http) = try store()
        let request = try request()
        let token = try await store.issue(request)
        #expect(http.lines == ["GET https://octo-sts.dev/sts/exchange?scope=our-org%2Fapp&identity=builder"])
        let jwt = try #require(request.subjectToken).revealText()
        #expect(http.calls[0].authorization == Secret(utf8: "Bearer \(jwt)"))
        #expect(token.username == "x-access-token")
        #expect(token.expiresAt == clock.now.advanced(by: .seconds(3540)))
        let handle = try #require(token.handle)
        #expect(handle.secret == token.secret)
        try await store.revoke(handle)
        #expect(octo.minted.map(\.isRevoked) == [true])
        try await store.revoke(handle)
        #expect(http.lines.last == "DELETE https://ghe.example/api/v3/installation/token")
        #expect(http.calls[1].authorization == Secret(utf8: "Bearer \(token.secret.revealText())"))
        await #expect(throws: TokenStoreError.self) { try await store.revoke(RevocationHandle(identifier: "x")) }
    }

    @Test func waitsUntilATokenWorks() async throws {
        let octo = LoopbackOctoSTS(domain: "octo-sts.dev", owners: ["our-org"], subjects: subjects)
        octo.add(policy(), scope: "our-org/app", identity: "builder")
        octo.lag(2)
        let http = FederatedTransport(octo.handle)
        let settings = Self.settings { $0.usabilityProbe = nil }
        let context = Federated.context(http, clock: SystemClock())
        let token = try subjects.token(audience: "octo-sts.dev")
        let store = try OctoSTSStore(settings: settings, context: context)
        _ = try await store.issue(Federated.request(Self.scope, token))
        #expect(
            http.lines.dropFirst()
                == Array(repeating: "GET https://ghe.example/api/v3/repos/our-org/app", count: 3)[...]
        )
    }

    @Test func anOrganisationsPolicyIsAskedForByOwner() async throws {
        octo.add(policy(audience: "builds"), scope: "our-org", identity: "all")
        let settings = Self.settings {
            $0.identity = "all"
            $0.policy = .organization
            $0.audience = "builds"
        }
        let (store, http) = try store(settings)
        let scope = TokenScope(repositories: ["our-org/app", "our-org/lib"], permissions: ["contents": .read])
        _ = try await store.issue(try request(scope, audience: "builds"))
        #expect(http.lines == ["GET https://octo-sts.dev/sts/exchange?scope=our-org&identity=all"])
        let mixed = TokenScope(repositories: ["our-org/app", "other/lib"], permissions: ["contents": .read])
        #expect(try await Federated.refusal(store, try request(mixed, audience: "builds")).code == .refused)
        #expect(http.calls.count == 1)
        guard case .wider(let words) = OctoSTSStore.reach(for: settings) else {
            Issue.record("the reach is not declared as wider")
            return
        }
        #expect(words.contains("organisation"))
    }

    @Test func aRepositorysPolicyIsForOneRepository() async throws {
        let (store, http) = try store()
        let two = TokenScope(repositories: ["our-org/app", "our-org/lib"], permissions: ["contents": .read])
        #expect(try await Federated.refusal(store, try request(two)).fix == "ask for one token for each repository")
        let actions = TokenScope(repositories: ["our-org/app"], actions: [.pull])
        #expect(try await Federated.refusal(store, try request(actions)).code == .refused)
        let odd = TokenScope(repositories: ["our-org/app&identity=x"], permissions: ["contents": .read])
        #expect(try await Federated.refusal(store, try request(odd)).code == .refused)
        #expect(http.calls.isEmpty)
    }

    @Test(arguments: [
        ("signature", "refused: octo-sts can't verify the Pod's token (HTTP 401)"),
        ("expired", "refused: octo-sts can't verify the Pod's token (HTTP 401)"),
        ("issuer", "refused: octo-sts does not take the Pod's token or its issuer (HTTP 400)"),
        ("audience", "refused: the trust policy builder of our-org/app does not match the Pod's token, or grants what"),
        ("subject", "refused: the trust policy builder of our-org/app does not match the Pod's token, or grants what"),
        ("rights", "refused: the trust policy builder of our-org/app does not match the Pod's token, or grants what"),
        (
            "policy",
            "refused: octo-sts finds no trust policy other for our-org/app, or its App is not installed there ("
        ),
        ("owner", "refused: octo-sts finds no trust policy builder for their-org/app, or its App is not installed"),
        ("limit", "rateLimited: octo-sts limits our calls (HTTP 429) until 2026-01-01T00:00:30Z"),
    ])
    func explainsEachRefusal(what: String, text: String) async throws {
        var request = try request()
        var settings = Self.settings()
        var token = PodToken(for: SubjectTokens.subject, audience: "octo-sts.dev", at: clock.now)
        var policy = policy()
        switch what {
        case "signature": request.subjectToken = Secret(utf8: try subjects.issuer.sign(token, .otherKeyID))
        case "expired": clock.advance(by: .seconds(3601))
        case "issuer":
            token.issuer = "https://elsewhere.example"
            request.subjectToken = Secret(utf8: try subjects.issuer.sign(token))
        case "audience": request = try self.request(audience: "daypass")
        case "subject": policy.subject += "2"
        case "rights": policy.isGrantable = false
        case "policy": settings.identity = "other"
        case "owner":
            request = try self.request(TokenScope(repositories: ["their-org/app"], permissions: ["contents": .read]))
        default: octo.limit()
        }
        octo.add(policy, scope: "our-org/app", identity: "builder")
        let (store, _) = try store(settings)
        let error = try await Federated.refusal(store, request)
        #expect("\(error)".hasPrefix(text), "\(error)")
        #expect(error.code == .rateLimited || !error.fix.isEmpty)
        #expect(octo.minted.isEmpty)
        let shown = try #require(request.subjectToken).revealText()
        #expect(!"\(error)".contains(shown))
    }

    @Test func addressesFollowFromEachOther() throws {
        let plain = OctoSTSSettings(identity: "x")
        #expect(try OctoSTSStore.service(for: plain).git?.origin == "https://github.com")
        #expect(OctoSTSStore.subjectTokenAudience(for: plain) == "octo-sts.dev")
        let own = OctoSTSSettings(
            identity: "x",
            url: "https://sts.corp.example:8443",
            githubAPIURL: "https://ghe.corp.example/api/v3",
            registryHost: "GHCR.io"
        )
        #expect(try OctoSTSStore.service(for: own).git?.origin == "https://ghe.corp.example")
        #expect(try OctoSTSStore.service(for: own).registryHost == "ghcr.io")
        #expect(OctoSTSStore.subjectTokenAudience(for: own) == "sts.corp.example:8443")
        #expect(OctoSTSStore.knownPermissions.contains("contents"))
    }

    typealias Change = @Sendable (inout OctoSTSSettings) -> Void
    private static let wrong: [(Change, String)] = [
        ({ $0.identity = "" }, "identity is no name of a trust policy"),
        ({ $0.identity = "../x" }, "identity is no name of a trust policy"),
        ({ $0.url = "http://octo.example" }, "url can't be used"), ({ $0.audience = "" }, "audience is empty"),
        ({ $0.githubAPIURL = "ghe" }, "githubAPIURL can't be used"),
        (
            {
                $0.githubAPIURL = "https://ghe.example"; $0.webURL = nil
            }, "webURL is missing, and it does not follow"
        ),
        ({ $0.webURL = "https://ghe.example/x" }, "webURL can't be used"),
        ({ $0.registryHost = "a/b" }, "registryHost is no host name"),
    ]

    @Test(arguments: wrong.indices) func refusesSettings(index: Int) {
        let (change, text) = Self.wrong[index]
        let complaint = Federated.complaint(OctoSTSStore.self, Self.settings(change))
        #expect(complaint.hasPrefix(text), "\(complaint)")
    }

    @Test func keepsTheContract() async throws {
        let octo = LoopbackOctoSTS(domain: "octo-sts.dev", owners: ["our-org"], subjects: subjects)
        octo.add(policy(), scope: "our-org/app", identity: "builder")
        let token = try subjects.token(audience: "octo-sts.dev")
        try await Federated.overHTTP(octo.handle) { url, http in
            let suite = TokenStoreCompatibilitySuite(
                OctoSTSStore.self,
                settings: Self.settings {
                    $0.url = url
                    $0.audience = "octo-sts.dev"
                    $0.githubAPIURL = url + "/api/v3"
                    $0.usabilityProbe = nil
                },
                context: Federated.context(http),
                request: Federated.request(Self.scope, token)
            )
            #expect(await suite.violations() == [])
        }
        #expect(octo.minted.count > 2)
    }
}
