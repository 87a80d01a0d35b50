// Tokens of Acme, a forge that does not exist: one repository each, as short as asked for, found by name, revocable.

import Foundation
public import TokenStore

/// Mints tokens with Acme's API: `POST /api/tokens`, `GET /api/tokens?name=`, `DELETE /api/tokens/ID`.
public struct AcmeStore: TokenStore {
    /// What an operator writes beside `kind: acme`.
    public struct Settings: Decodable, Sendable {
        /// The forge's address.
        public var url: String
        /// The file with the token that may make others.
        public var adminToken: SecretReference
    }

    public static let kind = "acme"

    public static let capabilities = StoreCapabilities(
        credentials: [.nodeCredential],
        reach: .exact,
        life: .chosen(.seconds(60) ... .seconds(86_400)),
        revocation: .supported("at once"),
        findsTokens: true
    )

    public static let knownPermissions: Set<String> = ["code"]
    public static let knownActions: Set<RegistryAction> = []

    private let url: String
    private let settings: Settings
    private let context: TokenStoreContext
    private let errors: SourceErrors

    public static func service(for settings: Settings) throws(TokenStoreError) -> TokenService {
        do throws(RepositoryReferenceError) { return TokenService(git: try GitServer(webURL: settings.url)) } catch {
            throw TokenStoreError(.misconfigured, "url can't be used: \(error)", fix: "write it as https://HOST")
        }
    }

    public init(settings: Settings, context: TokenStoreContext) throws(TokenStoreError) {
        url = try Self.service(for: settings).git?.origin ?? settings.url
        errors = SourceErrors(source: "Acme", address: url, addressKey: "url")
        self.settings = settings
        self.context = context
    }

    public func issue(_ request: TokenRequest) async throws(TokenStoreError) -> IssuedToken {
        // An empty scope may mean "everything" at the source: never send one.
        guard request.scope.repositories.count == 1, let repository = request.scope.repositories.first,
            let level = request.scope.permissions["code"], request.scope.permissions.count == 1
        else {
            throw TokenStoreError(
                .refused,
                "a token of Acme is for one repository and the permission code",
                fix: "ask for one token for each repository, with permissions: { code: read }"
            )
        }
        let ask = Ask(
            name: request.tokenName,
            repository: repository,
            code: level,
            seconds: (request.lifetime ?? .seconds(3600)).components.seconds
        )
        let step = SourceErrors.Step(
            "create a token for \(repository)",
            mints: true,
            onUnauthorised: "put a token of an administrator into \(settings.adminToken.file)"
        )
        let answer = try await send("POST", "/api/tokens", step, body: encoded(ask))
        guard answer.status == 201 else { throw errors.error(answer, step, now: context.clock.now) }
        guard let minted = try? JSONDecoder().decode(Minted.self, from: Data(answer.body)),
            // What is granted is compared with what was asked.
            minted.repository == repository, minted.code == level, !minted.token.isEmpty
        else { throw errors.unreadable(answer, step) }
        return IssuedToken(
            username: "acme",
            secret: Secret(utf8: minted.token),
            expiresAt: UTCInstant(epochSeconds: minted.expires),
            grantedScope: TokenScope(repositories: [repository], permissions: ["code": level]),
            handle: RevocationHandle(identifier: minted.id)
        )
    }

    public func revoke(_ handle: RevocationHandle) async throws(TokenStoreError) {
        let step = SourceErrors.Step("revoke a token")
        let answer = try await send("DELETE", "/api/tokens/\(handle.identifier)", step)
        // One that is gone already is a success.
        guard answer.status == 204 || answer.status == 404 else {
            throw errors.error(answer, step, now: context.clock.now)
        }
    }

    public func find(_ tokenName: String, scope: TokenScope) async throws(TokenStoreError) -> [RevocationHandle]? {
        let step = SourceErrors.Step("list tokens")
        let answer = try await send("GET", "/api/tokens?name=\(tokenName)", step)
        guard answer.status == 200 else { throw errors.error(answer, step, now: context.clock.now) }
        guard let ids = try? JSONDecoder().decode([String].self, from: Data(answer.body)) else {
            throw errors.unreadable(answer, step)
        }
        return ids.map { RevocationHandle(identifier: $0) }
    }

    private struct Ask: Encodable {
        let name: String
        let repository: String
        let code: AccessLevel
        let seconds: Int64
    }

    private struct Minted: Decodable {
        let id: String
        let token: String
        let repository: String
        let code: AccessLevel
        let expires: Int64
    }

    private func encoded(_ ask: Ask) -> [UInt8] { (try? JSONEncoder().encode(ask)).map(Array.init) ?? [] }

    private func send(
        _ method: String,
        _ path: String,
        _ step: SourceErrors.Step,
        body: [UInt8]? = nil
    ) async throws(TokenStoreError) -> HTTPAnswer {
        // Read at each call: an operator may replace it.
        let admin = AuthorizationField.trimmed(try context.secrets.read(settings.adminToken))
        let call = HTTPCall(
            method,
            url + path,
            headers: [HTTPField("Content-Type", "application/json")],
            authorization: AuthorizationField.bearer(admin),
            body: body
        )
        return try await errors.send(call, step, over: context.http)
    }
}
