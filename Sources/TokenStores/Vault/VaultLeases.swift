// Leases of Vault: made longer, kept alive with the login they hang on, revoked.

import Logging
import TokenStore

/// A lease, and what is known of it.
struct VaultLease: Sendable {
    let id: String
    /// When Vault ends it; `nil` for never.
    var expiresAt: UTCInstant?
    let isRenewable: Bool
}

extension VaultConnection {
    private struct RenewBody: Encodable {
        var lease_id: String?
        let increment: Int64
    }

    private struct RevokeBody: Encodable {
        let lease_id: String
        let sync: Bool
    }

    private struct PathsBody: Encodable { let paths: [String] }

    /// Makes a lease live until `wanted`, and its login as long as it, as far as Vault allows. That it does not is no
    /// failure: the shorter life is what counts then.
    ///
    /// - Throws: ``TokenStoreError`` when the caller gave up.
    func prolong(
        _ lease: inout VaultLease,
        _ session: inout VaultSession,
        until wanted: UTCInstant
    ) async throws(TokenStoreError) {
        if let end = lease.expiresAt, end < wanted, lease.isRenewable {
            let start = now
            let body = RenewBody(lease_id: lease.id, increment: Self.seconds(from: start, to: wanted))
            if let answer = try await renew("sys/leases/renew", body, session), let seconds = answer.lease_duration {
                lease.expiresAt = Self.end(seconds, from: start)
            }
        }
        let needed = min(lease.expiresAt ?? wanted, wanted)
        guard let end = session.expiresAt, end < needed, session.isRenewable else { return }
        let start = now
        let body = RenewBody(lease_id: nil, increment: Self.seconds(from: start, to: needed))
        if let answer = try await renew("auth/token/renew-self", body, session),
            let seconds = answer.auth?.lease_duration
        {
            session.expiresAt = Self.end(seconds, from: start)
        }
    }

    /// Rounded up.
    private static func seconds(from start: UTCInstant, to end: UTCInstant) -> Int64 {
        let (seconds, attoseconds) = start.duration(to: end).components
        return max(1, attoseconds > 0 ? seconds + 1 : seconds)
    }

    private func renew(
        _ path: String,
        _ body: RenewBody,
        _ session: VaultSession
    ) async throws(TokenStoreError) -> VaultAnswer? {
        do throws(TokenStoreError) {
            return try await ask(
                call("POST", path, token: session.token, body: try JSONBody.encode(body)),
                .renew
            )
        } catch {
            if error.code == .cancelled || Task.isCancelled { throw error }
            context.logger.debug("a lease keeps its life", metadata: ["store": "\(context.name)", "why": "\(error)"])
            return nil
        }
    }

    /// Refuses a login that could not end its leases: revocation would fail later, when nobody looks.
    func checkRevocable(_ session: VaultSession) async throws(TokenStoreError) {
        let own = "auth/token/revoke-self"
        let leases = "sys/leases/revoke"
        // Nothing ends a batch token, so its leases must be ended one by one; the default policy does not allow that.
        let needed = (session.hasDefaultPolicy ? [] : [own]) + (session.isBatch ? [leases] : [])
        guard !needed.isEmpty else { return }
        let body = try JSONBody.encode(PathsBody(paths: needed))
        let answer = try await ask(
            call("POST", "sys/capabilities-self", token: session.token, body: body),
            .lookUpCapabilities
        )
        func isAllowed(_ path: String) -> Bool {
            let capabilities = answer.data?[path]?.list?.compactMap(\.text) ?? []
            return capabilities.contains { ["update", "root"].contains($0) }
        }
        if needed.contains(own), !isAllowed(own) {
            throw TokenStoreError(
                .misconfigured,
                "role \(server.role) of \(server.authPath) gives tokens that may not end themselves",
                fix: "give it Vault's default policy, or update on \(own)"
            )
        }
        if needed.contains(leases), !isAllowed(leases) {
            throw TokenStoreError(
                .misconfigured,
                "role \(server.role) of \(server.authPath) gives batch tokens that may not revoke leases",
                fix: "give it update on \(leases), or make its token_type service"
            )
        }
    }

    /// Ends a lease at its source, and then the login that made it.
    ///
    /// Ending the login ends its leases as well, a moment later; it is all that a login without a policy for
    /// `sys/leases/revoke` can do, and with that policy it is what is left to do.
    ///
    /// - Throws: ``TokenStoreError`` when the secret may still work.
    func revoke(
        lease: String,
        login: Secret,
        timeout: Duration = callTimeout
    ) async throws(TokenStoreError) {
        let body = try JSONBody.encode(RevokeBody(lease_id: lease, sync: true))
        var revokeLease = call("POST", "sys/leases/revoke", token: login, body: body)
        revokeLease.timeout = timeout
        let leaseAnswer = try await send(revokeLease, .revoke)
        let isRevoked = Self.isSuccess(leaseAnswer.status)
        // 403: the policy does not allow it, or the login is gone, and its leases with it.
        guard isRevoked || leaseAnswer.status == 403 else { throw errors.error(leaseAnswer, .revoke, now: now) }
        var revokeLogin = call("POST", "auth/token/revoke-self", token: login)
        revokeLogin.timeout = timeout
        let loginAnswer: HTTPAnswer
        do throws(TokenStoreError) {
            loginAnswer = try await send(revokeLogin, .revoke)
        } catch {
            if isRevoked { return }
            throw error
        }
        if isRevoked || Self.isSuccess(loginAnswer.status) { return }
        if loginAnswer.status == 403, try await isGone(login, loginAnswer, timeout: timeout) { return }
        if loginAnswer.status == 400 {
            throw TokenStoreError(
                .refused,
                "a lease of a batch token can't be revoked without a policy for it",
                fix: "give role \(server.role) update on sys/leases/revoke, or make its token_type service"
            )
        }
        throw errors.error(loginAnswer, .revoke, now: now)
    }

    /// Whether a login that may not end itself is a login at all. Vault says "invalid token" of one that is gone;
    /// OpenBao says of it what it says of everything that a policy does not allow.
    private func isGone(
        _ login: Secret,
        _ answer: HTTPAnswer,
        timeout: Duration
    ) async throws(TokenStoreError) -> Bool {
        if VaultErrorAnswer.text(answer).contains("invalid token") { return true }
        var call = call("GET", "auth/token/lookup-self", token: login)
        call.timeout = timeout
        let answer = try await send(call, .revoke)
        return answer.status == 403
    }
}
