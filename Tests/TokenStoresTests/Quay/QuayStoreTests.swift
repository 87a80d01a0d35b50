// Quay's robot federation: the exchange, and what goes wrong with it.

import LoopbackCluster
import LoopbackSources
import Testing
import TokenStore
import TokenStoreTesting
import TokenStores

@Suite struct QuayStoreTests {
    static let scope = TokenScope(repositories: ["our-org/app"], actions: [.pull, .push])

    let clock = ManualClock()
    let subjects: SubjectTokens
    let quay: LoopbackQuay

    init() throws {
        subjects = try Federated.subjects.get()
        let clock = clock
        quay = LoopbackQuay(Self.robots, subjects: subjects, now: { clock.now })
    }

    private static let robots: [String: LoopbackQuay.Federation?] = [
        "our-org+builder": .init(subject: "system:serviceaccount:binder:builder", audiences: ["quay.io"]),
        "our-org+plain": nil,
    ]

    private func store(robot: String = "our-org+builder") throws -> (QuayStore, FederatedTransport) {
        let http = FederatedTransport(quay.handle)
        let settings = QuaySettings(robot: robot, audience: "quay.io")
        return (try QuayStore(settings: settings, context: Federated.context(http, clock: clock)), http)
    }

    private func request(_ subject: Subject = SubjectTokens.subject, audience: String = "quay.io") throws
        -> TokenRequest
    {
        Federated.request(Self.scope, try subjects.token(for: subject, audience: audience, at: clock.now))
    }

    @Test func showsThePodsTokenAsThePassword() async throws {
        let (store, http) = try store()
        let request = try request()
        let token = try await store.issue(request)
        #expect(http.lines == ["GET https://quay.io/oauth2/federation/robot/token"])
        #expect(http.calls[0].body == nil)
        #expect(token.username == "our-org+builder")
        #expect(token.secret.revealText() == quay.minted.last)
        #expect(token.expiresAt == clock.now.advanced(by: .seconds(3600)))
        #expect(token.handle == nil)
        // Within one second Quay's statement is the same, which capabilities say.
        #expect(try await store.issue(request).secret == token.secret)
        #expect(QuayStore.capabilities.sharesTokens)
        await #expect(throws: TokenStoreError.self) { try await store.revoke(RevocationHandle(identifier: "x")) }
    }

    @Test func atokenWithoutAnEndIsTaken() async throws {
        let http = ScriptedTransport()
        http.then(200, json: #"{"token":"opaque"}"#)
        let settings = QuaySettings(robot: "our-org+builder", audience: "quay.io")
        let store = try QuayStore(settings: settings, context: Federated.context(http, clock: clock))
        #expect(try await store.issue(try request()).expiresAt == nil)
    }

    @Test(arguments: ["signature", "audience", "subject", "expired", "unknown", "plain"])
    func explainsEachRefusal(what: String) async throws {
        var request = try request()
        var robot = "our-org+builder"
        switch what {
        case "signature":
            let token = PodToken(for: SubjectTokens.subject, audience: "quay.io", at: clock.now)
            request.subjectToken = Secret(utf8: try subjects.issuer.sign(token, .forgedKeyID))
        case "audience": request = try self.request(audience: "daypass")
        case "subject":
            var other = SubjectTokens.subject
            other.namespace = "elsewhere"
            request = try self.request(other)
        case "expired": clock.advance(by: .seconds(3601))
        case "unknown": robot = "our-org+nobody"
        default: robot = "our-org+plain"
        }
        let (store, _) = try store(robot: robot)
        let error = try await Federated.refusal(store, request)
        #expect(error.code == .refused)
        #expect(error.message == "Quay does not accept the Pod's token for \(robot) (HTTP 400)")
        #expect(
            error.fix
                == "check the federation of \(robot): this cluster's issuer, the subject system:serviceaccount:binder"
                + ":builder, the audience quay.io"
        )
        #expect(quay.minted.isEmpty)
    }

    @Test(arguments: [
        (QuaySettings(robot: "builder", audience: "quay.io"), "robot is no robot account's name"),
        (QuaySettings(robot: "a+b:c", audience: "quay.io"), "robot is no robot account's name"),
        (QuaySettings(robot: "a+b", audience: ""), "audience is empty"),
        (QuaySettings(robot: "a+b", audience: "x", url: "http://quay.example"), "url can't be used"),
        (QuaySettings(robot: "a+b", audience: "x", registryHost: "a/b"), "registryHost is no host name"),
    ])
    func refusesSettings(settings: QuaySettings, text: String) {
        #expect(Federated.complaint(QuayStore.self, settings).hasPrefix(text))
    }

    @Test func theRegistryIsTheHostOfTheURL() throws {
        let own = QuaySettings(robot: "a+b", audience: "x", url: "https://Quay.example.com:8443/")
        #expect(try QuayStore.service(for: own).registryHost == "quay.example.com:8443")
        let named = QuaySettings(robot: "a+b", audience: "x", url: "https://q.example", registryHost: "r.example")
        #expect(try QuayStore.service(for: named).registryHost == "r.example")
        #expect(QuayStore.subjectTokenAudience(for: own) == "x")
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

    @Test func keepsTheContract() async throws {
        let quay = LoopbackQuay(Self.robots, subjects: subjects)
        let token = try subjects.token(audience: "quay.io")
        try await Federated.overHTTP(quay.handle) { url, http in
            let suite = TokenStoreCompatibilitySuite(
                QuayStore.self,
                settings: QuaySettings(robot: "our-org+builder", audience: "quay.io", url: url),
                context: Federated.context(http),
                request: Federated.request(Self.scope, token)
            )
            #expect(await suite.violations() == [])
        }
    }
}
