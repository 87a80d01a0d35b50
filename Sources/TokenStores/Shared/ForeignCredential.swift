// A credential that something else made: a program's answer, a file's content. It is checked, and then handed out.

import TokenStore

/// What was found: a token, and what is known about it.
struct ForeignCredential: Sendable {
    /// The user name that came with the token.
    var username: String?
    var token: Secret
    /// When it stops working, as its source says.
    var expiresAt: UTCInstant?
    /// When to look again.
    var refreshAfter: Duration?

    /// The issued token, once it is known to be usable.
    ///
    /// - Parameters:
    ///   - username: handed out instead of the name that came with the token.
    ///   - source: what it came from, to begin a sentence: `/usr/libexec/helper`.
    func issued(
        _ scope: TokenScope,
        username override: String?,
        source: String,
        now: UTCInstant
    ) throws(TokenStoreError) -> IssuedToken {
        guard Authorization.isUsable(token) else {
            throw TokenStoreError(
                .malformedAnswer,
                "\(source) gives a token that is empty or holds spaces or characters that no token has",
                fix: "let it give the token alone"
            )
        }
        guard let username = override ?? username else {
            throw TokenStoreError(
                .misconfigured,
                "\(source) gives no user name with the token",
                fix: "set username in the store's settings"
            )
        }
        guard Self.isUsername(username) else {
            throw TokenStoreError(
                .malformedAnswer,
                "\(source) gives a user name that is empty, too long, or holds a colon or control characters",
                fix: "set username in the store's settings"
            )
        }
        // Where a token says its own end, nothing that is written beside it makes it last longer.
        let expiresAt = [expiresAt, UnverifiedJWT(token)?.expiresAt].compactMap(\.self).min()
        if let expiresAt, expiresAt <= now {
            throw TokenStoreError(
                .unavailable,
                "\(source) gives a token that expired at \(expiresAt.rfc3339)",
                fix: "see why it is not renewed; check the node's clock"
            )
        }
        return IssuedToken(
            username: username,
            secret: token,
            expiresAt: expiresAt,
            grantedScope: scope,
            refreshAfter: refreshAfter
        )
    }

    /// Whether a text can stand before the colon of HTTP Basic credentials (RFC 7617) and in the files that are rendered.
    static func isUsername(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 255
            && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: ":") }
    }

    /// Refuses a user name of the settings.
    static func check(username: String?) throws(TokenStoreError) {
        guard let username, !isUsername(username) else { return }
        throw TokenStoreError(
            .misconfigured,
            "username is empty, longer than 255 bytes, or holds a colon, a space or characters beyond ASCII",
            fix: "write the user name that the service expects beside the token"
        )
    }

    /// A key of the settings that is a number of seconds.
    static func seconds(
        _ key: String,
        _ value: Int?,
        in range: ClosedRange<Int>
    ) throws(TokenStoreError) -> Duration? {
        guard let value else { return nil }
        guard range.contains(value) else {
            throw TokenStoreError(
                .misconfigured,
                "\(key) is \(value), and \(range.lowerBound) to \(range.upperBound) are allowed",
                fix: "write a number of seconds in these limits"
            )
        }
        return .seconds(value)
    }
}
