// What Vault's error answers mean (<https://developer.hashicorp.com/vault/api-docs#http-status-codes>).

import TokenStore

/// What was being done at Vault.
enum VaultStep: Sendable, Hashable {
    case login
    /// Reading a path that may mint, or one that holds what is there.
    case read(path: String, mints: Bool)
    case renew
    case lookUpCapabilities
    case lookUpWrapping, unwrap
    case revoke
    case sign(path: String)

    /// Whether it may leave a token at Vault.
    var mints: Bool { if case .read(_, let mints) = self { mints } else { false } }
}

/// Under an error: the wrapping token does not work any more.
struct VaultSpentWrapping: Error {}

/// Under an error: a server failed to answer a call that mints, and the engine may be at it still.
struct VaultFailedMint: Error { let status: Int }

/// Turns answers and transport errors into ``TokenStoreError``s. Vault's texts decide the class and are never shown.
struct VaultErrors: Sendable {
    let server: VaultServer
    let base: SourceErrors

    init(_ server: VaultServer, addressKey: String) {
        self.server = server
        base = SourceErrors(source: "Vault", address: server.address.text, addressKey: addressKey)
    }

    func error(_ error: HTTPTransportError, _ step: VaultStep) -> TokenStoreError { base.error(error, words(step)) }

    func unreadable(_ answer: HTTPAnswer, _ step: VaultStep) -> TokenStoreError {
        base.unreadable(answer, words(step))
    }

    /// The error for an answer that is no success.
    func error(_ answer: HTTPAnswer, _ step: VaultStep, now: UTCInstant) -> TokenStoreError {
        var error = classed(answer, step, now: now)
        if answer.status >= 500, error.tokenMayExist { error.cause = VaultFailedMint(status: answer.status) }
        return error
    }

    private func classed(_ answer: HTTPAnswer, _ step: VaultStep, now: UTCInstant) -> TokenStoreError {
        let text = VaultErrorAnswer.text(answer)
        if answer.status == 503, RetryAfter.instant(in: answer, now: now) == nil {
            if text.contains("sealed") {
                return TokenStoreError(.unavailable, "Vault at \(base.address) is sealed", fix: "unseal it")
            }
            // Proxies say so as well when they lose the server behind them.
            return TokenStoreError(
                .unavailable,
                "Vault at \(base.address) is not ready (HTTP 503)",
                tokenMayExist: step.mints
            )
        }
        switch (answer.status, step) {
        case (412, _):
            // A performance standby that does not know a fresh login yet
            // (<https://developer.hashicorp.com/vault/docs/enterprise/consistency>).
            return TokenStoreError(
                .unavailable,
                "this node of Vault lags behind the one that took the login (HTTP 412)"
            )
        case (400, .login), (403, .login): return loginRejected(answer, text)
        case (400, .lookUpWrapping), (403, .lookUpWrapping), (400, .unwrap), (403, .unwrap): return Self.alarm
        case (404, .read(let path, false)):
            return TokenStoreError(
                .refused,
                "Vault has nothing at \(path), or the newest version was deleted (HTTP 404)",
                fix: "check path, mount and engine of the store, and that somebody wrote the secret"
            )
        case (404, .read(let path, true)):
            return TokenStoreError(
                .refused,
                "Vault has no secrets engine that answers at \(path) (HTTP 404)",
                fix: "check path and method of the store, and the namespace"
            )
        case (405, .read(let path, _)):
            return TokenStoreError(
                .misconfigured,
                "Vault does not take this method at \(path) (HTTP 405)",
                fix: "set method to the other of GET and POST"
            )
        case (400, .read(let path, _)):
            return TokenStoreError(
                .refused,
                "Vault's engine does not take the call to \(path) (HTTP 400)",
                fix: "check the parameters of the store, and Vault's audit log"
            )
        case (400, .sign(let path)), (404, .sign(let path)):
            return TokenStoreError(
                .misconfigured,
                "Vault has no RSA key for \(path) (HTTP \(answer.status))",
                fix: "create the key with type rsa-2048 or larger, or correct transit.key and transit.mount"
            )
        default: return base.error(answer, words(step), now: now)
        }
    }

    /// A wrapping token that does not work any more is a sign of tampering
    /// (<https://developer.hashicorp.com/vault/docs/concepts/response-wrapping#response-wrapping-token-validation>).
    static let alarm = TokenStoreError(
        .refused,
        "TAMPERING? the wrapping token was used already or has expired: somebody else may have the secret",
        fix: "find out in Vault's audit log who unwrapped it, revoke the secret, and deposit a new one",
        cause: VaultSpentWrapping()
    )

    private func loginRejected(_ answer: HTTPAnswer, _ text: String) -> TokenStoreError {
        let place = "\(server.authPath) of Vault"
        let what = "(HTTP \(answer.status))"
        let whose: String
        // A node's own token is the operator's to mend; what a Pod is, Vault may refuse for good.
        let code: TokenStoreError.Code
        switch server.identity {
        case .pod: (whose, code) = ("the Pod's service account token", .refused)
        case .node(let file): (whose, code) = ("the service account token in \(file.file)", .misconfigured)
        }
        if text.contains("could not be found") || text.contains("invalid role name") {
            return TokenStoreError(
                .misconfigured,
                "\(place) has no role \(server.role) \(what)",
                fix: "create it, or correct \(server.prefix)auth.role"
            )
        }
        if text.contains("audience") || text.contains("(aud)") {
            return TokenStoreError(
                .misconfigured,
                "role \(server.role) of \(place) does not take the audience of \(whose) \(what)",
                fix: "add the audience to the role's bound_audiences (jwt) or audience (kubernetes)"
            )
        }
        if answer.status == 403, case .pod = server.identity {
            return TokenStoreError(
                .refused,
                "\(place) rejects \(whose) \(what)",
                fix: "check that the auth method is mounted there, the namespace, and the role's bound service accounts"
            )
        }
        return TokenStoreError(
            code,
            "\(place) rejects \(whose) for role \(server.role) \(what)",
            fix: "check the role's bound claims and the keys of the auth method; Vault's log says more"
        )
    }

    private func words(_ step: VaultStep) -> SourceErrors.Step {
        let login = "check the policies of role \(server.role), and that it allows any number of uses"
        return switch step {
        case .login:
            SourceErrors.Step(
                "log in at \(server.authPath)",
                onNotFound: "check \(server.prefix)auth.mount and \(server.prefix)namespace"
            )
        case .read(let path, let mints):
            SourceErrors.Step(
                "read \(path)",
                mints: mints,
                onForbidden: "give role \(server.role) a policy that allows it: path \"\(path)\", read or update"
            )
        case .renew: SourceErrors.Step("renew a lease", onForbidden: login)
        case .lookUpCapabilities:
            SourceErrors.Step(
                "see what the login token may do",
                onForbidden: "give role \(server.role) Vault's default policy, or update on auth/token/revoke-self "
                    + "and sys/capabilities-self"
            )
        case .lookUpWrapping: SourceErrors.Step("look up a wrapping token")
        case .unwrap: SourceErrors.Step("unwrap a secret")
        case .revoke:
            SourceErrors.Step(
                "revoke a lease",
                onForbidden: "give role \(server.role) update on sys/leases/revoke or auth/token/revoke-self"
            )
        case .sign(let path):
            SourceErrors.Step(
                "sign at \(path)",
                onForbidden: "give role \(server.role) update on \(path)",
                onNotFound: "check transit.mount"
            )
        }
    }
}
