// What the error answers of an OAuth token endpoint mean, for every store that asks one.

import TokenStore

/// The error codes of RFC 6749 (section 5.2), RFC 8693 (section 2.2.2) and those that servers use besides them.
enum OAuthErrorCode: String, Sendable, Hashable, CaseIterable {
    case invalidRequest = "invalid_request"
    case invalidClient = "invalid_client"
    case invalidGrant = "invalid_grant"
    case unauthorizedClient = "unauthorized_client"
    case unsupportedGrantType = "unsupported_grant_type"
    case invalidScope = "invalid_scope"
    case invalidTarget = "invalid_target"
    case accessDenied = "access_denied"
    case slowDown = "slow_down"
    case serverError = "server_error"
    case temporarilyUnavailable = "temporarily_unavailable"

    private struct Answer: Decodable { let error: String }

    /// The code of an error answer; `nil` when it has none of these. The server's own words are not looked at.
    init?(_ answer: HTTPAnswer) {
        guard answer.status >= 400, answer.body.count <= 1 << 16,
            let code = JSONBody.decode(Answer.self, answer.body)?.error
        else { return nil }
        self.init(rawValue: code)
    }
}

/// Turns the error answers of one token endpoint into ``TokenStoreError``s. What the endpoint wrote is not shown, but for
/// its code where that is one of ``OAuthErrorCode``.
struct OAuthErrors: Sendable {
    let source: SourceErrors
    /// What to look at when the endpoint answers with a code, where there is better advice than the general one.
    var fixes: [OAuthErrorCode: String] = [:]

    /// The error for an answer that is no success.
    func error(_ answer: HTTPAnswer, _ step: SourceErrors.Step, now: UTCInstant) -> TokenStoreError {
        // Limits and failures of the server are what their status says, whatever stands in the body.
        guard (400..<500).contains(answer.status), answer.status != 429, let code = OAuthErrorCode(answer) else {
            return source.error(answer, step, now: now)
        }
        let (kind, words, fix) = meaning(code)
        let what = "(HTTP \(answer.status), \(code.rawValue))"
        var retryAt: UTCInstant?
        if kind == .rateLimited {
            retryAt = RetryAfter.instant(in: answer, now: now) ?? RetryAfter.clamp(SourceErrors.unsaidWait, now: now)
        }
        return TokenStoreError(kind, "\(source.source) \(words) \(what)", fix: fixes[code] ?? fix, retryAt: retryAt)
    }

    private func meaning(_ code: OAuthErrorCode) -> (kind: TokenStoreError.Code, words: String, fix: String) {
        switch code {
        case .invalidRequest:
            (.refused, "does not take the call or the token in it", "check what it demands of a call")
        case .invalidClient:
            (.misconfigured, "does not know the client or its credential", "check the client's id and credential")
        case .invalidGrant:
            (
                .refused, "does not accept the token that it was shown",
                "check which issuer, subject and audience it expects"
            )
        case .unauthorizedClient:
            (.refused, "does not allow this client to ask in this way", "check what is allowed to the client there")
        case .unsupportedGrantType:
            (.misconfigured, "does not know this way of asking", "check \(source.addressKey) \(source.address)")
        case .invalidScope: (.refused, "does not know the scope or does not grant it", "check the scope")
        case .invalidTarget: (.misconfigured, "does not know what the token is for", "check the audience and resource")
        case .accessDenied: (.refused, "does not grant the token", "check what is allowed to the client there")
        case .slowDown: (.rateLimited, "asks to come back later", "")
        case .serverError, .temporarilyUnavailable: (.unavailable, "can't answer now", "")
        }
    }
}
