// What a token store hands back.

/// A token as its source issued it.
public struct IssuedToken: Sendable, Equatable {
    /// The user name that goes with the token in HTTP Basic credentials.
    public var username: String
    /// The token itself: opaque, of any length.
    public var secret: Secret
    /// When the token stops working; `nil` when the source does not say.
    public var expiresAt: UTCInstant?
    /// What the source says it granted. A store compares it with what was asked and refuses a wider one.
    public var grantedScope: TokenScope
    /// How to end the token early; `nil` when the source has no way.
    public var handle: RevocationHandle?
    /// When the store wants to be asked again although the token lives on: it hands out what somebody else renews, or
    /// does not know how long it lasts. `nil` is about two thirds of the life; more than that has no effect.
    public var refreshAfter: Duration?

    /// Creates an issued token.
    public init(
        username: String,
        secret: Secret,
        expiresAt: UTCInstant?,
        grantedScope: TokenScope,
        handle: RevocationHandle? = nil,
        refreshAfter: Duration? = nil
    ) {
        self.username = username
        self.secret = secret
        self.expiresAt = expiresAt
        self.grantedScope = grantedScope
        self.handle = handle
        self.refreshAfter = refreshAfter
    }
}

/// What a store needs to end one of its tokens, by itself: it must still work after a restart.
public struct RevocationHandle: Sendable, Equatable {
    /// A name for the token that is no secret (an id, an accessor, a lease id).
    public var identifier: String
    /// What must be presented to revoke, where the source wants the token itself or another secret.
    public var secret: Secret?

    /// Creates a handle.
    public init(identifier: String, secret: Secret? = nil) {
        self.identifier = identifier
        self.secret = secret
    }
}
