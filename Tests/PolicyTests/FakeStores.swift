// Two kinds of store that exist for these tests only.

import TokenStore

/// A store with nested settings, as the real ones have.
struct ForgeStore: TokenStore {
    struct Settings: Decodable, Sendable {
        struct Retry: Decodable, Sendable {
            var attempts: Int
        }

        var url: String
        var privateKey: SecretReference
        var audiences: [String]?
        var retry: Retry?
        var labels: [String: Int]?
    }

    static let kind = "fake-forge"
    static let capabilities = StoreCapabilities(
        credentials: [.nodeCredential],
        reach: .exact,
        life: .fixed("1 hour"),
        revocation: .supported("at once")
    )
    static let knownPermissions: Set<String> = ["contents", "packages"]

    let settings: Settings
    let name: String

    static func service(for settings: Settings) throws(TokenStoreError) -> TokenService {
        do throws(RepositoryReferenceError) {
            return TokenService(git: try GitServer(webURL: settings.url, namesIgnoreCase: true))
        } catch {
            throw TokenStoreError(.misconfigured, "url can't be used: \(error.message)", fix: "write https://HOST")
        }
    }

    init(settings: Settings, context: TokenStoreContext) throws(TokenStoreError) {
        _ = try context.secrets.read(settings.privateKey)
        self.settings = settings
        name = context.name
    }

    func issue(_ request: TokenRequest) async throws(TokenStoreError) -> IssuedToken {
        IssuedToken(username: name, secret: Secret(utf8: "t"), expiresAt: nil, grantedScope: request.scope)
    }

    func revoke(_ handle: RevocationHandle) async throws(TokenStoreError) {}
}

/// A registry whose permissions are not known ahead.
struct RegistryStore: TokenStore {
    struct Settings: Decodable, Sendable {
        var host: String
    }

    static let kind = "fake-registry"
    static let capabilities = StoreCapabilities(
        credentials: [.nodeCredential],
        reach: .exact,
        life: .fixed("1 hour"),
        revocation: .supported("at once")
    )

    static func service(for settings: Settings) throws(TokenStoreError) -> TokenService {
        TokenService(registryHost: settings.host)
    }

    init(settings: Settings, context: TokenStoreContext) throws(TokenStoreError) {}

    func issue(_ request: TokenRequest) async throws(TokenStoreError) -> IssuedToken {
        throw TokenStoreError(.refused, "it never issues")
    }

    func revoke(_ handle: RevocationHandle) async throws(TokenStoreError) {}
}

let fakeKinds: [any TokenStore.Type] = [ForgeStore.self, RegistryStore.self]
