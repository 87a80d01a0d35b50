// A store that reads its key when it is made, and tells which key did what.

import Support
import TokenStore

/// Mints tokens that name the key it was made with, and keeps books on what was revoked with which key.
struct KeyedStore: TokenStore {
    struct Settings: Decodable, Sendable {
        var url: String
        var key: SecretReference
        /// Read at each mint.
        var password: SecretReference?
        /// Changes nothing but the settings.
        var note: String?
    }

    static let kind = "keyed"
    static let capabilities = StoreCapabilities(
        credentials: [.nodeCredential],
        reach: .exact,
        life: .fixed("1 hour"),
        revocation: .supported("at once")
    )
    static let knownPermissions: Set<String> = ["contents"]

    /// What was revoked: `URL NOTE KEY ID`.
    static let revoked = Box<[String]>([])

    private let words: String
    private let key: String
    private let password: SecretReference?
    private let secrets: any SecretReader

    static func service(for settings: Settings) throws(TokenStoreError) -> TokenService {
        do throws(RepositoryReferenceError) {
            return TokenService(git: try GitServer(webURL: settings.url, namesIgnoreCase: true))
        } catch { throw TokenStoreError(.misconfigured, "\(error.message)") }
    }

    init(settings: Settings, context: TokenStoreContext) throws(TokenStoreError) {
        let key = try context.secrets.read(settings.key).revealText()
        guard key.hasPrefix("key") else {
            throw TokenStoreError(.misconfigured, "\(settings.key.file) holds no key", fix: "write a key into it")
        }
        self.key = key
        password = settings.password
        secrets = context.secrets
        words = "\(settings.url) \(settings.note ?? "-") \(key)"
    }

    func issue(_ request: TokenRequest) async throws(TokenStoreError) -> IssuedToken {
        let password = try password.map { reference throws(TokenStoreError) in try secrets.read(reference).revealText()
        }
        return IssuedToken(
            username: "x",
            secret: Secret(utf8: "token by \(key)" + (password.map { " with \($0)" } ?? "")),
            expiresAt: SystemClock().now.advanced(by: .seconds(3600)),
            grantedScope: request.scope,
            handle: RevocationHandle(identifier: request.tokenName, secret: nil)
        )
    }

    func revoke(_ handle: RevocationHandle) async throws(TokenStoreError) {
        let line = "\(words) \(handle.identifier)"
        Self.revoked.update { $0.append(line) }
    }
}
