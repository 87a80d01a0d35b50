// The built-in stores keep the contract of TokenStore, and the suite that checks it notices when one does not.

import Logging
import LoopbackForge
import Testing
import TokenStore
import TokenStoreTesting
import TokenStores

@Suite struct CompatibilityTests {
    @Test func gitHubApp() async throws {
        try await withLoopbackForge { forge in
            try await forge.addRepository("our-org/private")
            let settings = GitHubAppSettings(
                appID: forge.appID,
                privateKey: SecretReference(file: "/key.pem"),
                apiURL: forge.apiURL
            )
            let context = TokenStoreContext(
                name: "github",
                clock: SystemClock(),
                http: ForgeTransport(forge: forge),
                secrets: FixedSecrets(["/key.pem": forge.privateKeyPEM]),
                logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
            )
            var suite = TokenStoreCompatibilitySuite(
                GitHubAppStore.self,
                settings: settings,
                context: context,
                request: StoreFixture.request()
            )
            suite.impliedPermissions = ["metadata": .read]
            #expect(await suite.violations() == [])
            #expect(forge.mintCount > 2)
        }
    }

    @Test func theSuiteNoticesABadStore() async throws {
        let suite = TokenStoreCompatibilitySuite(
            CarelessStore.self,
            settings: CarelessStore.Settings(),
            context: TokenStoreContext(
                name: "careless",
                clock: SystemClock(),
                http: ScriptedTransport(),
                secrets: FixedSecrets(),
                logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
            ),
            request: StoreFixture.request()
        )
        let violations = await suite.violations()
        for expected in [
            "kind is not of lower case letters, digits and dashes",
            "an empty scope (\"\") was granted",
            "two requests were answered with one token",
            "the user name can't stand in HTTP Basic credentials",
            "the token has already expired",
            "the handle's identifier holds the token",
            "the granted scope has repositories that were not asked for",
            "the granted scope has contents:admin",
            "a second revocation failed: refused: gone",
        ] {
            #expect(violations.contains(expected), "\(expected) is not in \(violations)")
        }
    }
}

/// A store that does everything wrong.
private final class CarelessStore: TokenStore {
    struct Settings: Decodable, Sendable {}

    static let kind = "Careless Store"
    static let capabilities = StoreCapabilities(
        credentials: [.nodeCredential],
        reach: .exact,
        life: .fixed("1 hour"),
        revocation: .supported("at once")
    )

    static func service(for settings: Settings) throws(TokenStoreError) -> TokenService { TokenService() }

    init() {}
    init(settings: Settings, context: TokenStoreContext) throws(TokenStoreError) {}

    func issue(_ request: TokenRequest) async throws(TokenStoreError) -> IssuedToken {
        IssuedToken(
            username: "a:b",
            secret: Secret(utf8: "always-the-same"),
            expiresAt: UTCInstant(epochSeconds: 0),
            grantedScope: TokenScope(repositories: ["other/one"], permissions: ["contents": .admin]),
            handle: RevocationHandle(identifier: "id-always-the-same")
        )
    }

    func revoke(_ handle: RevocationHandle) async throws(TokenStoreError) {
        throw TokenStoreError(.refused, "gone")
    }
}
