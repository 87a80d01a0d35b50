// One token endpoint, whatever the grant: a call, its answer judged, its token ended.

import TokenStore

/// What stores for any OAuth token endpoint have in common.
struct OAuthTokenSource: Sendable {
    /// The time for one call.
    static let callTimeout: Duration = .seconds(10)

    let endpoint: ServiceURL
    let errors: OAuthErrors
    let client: OAuthClient
    let revocation: ServiceURL?
    let username: RequestTemplate
    /// `nil`: no scope is sent, and the endpoint decides.
    let scope: RequestTemplate?
    let resource: RequestTemplate?
    let parameters: [String: RequestTemplate]
    let context: TokenStoreContext

    /// The parts of a call that follow from a request.
    struct Ask: Sendable {
        let username: String
        let scope: [String]
        let resource: String?
        let parameters: [String: String]
    }

    /// Fills the templates for a request.
    func ask(_ request: TokenRequest) throws(TokenStoreError) -> Ask {
        try AskChecks.notEmpty(request.scope)
        try scope?.refuseWhatIsLost(request.scope)
        let words = try scope?.words(for: request) ?? []
        guard scope == nil || !words.isEmpty else {
            throw TokenStoreError(.refused, "the scope of the call would be empty", fix: "ask for what scope names")
        }
        var parameters: [String: String] = [:]
        for (name, template) in self.parameters { parameters[name] = try template.text(for: request) }
        let username = try username.text(for: request)
        try SettingChecks.username("username", username)
        return Ask(
            username: username,
            scope: words,
            resource: try resource?.text(for: request),
            parameters: parameters
        )
    }

    /// Asks for a token and judges it. One that can't be handed out is revoked where there is a revocation endpoint.
    ///
    /// - Parameters:
    ///   - form: the grant's own form, without the client.
    ///   - isAsAsked: what only the grant can judge.
    func issue(
        _ request: TokenRequest,
        _ ask: Ask,
        _ form: FormBody,
        isAsAsked: (OAuthTokenAnswer) -> Bool = { _ in true }
    ) async throws(TokenStoreError) -> IssuedToken {
        let step = SourceErrors.Step(
            "issue a token",
            mints: true,
            onUnauthorised: "check the client's id and credential, and the Pod's token",
            onNotFound: "check \(errors.source.addressKey)"
        )
        var call = HTTPCall("POST", endpoint.text, headers: Self.headers, timeout: Self.callTimeout)
        var form = form
        try await client.sign(&call, &form, subjectToken: request.subjectToken, context: context)
        let asked = context.clock.now
        let answer = try await errors.source.send(call, step, over: context.http)
        guard answer.status == 200 else { throw errors.error(answer, step, now: context.clock.now) }
        guard let token = OAuthTokenAnswer.token(answer.body) else { throw errors.source.unreadable(answer, step) }
        let expiresAt: UTCInstant?
        do throws(TokenStoreError) {
            guard let granted = OAuthTokenAnswer(answer.body), isAsAsked(granted), granted.isBearer else {
                throw errors.source.unreadable(answer, step)
            }
            try judge(granted, ask)
            expiresAt = granted.expiresAt(asked: asked)
            if let expiresAt, expiresAt <= context.clock.now {
                throw TokenStoreError(
                    .malformedAnswer,
                    "the new token of \(errors.source.source) has already expired by this node's clock",
                    fix: "set the node's clock"
                )
            }
        } catch {
            throw await discard(token, because: error)
        }
        return IssuedToken(
            username: ask.username,
            secret: token,
            expiresAt: expiresAt,
            grantedScope: request.scope,
            handle: revocation.map { revocation in
                RevocationHandle(identifier: "\(TokenDigest.short(token))@\(revocation.text)", secret: token)
            }
        )
    }

    /// Revokes a token by RFC 7009, where it was issued for: an endpoint says 200 to a token that it does not know, and a
    /// living one is not for another to see.
    func revoke(_ handle: RevocationHandle) async throws(TokenStoreError) {
        guard let token = handle.secret else {
            throw TokenStoreError(.refused, "a token is revoked only when it is presented, and it was not kept")
        }
        let own = try revocationEndpoint()
        let issuedFor = handle.identifier.drop { $0 != "@" }.dropFirst()
        guard issuedFor == own.text else {
            let other = (try? ServiceURL(String(issuedFor))).map { ", \($0.text)" } ?? ""
            throw TokenStoreError(
                .misconfigured,
                "the token was issued for another revocation endpoint than the store has now\(other)",
                fix: "set revocationEndpoint back until its tokens are revoked, or let the token end by itself"
            )
        }
        try await revoke(token, timeout: Self.callTimeout)
    }

    private static let headers = [HTTPField("Accept", "application/json")]

    private func revocationEndpoint() throws(TokenStoreError) -> ServiceURL {
        guard let revocation else {
            throw TokenStoreError(
                .misconfigured,
                "the store has no revocationEndpoint any more",
                fix: "set it again, or let the token end by itself"
            )
        }
        return revocation
    }

    private func revoke(_ token: Secret, timeout: Duration) async throws(TokenStoreError) {
        let revocation = try revocationEndpoint()
        let source = SourceErrors(
            source: errors.source.source,
            address: revocation.text,
            addressKey: "revocationEndpoint"
        )
        let endpoint = TokenRevocation(endpoint: revocation, errors: OAuthErrors(source: source))
        var call = HTTPCall("POST", revocation.text, headers: Self.headers, timeout: timeout)
        var form = TokenRevocation.form(token)
        try await client.sign(&call, &form, subjectToken: nil, context: context)
        let answer = try await source.send(call, TokenRevocation.step, over: context.http)
        try endpoint.check(answer, now: context.clock.now)
    }

    /// Compares the scope of the answer with what was asked, where both are there.
    private func judge(_ granted: OAuthTokenAnswer, _ ask: Ask) throws(TokenStoreError) {
        guard let words = granted.scope, !ask.scope.isEmpty else { return }
        let difference = ScopeWords.compare(words, with: ask.scope)
        guard !difference.isWider else {
            throw TokenStoreError(
                .malformedAnswer,
                "the new token of \(errors.source.source) reaches more than was asked for",
                fix: "look at the scopes that it adds by itself"
            )
        }
        guard difference.missing.isEmpty else {
            throw TokenStoreError(
                .refused,
                "\(errors.source.source) granted less than was asked for; missing: "
                    + difference.missing.prefix(5).joined(separator: " "),
                fix: "allow it there, or ask for less"
            )
        }
    }

    /// Revokes a token that will not be handed out, and returns the error to throw for it.
    private func discard(_ token: Secret, because error: TokenStoreError) async -> TokenStoreError {
        guard revocation != nil else {
            var error = error
            error.tokenMayExist = true
            return error
        }
        return await discarding(because: error) { [self] () throws(TokenStoreError) in
            try await revoke(token, timeout: TokenRevocation.discardTimeout)
        }
    }
}
