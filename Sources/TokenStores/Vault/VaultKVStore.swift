// Tokens that lie in Vault or OpenBao: in a KV engine, or at a path that answers without a lease.

import Logging
package import TokenStore

/// Reads what somebody else wrote: whoever asks gets the same token, nobody can cut it to a scope, and the end of one
/// build does not end it. The login is ended as soon as the value is read.
package struct VaultKVStore: TokenStore {
    package typealias Settings = VaultKVSettings

    package static let kind = "vault-kv"

    package static let capabilities = StoreCapabilities(
        credentials: [.podToken, .nodeCredential],
        reach: .wider("whatever the token that lies in Vault reaches"),
        life: .fixed("as long as whoever wrote the token made it; expiryKey says where that is read"),
        revocation: .unsupported,
        sharesTokens: true
    )

    private let plan: VaultKVPlan
    private let connection: VaultConnection
    private let deposits = VaultDeposits()

    package static func service(for settings: VaultKVSettings) throws(TokenStoreError) -> TokenService {
        try VaultKVPlan(settings).service
    }

    package static func subjectTokenAudience(for settings: VaultKVSettings) -> String? {
        settings.auth.subjectTokenAudience
    }

    package init(settings: VaultKVSettings, context: TokenStoreContext) throws(TokenStoreError) {
        plan = try VaultKVPlan(settings)
        connection = VaultConnection(plan.server, context: context)
    }

    package func issue(_ request: TokenRequest) async throws(TokenStoreError) -> IssuedToken {
        try AskChecks.notEmpty(request.scope)
        var read = try plan.read.filled(for: request)
        if let version = plan.version { read.query = "version=\(version)" }
        let session = try await connection.login(request)
        let answer: VaultAnswer
        do throws(TokenStoreError) {
            answer = try await self.answer(read, session)
        } catch {
            await connection.end(session)
            throw error
        }
        await connection.end(session)
        let data = try await opened(try data(answer, read.path), read.path)
        let credential = try plan.keys.credential(in: data, path: read.path)
        if let end = credential.expiresAt, end <= connection.now {
            throw TokenStoreError(
                .refused,
                "the token in Vault at \(read.path) expired at \(end.rfc3339)",
                fix: "write a new one there"
            )
        }
        return IssuedToken(
            username: credential.username,
            secret: credential.secret,
            expiresAt: credential.expiresAt,
            grantedScope: request.scope
        )
    }

    package func revoke(_ handle: RevocationHandle) async throws(TokenStoreError) {
        throw TokenStoreError(.refused, "a token that lies in Vault is not this build's own, and is not revoked")
    }

    private func answer(
        _ read: VaultRead.Filled,
        _ session: VaultSession
    ) async throws(TokenStoreError) -> VaultAnswer {
        let step = VaultStep.read(path: read.path, mints: plan.engine == .unleased)
        var call = connection.call(
            plan.read.method.rawValue,
            read.path,
            query: read.query,
            token: session.token,
            body: read.body
        )
        if case .answer(let seconds) = plan.wrapping {
            call.headers.append(HTTPField("X-Vault-Wrap-TTL", "\(seconds)s"))
        }
        var answer = try await connection.ask(call, step)
        if case .answer = plan.wrapping { answer = try await connection.unwrapped(answer, step, path: read.path) }
        guard answer.lease_id ?? "" == "" else {
            // Its token dies with the login, so it must not be handed out.
            throw TokenStoreError(
                .misconfigured,
                "Vault's answer at \(read.path) has a lease",
                fix: "use the kind vault for paths with leases"
            )
        }
        return answer
    }

    /// The values that were written.
    private func data(_ answer: VaultAnswer, _ path: String) throws(TokenStoreError) -> [String: VaultValue] {
        let data = plan.engine == .kv2 ? answer.data?["data"]?.object : answer.data
        if let data { return data }
        throw TokenStoreError(
            .malformedAnswer,
            "Vault's answer at \(path) is not that of \(plan.engine.rawValue)",
            fix: "check secret.engine: version 1 and version 2 of KV answer differently"
        )
    }

    /// The values, out of the wrapping token that stands among them.
    private func opened(
        _ data: [String: VaultValue],
        _ path: String
    ) async throws(TokenStoreError) -> [String: VaultValue] {
        guard case .field(let key, let creationPath) = plan.wrapping else { return data }
        guard let token = data[key]?.text else {
            throw TokenStoreError(
                .malformedAnswer,
                "what Vault has at \(path) has no text for tokenKey \(key)",
                fix: "correct secret.wrapped.tokenKey, or what the path holds"
            )
        }
        let answer = try await deposits.unwrap(Secret(utf8: token), at: path, madeAt: creationPath, connection)
        return answer.data ?? [:]
    }
}
