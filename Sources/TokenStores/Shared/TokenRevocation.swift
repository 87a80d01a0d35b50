// OAuth 2.0 Token Revocation (RFC 7009).

import TokenStore

/// Calls of a revocation endpoint.
struct TokenRevocation: Sendable {
    /// The time for revoking a token that nobody will receive.
    static let discardTimeout: Duration = .seconds(5)

    let endpoint: ServiceURL
    let errors: OAuthErrors

    /// The call; the client's own credential is the caller's to add.
    static func form(_ token: Secret) -> FormBody {
        var form = FormBody()
        form.add("token", token)
        form.add("token_type_hint", "access_token")
        return form
    }

    /// Judges an answer: 200 stands for "revoked" and for "not known", which is as good.
    func check(_ answer: HTTPAnswer, now: UTCInstant) throws(TokenStoreError) {
        guard answer.status == 200 || answer.status == 204 else {
            throw errors.error(answer, Self.step, now: now)
        }
    }

    static let step = SourceErrors.Step(
        "revoke a token",
        onUnauthorised: "check the client's id and credential",
        onForbidden: "allow the client to revoke its tokens",
        onNotFound: "check revocationEndpoint"
    )
}
