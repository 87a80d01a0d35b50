// The token server of a registry: one call for a token of some scopes, by GET or by POST.

import TokenStore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Asks one token server (<https://distribution.github.io/distribution/spec/auth/token/> for GET,
/// <https://distribution.github.io/distribution/spec/auth/oauth/> for POST). Judges status and form of an answer, not
/// what was granted.
struct RegistryTokens: Sendable {
    /// What asks. Servers write it into their logs, and may give out refresh tokens by it.
    static let clientID = "daypass"

    /// Who asks.
    enum Account: Sendable {
        case password(username: String, Secret)
        /// A refresh token that an operator was given in place of a password.
        case refreshToken(Secret)
    }

    /// What is asked for.
    struct Ask: Sendable {
        /// ``RegistryScope/texts(_:name:)``.
        var scopes: [String]
        /// Whether a refresh token should come too.
        var isOffline = false
        /// Which of the two calls is made first; a server that does not know it (404, 405) gets the other one.
        var prefersPOST = false
    }

    let realm: RegistryRealm
    let service: String?
    let http: any HTTPTransport
    let clock: any WallClock
    let errors: SourceErrors

    /// Asks for a token.
    ///
    /// - Throws: ``TokenStoreError``; a wrong password is `misconfigured`.
    func token(
        _ ask: Ask,
        as account: Account,
        _ step: SourceErrors.Step
    ) async throws(TokenStoreError) -> RegistryTokenAnswer {
        var calls = [get(ask, as: account), post(ask, as: account)].compactMap(\.self)
        if ask.prefersPOST { calls.reverse() }
        var answer = HTTPAnswer(status: 404)
        for call in calls {
            answer = try await errors.send(call, step, over: http)
            if answer.status != 404, answer.status != 405 { break }
        }
        guard answer.status == 200 else { throw error(answer, step) }
        guard let token = RegistryTokenAnswer(answer.body, now: clock.now) else {
            throw errors.unreadable(answer, step)
        }
        guard token.expiresAt > clock.now else {
            throw TokenStoreError(
                .misconfigured,
                "the token that the token server gave has already expired by this node's clock",
                fix: "synchronise the clocks of the node and the token server (NTP)"
            )
        }
        return token
    }

    /// `nil` for a refresh token, which the specification takes in a POST only.
    private func get(_ ask: Ask, as account: Account) -> HTTPCall? {
        guard case .password(let username, let password) = account else { return nil }
        var parameters: [(name: String, value: String)] = []
        if let service { parameters.append(("service", service)) }
        parameters.append(("client_id", Self.clientID))
        parameters += ask.scopes.map { ("scope", $0) }
        if ask.isOffline { parameters.append(("offline_token", "true")) }
        return HTTPCall(
            "GET",
            realm.text(adding: parameters),
            headers: [HTTPField("Accept", "application/json")],
            authorization: Authorization.basic(username, password)
        )
    }

    private func post(_ ask: Ask, as account: Account) -> HTTPCall {
        var form = FormBody()
        switch account {
        case .password(let username, let password):
            form.add("grant_type", "password")
            form.add("username", username)
            form.add("password", password)
        case .refreshToken(let token):
            form.add("grant_type", "refresh_token")
            form.add("refresh_token", token)
        }
        // Obligatory here; a registry that names no service is called by the empty name.
        form.add("service", service ?? "")
        form.add("client_id", Self.clientID)
        form.add("scope", ask.scopes.joined(separator: " "))
        if ask.isOffline { form.add("access_type", "offline") }
        return HTTPCall(
            "POST",
            realm.text,
            headers: [HTTPField("Accept", "application/json"), FormBody.contentType],
            body: form.bytes
        )
    }

    private struct OAuthError: Decodable { let error: String? }

    private func error(_ answer: HTTPAnswer, _ step: SourceErrors.Step) -> TokenStoreError {
        // RFC 6749, section 5.2: a wrong password or refresh token is a 400.
        let word = answer.status == 400 ? JSONBody.decode(OAuthError.self, answer.body)?.error : nil
        if word == "invalid_grant" || word == "invalid_client" {
            return TokenStoreError(
                .misconfigured,
                "\(errors.source) does not accept the credential to \(step.words) (HTTP 400)",
                fix: step.onUnauthorised
            )
        }
        return errors.error(answer, step, now: clock.now)
    }
}

/// What a token server answers.
struct RegistryTokenAnswer: Sendable {
    /// The bearer token.
    let token: Secret
    /// A token for further bearer tokens, where one was asked for and the server has such.
    let refreshToken: Secret?
    /// What the token is good for, where the answer says it (to a POST only) and in a form that can be read.
    let access: [RegistryScope.Access]?
    /// When ``token`` stops working.
    let expiresAt: UTCInstant

    /// The life of a token whose server does not tell, by the specification.
    static let defaultLife: Duration = .seconds(60)

    private struct Body: Decodable {
        let token: String?
        let access_token: String?
        let refresh_token: String?
        let expires_in: Double?
        let issued_at: String?
        let scope: String?
    }

    /// `nil` when the body is not what the specification says. A life counts from `issued_at` (a server may answer with a
    /// token that it made a while ago), but never from the future, which is a server's fast clock; a token that is a
    /// JWT does not outlive its own `exp`.
    init?(_ body: [UInt8], now: UTCInstant) {
        guard let body = JSONBody.decode(Body.self, body) else { return nil }
        let texts = [body.token, body.access_token].compactMap(\.self)
        guard let text = texts.first(where: { !$0.isEmpty }) else { return nil }
        token = Secret(utf8: text)
        refreshToken = body.refresh_token.flatMap { $0.isEmpty ? nil : Secret(utf8: $0) }
        guard Authorization.isUsable(token), refreshToken.map(Authorization.isUsable) ?? true else { return nil }
        let scopes = (body.scope ?? "").split(separator: " ").map { RegistryScope.read(String($0)) }
        access = scopes.isEmpty || scopes.contains(nil) ? nil : scopes.compactMap(\.self)
        let seconds = body.expires_in ?? 0
        guard seconds >= 0, seconds < 1e10 else { return nil }
        let life = seconds > 0 ? Duration.seconds(Int64(seconds)) : Self.defaultLife
        var start = now
        if let issuedAt = body.issued_at.flatMap(UTCInstant.init(rfc3339:)) { start = min(issuedAt, now) }
        let end = start + life
        expiresAt = UnverifiedJWT(token)?.expiresAt.map { min($0, end) } ?? end
    }
}
