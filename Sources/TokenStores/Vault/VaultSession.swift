// A login at Vault: made for one mint, ended with it or with its lease.

import Logging
import TokenStore

/// A login token, and what is known of it.
struct VaultSession: Sendable {
    let token: Secret
    /// When Vault ends it, and every lease that was made with it; `nil` for never.
    var expiresAt: UTCInstant?
    /// Whether its life can be made longer. Never with a batch token.
    var isRenewable: Bool
    /// Whether it has Vault's default policy, which lets a token end itself.
    let hasDefaultPolicy: Bool
    /// Whether it is a batch token, which nothing ends before its time.
    let isBatch: Bool
}

extension VaultConnection {
    private struct LoginBody: Encodable {
        let role: String
        let jwt: String
    }

    /// Logs in with the Pod's token or the node's
    /// (<https://developer.hashicorp.com/vault/api-docs/auth/jwt#jwt-login>).
    ///
    /// - Parameter request: whose Pod logs in; `nil` where only the node can.
    func login(_ request: TokenRequest?) async throws(TokenStoreError) -> VaultSession {
        let jwt: Secret
        switch server.identity {
        case .node(let file): jwt = Authorization.trimmed(try context.secrets.read(file))
        case .pod(let audience):
            guard let request else {
                throw TokenStoreError(
                    .misconfigured,
                    "no Pod asks here",
                    fix: "set \(server.prefix)auth.jwtFile to the node's token"
                )
            }
            jwt = try AskChecks.subjectToken(request, audience: audience)
        }
        guard Authorization.isUsable(jwt) else {
            throw TokenStoreError(
                .misconfigured,
                "the service account token for Vault is empty or no token",
                fix: "mount a projected service account token where \(server.prefix)auth.jwtFile says"
            )
        }
        let body = try JSONBody.encode(LoginBody(role: server.role, jwt: jwt.revealText()))
        let start = now
        let call = call("POST", "\(server.authPath)/login", body: body)
        let sent = try await send(call, .login)
        guard sent.status == 200 else { throw errors.error(sent, .login, now: now) }
        guard let auth = JSONBody.decode(VaultAnswer.self, sent.body)?.auth,
            let token = auth.client_token.map(Secret.init(utf8:)), Authorization.isUsable(token)
        else { throw errors.unreadable(sent, .login) }
        let session = VaultSession(
            token: token,
            expiresAt: Self.end(auth.lease_duration ?? 0, from: start),
            isRenewable: auth.renewable ?? false,
            hasDefaultPolicy: !Set(auth.policies ?? []).isDisjoint(with: ["default", "root"]),
            isBatch: auth.token_type == "batch"
        )
        guard auth.num_uses ?? 0 == 0 else {
            await end(session)
            throw TokenStoreError(
                .misconfigured,
                "role \(server.role) of \(server.authPath) limits how often its tokens can be used",
                fix: "set the role's token_num_uses to 0: the login must live as long as its lease"
            )
        }
        return session
    }

    /// When something ends that lives for some seconds; `nil` for zero, which means no end.
    static func end(_ seconds: Int64, from start: UTCInstant) -> UTCInstant? {
        seconds <= 0 ? nil : start + VaultSeconds.duration(seconds)
    }

    /// Ends a login whose end nobody depends on: a token that can't be ended (a batch token) ends by itself.
    @discardableResult
    func end(_ session: VaultSession) async -> Bool {
        await shieldedFromCancellation { [self] in
            var call = call("POST", "auth/token/revoke-self", token: session.token)
            call.timeout = Self.discardTimeout
            let answer = try? await send(call, .revoke)
            let isEnded = answer.map { Self.isSuccess($0.status) } ?? false
            context.logger.debug("ended a login", metadata: ["store": "\(context.name)", "ended": "\(isEnded)"])
            return isEnded
        }
    }

    /// Vault's successes are 200 and 204, and 204 can become 200 with warnings; 202 is a revocation that is queued.
    static func isSuccess(_ status: Int) -> Bool { [200, 202, 204].contains(status) }
}
