// The Acme store keeps the contract of TokenStore.

import AcmeStore
import Foundation
import Logging
import Testing
import TokenStore
import TokenStoreTesting

@Suite struct AcmeStoreTests {
    private let clock = ManualClock()

    private func context(_ forge: AcmeForge, adminToken: String = AcmeForge.adminToken) -> TokenStoreContext {
        TokenStoreContext(
            name: "acme",
            clock: clock,
            http: forge,
            secrets: FixedSecrets(["/admin": adminToken + "\n"]),
            logger: Logger(label: "test")
        )
    }

    private func settings() throws -> AcmeStore.Settings {
        let json = #"{"url":"https://acme.example","adminToken":{"file":"/admin"}}"#
        return try JSONDecoder().decode(AcmeStore.Settings.self, from: Data(json.utf8))
    }

    private let request = TokenRequest(
        subject: Subject(namespace: "ci", serviceAccount: "builder", podName: "build-1", podUID: "1"),
        scope: TokenScope(repositories: ["acme/app"], permissions: ["code": .read])
    )

    @Test func keepsTheContract() async throws {
        let forge = AcmeForge(clock: clock)
        let suite = TokenStoreCompatibilitySuite(
            AcmeStore.self,
            settings: try settings(),
            context: context(forge),
            request: request
        )
        let violations = await suite.violations()
        #expect(violations == [])
    }

    @Test func aWrongAdminTokenIsSaid() async throws {
        let store = try AcmeStore(settings: settings(), context: context(AcmeForge(clock: clock), adminToken: "wrong"))
        do {
            _ = try await store.issue(request)
            Issue.record("a token was issued")
        } catch {
            #expect(error.code == .misconfigured)
            #expect(error.fix == "put a token of an administrator into /admin")
        }
    }

    @Test func anUnknownRepositoryIsRefused() async throws {
        let store = try AcmeStore(settings: settings(), context: context(AcmeForge(clock: clock)))
        var request = request
        request.scope = TokenScope(repositories: ["other/app"], permissions: ["code": .read])
        do {
            _ = try await store.issue(request)
            Issue.record("a token was issued")
        } catch {
            #expect(error.code == .refused)
        }
    }
}
