// Tokens that a secrets engine of Vault or OpenBao mints under a lease.

import Logging
package import TokenStore

/// Mints by reading a path of a secrets engine: each answer is a token of its own, with a lease.
///
/// One `issue` is: log in, read the path, renew the lease where it is short, and the login with it, because Vault ends
/// each lease with the login that made it. The login is kept for the revocation; a mint that fails ends it, and with it
/// whatever the engine may have made.
package struct VaultStore: TokenStore {
    package typealias Settings = VaultSettings

    package static let kind = "vault"

    package static let capabilities = StoreCapabilities(
        credentials: [.podToken, .nodeCredential],
        reach: .exact,
        life: .fixed("as long as the lease in Vault, renewed up to leaseSeconds"),
        revocation: .supported("at once; within seconds where the role's policy leaves out sys/leases/revoke")
    )

    private let plan: VaultPlan
    private let connection: VaultConnection

    package static func source(for settings: VaultSettings) -> String? {
        [settings.address, settings.namespace].compactMap(\.self).joined(separator: " ")
    }

    package static func service(for settings: VaultSettings) throws(TokenStoreError) -> TokenService {
        try VaultPlan(settings).service
    }

    package static func reach(for settings: VaultSettings) -> StoreCapabilities.Reach {
        settings.secret.reach == .exact
            ? .exact : .wider("all that the engine gives at \(settings.secret.path) in Vault")
    }

    package static func subjectTokenAudience(for settings: VaultSettings) -> String? {
        settings.auth.subjectTokenAudience
    }

    package init(settings: VaultSettings, context: TokenStoreContext) throws(TokenStoreError) {
        plan = try VaultPlan(settings)
        connection = VaultConnection(plan.server, context: context)
    }

    package func issue(_ request: TokenRequest) async throws(TokenStoreError) -> IssuedToken {
        try AskChecks.notEmpty(request.scope)
        let scope = try scopeThatIsSent(request.scope)
        let read = try plan.read.filled(for: request)
        var session = try await connection.login(request)
        var leaseID: String?
        do throws(TokenStoreError) {
            try await connection.checkRevocable(session)
            let start = connection.now
            let answer = try await mint(read, session)
            leaseID = answer.lease_id.flatMap { Self.isLeaseID($0) ? $0 : nil }
            return try await token(answer, request, scope, read.path, start, &session)
        } catch {
            throw await abandon(session, leaseID, because: error)
        }
    }

    package func revoke(_ handle: RevocationHandle) async throws(TokenStoreError) {
        guard let login = handle.secret else {
            throw TokenStoreError(.refused, "Vault revokes a lease for its own login, and that was not kept")
        }
        try await connection.revoke(lease: handle.identifier, login: login)
    }

    /// What of a scope reaches the engine.
    private func scopeThatIsSent(_ scope: TokenScope) throws(TokenStoreError) -> TokenScope {
        guard plan.isExact else { return scope }
        let used = plan.read.placeholders
        let sent = TokenScope(
            repositories: scope.repositories,
            permissions: used.contains(.permissions) ? scope.permissions : [:],
            actions: used.contains(.actions) ? scope.actions : []
        )
        guard !sent.isEmpty else {
            let kinds = used.contains(.permissions) ? "permissions" : "actions"
            throw TokenStoreError(
                .refused,
                "tokens of this store have \(kinds), and none was asked for",
                fix: "ask for \(kinds)"
            )
        }
        return sent
    }

    private func mint(
        _ read: VaultRead.Filled,
        _ session: VaultSession
    ) async throws(TokenStoreError) -> VaultAnswer {
        let step = VaultStep.read(path: read.path, mints: true)
        var call = connection.call(
            plan.read.method.rawValue,
            read.path,
            query: read.query,
            token: session.token,
            body: read.body
        )
        guard case .answer(let seconds) = plan.wrapping else { return try await connection.ask(call, step) }
        call.headers.append(HTTPField("X-Vault-Wrap-TTL", "\(seconds)s"))
        return try await connection.unwrapped(try await connection.ask(call, step), step, path: read.path)
    }

    private func token(
        _ answer: VaultAnswer,
        _ request: TokenRequest,
        _ scope: TokenScope,
        _ path: String,
        _ start: UTCInstant,
        _ session: inout VaultSession
    ) async throws(TokenStoreError) -> IssuedToken {
        guard let id = answer.lease_id, Self.isLeaseID(id) else {
            throw TokenStoreError(
                answer.data == nil ? .malformedAnswer : .misconfigured,
                "Vault's answer at \(path) has no lease, so its token could not be revoked",
                fix: "use the kind vault-kv with engine: unleased for such paths",
                tokenMayExist: true
            )
        }
        var lease = VaultLease(
            id: id,
            expiresAt: VaultConnection.end(answer.lease_duration ?? 0, from: start),
            isRenewable: answer.renewable ?? false
        )
        do throws(TokenStoreError) {
            let credential = try plan.keys.credential(in: answer.data ?? [:], path: path)
            let granted = try plan.echo?.granted(answer.data ?? [:], for: scope) ?? scope
            try await connection.prolong(&lease, &session, until: start + (request.lifetime ?? plan.life))
            let end = [lease.expiresAt, session.expiresAt, credential.expiresAt].compactMap(\.self).min()
            if let end, end <= connection.now {
                throw TokenStoreError(
                    .malformedAnswer,
                    "the token that Vault gave at \(path) has already expired",
                    fix: "check the node's clock, and the TTLs of the role and the engine"
                )
            }
            return IssuedToken(
                username: credential.username,
                secret: credential.secret,
                expiresAt: end,
                grantedScope: granted,
                handle: RevocationHandle(identifier: id, secret: session.token)
            )
        } catch {
            var error = error
            error.tokenMayExist = true
            throw error
        }
    }

    /// Ends a login whose mint failed, with all that may have been minted, and returns the error to throw for it.
    private func abandon(
        _ session: VaultSession,
        _ leaseID: String?,
        because error: TokenStoreError
    ) async -> TokenStoreError {
        let isGone: Bool
        if let leaseID {
            isGone = await shieldedFromCancellation { [connection] in
                do throws(TokenStoreError) {
                    try await connection.revoke(
                        lease: leaseID,
                        login: session.token,
                        timeout: VaultConnection.discardTimeout
                    )
                    return true
                } catch {
                    return false
                }
            }
        } else {
            isGone = await connection.end(session)
        }
        var error = error
        // Without an answer the engine may be at it still, and a lease that is made after its login ended lives on.
        // An answer of 5xx may be a proxy's, which says nothing of the engine either.
        let isUnanswered = error.cause is HTTPTransportError || error.cause is VaultFailedMint
        let isUnderWay = isUnanswered && leaseID == nil
        error.tokenMayExist = error.tokenMayExist && (!isGone || isUnderWay)
        return error
    }

    /// `github/token/2a0...`: it is written down and sent back, and shown in listings.
    private static func isLeaseID(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 1024 && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }
}

extension VaultConnection {
    /// What an answer that must be wrapped stands for; `step` is what it answers.
    func unwrapped(
        _ answer: VaultAnswer,
        _ step: VaultStep,
        path: String
    ) async throws(TokenStoreError) -> VaultAnswer {
        guard let wrapping = answer.wrap_info else {
            throw TokenStoreError(
                .malformedAnswer,
                "Vault did not wrap its answer at \(path), as it was asked to",
                fix: "remove secret.wrapped, or check the proxy in front of Vault",
                tokenMayExist: step.mints
            )
        }
        do throws(TokenStoreError) {
            let token = Secret(utf8: wrapping.token)
            try await checkWrapping(token, madeAt: path)
            return try await unwrap(token)
        } catch {
            var error = error
            error.tokenMayExist = step.mints
            throw error
        }
    }
}
