// When GitLab's tokens expire: to the second for deploy tokens, at a midnight for access tokens.

import TokenStore

/// The expiry that is asked for.
struct GitLabLife: Sendable, Hashable {
    /// The lives that are asked for. GitLab allows 365 days unless its operators set less
    /// (<https://docs.gitlab.com/user/profile/personal_access_tokens/#access-token-expiration>).
    static let limits: ClosedRange<Duration> = .seconds(60)...(.seconds(364 * 86400))
    /// The life where none is wished for.
    static let standard: Duration = .seconds(3600)
    private static let day: Int64 = 86400

    /// When the token expires.
    let expiresAt: UTCInstant
    /// As GitLab wants it: a time, or a date at whose beginning (UTC) the token expires.
    let text: String

    init(_ type: GitLabSettings.TokenType, lifetime: Duration?, now: UTCInstant) {
        let life = min(max(lifetime ?? Self.standard, Self.limits.lowerBound), Self.limits.upperBound)
        let end = now + life
        switch type {
        case .deploy:
            expiresAt = UTCInstant(epochSeconds: end.epochSeconds)
            text = expiresAt.rfc3339
        case .access:
            // The first midnight that is not before the wished end: never the one at which today began.
            expiresAt = UTCInstant(epochSeconds: (end.epochSeconds + Self.day - 1) / Self.day * Self.day)
            text = String(expiresAt.rfc3339.prefix(10))
        }
    }

    /// Reads an expiry as GitLab says it: a time, or a date. `nil` when it is neither, or there is none.
    static func instant(_ text: String?) -> UTCInstant? {
        guard let text else { return nil }
        return UTCInstant(rfc3339: text.utf8.count == 10 ? text + "T00:00:00Z" : text)
    }
}
