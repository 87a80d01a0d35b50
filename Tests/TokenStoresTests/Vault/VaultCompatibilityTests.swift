// The Vault stores keep the contract, against the counterpart over real HTTP.

import HTTPTransfer
import Logging
import LoopbackSources
import Testing
import TokenStore
import TokenStoreTesting
import TokenStores

@Suite struct VaultCompatibilityTests {
    private func withVault(
        _ body: (VaultFixture, LoopbackVault, String, TokenStoreContext) async throws -> Void
    ) async throws {
        let fixture = try VaultFixture()
        let vault = LoopbackVault(fixture.subjects)
        vault.setRole("builds", LoopbackVault.Role(policy: VaultFixture.policy))
        vault.setEngine { $0.repositories = ["our-org": ["private"]] }
        let quiet = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        try await withLoopbackSource({ vault.answer($0) }) { url in
            try await withCurlTransport(HTTPTransferOptions(), logger: quiet) { transport in
                let context = TokenStoreContext(
                    name: "vault",
                    clock: SystemClock(),
                    http: transport,
                    secrets: FixedSecrets(),
                    logger: quiet
                )
                try await body(fixture, vault, url, context)
            }
        }
    }

    private func request(_ fixture: VaultFixture) throws -> TokenRequest {
        TokenRequest(
            subject: SubjectTokens.subject,
            scope: TokenScope(repositories: ["our-org/private"], permissions: ["contents": .read]),
            subjectToken: Secret(utf8: try fixture.subjects.token(audience: "vault"))
        )
    }

    @Test func leasesOfAnEngine() async throws {
        try await withVault { fixture, vault, url, context in
            let suite = TokenStoreCompatibilitySuite(
                VaultStore.self,
                settings: VaultFixture.settings(address: url),
                context: context,
                request: try request(fixture)
            )
            let violations = await suite.violations()
            #expect(violations == [])
            #expect(vault.minted.count > 2)
        }
    }

    @Test func wrappedAnswers() async throws {
        try await withVault { fixture, vault, url, context in
            let suite = TokenStoreCompatibilitySuite(
                VaultStore.self,
                settings: VaultFixture.settings(address: url) {
                    $0.wrapped = VaultWrappingSettings(ttlSeconds: 60)
                },
                context: context,
                request: try request(fixture)
            )
            let violations = await suite.violations()
            #expect(violations == [])
            #expect(vault.seen.contains { $0.line == "POST /v1/sys/wrapping/unwrap" && $0.status == 200 })
        }
    }

    @Test func valuesInKV() async throws {
        try await withVault { fixture, vault, url, context in
            vault.write("ci/registry", ["user": "robot", "token": "robot-token-0123456789"])
            let suite = TokenStoreCompatibilitySuite(
                VaultKVStore.self,
                settings: VaultFixture.kvSettings(
                    address: url,
                    VaultKVSettings.SecretSettings(path: "ci/registry", usernameKey: "user", passwordKey: "token")
                ),
                context: context,
                request: try request(fixture)
            )
            let violations = await suite.violations()
            #expect(violations == [])
            #expect(vault.loginCount > 10)
        }
    }
}
