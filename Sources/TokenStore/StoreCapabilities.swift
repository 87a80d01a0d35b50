// What a kind of token store can do: for operators who choose one, and for the checks that follow from it.

/// What a kind of token store can do, whatever its settings. `daypass stores` and the matrix of the documentation show it,
/// ``TokenStore/reach(for:)`` refines it for one entry of the configuration, and the compatibility suite holds a store
/// to it.
public struct StoreCapabilities: Sendable, Hashable {
    /// With whose credential a store asks its source.
    public enum Credential: String, Sendable, Hashable, CaseIterable {
        /// The build Pod's own service account token, in the audience of ``TokenStore/subjectTokenAudience(for:)``: the
        /// source itself learns which build asks, and no long-lived secret is on the node.
        case podToken
        /// A credential of the node's (a key, a password, a token file) that is in the store's settings.
        case nodeCredential
    }

    /// How close a token comes to the scope that was asked for.
    public enum Reach: Sendable, Hashable {
        /// The source cuts each token to the scope: no repository and no right more.
        case exact
        /// Tokens reach more than the scope; the text says what, to end the sentence "a token reaches ...". An operator
        /// must accept it (`acceptWiderTokens: true`) before such a store is used.
        case wider(String)
    }

    /// How long tokens live.
    public enum Life: Sendable, Hashable {
        /// A length that ``TokenRequest/lifetime`` chooses, within these limits.
        case chosen(ClosedRange<Duration>)
        /// A length that the source sets and that can't be chosen; the text says which: "1 hour", "as the server is set".
        case fixed(String)
        /// Until the token is revoked: the source has no expiry that could be set.
        case untilRevoked
    }

    /// How a token is ended before its time.
    public enum Revocation: Sendable, Hashable {
        /// By one call; the text says how soon it counts: "at once", "at the next registry login".
        case supported(String)
        /// Not at all: the token's life is all there is.
        case unsupported
    }

    /// The credentials that settings can choose from; more than one where there is a choice.
    public var credentials: Set<Credential>
    /// How close tokens come to the scope, at best.
    public var reach: Reach
    /// How long tokens live.
    public var life: Life
    /// How tokens are ended early.
    public var revocation: Revocation
    /// Whether ``TokenStore/find(_:)`` finds tokens by their name.
    public var findsTokens: Bool
    /// Whether two builds can get one and the same token, because the source hands out what it has. Promise nothing of a
    /// build's own token then, and never revoke it.
    public var sharesTokens: Bool

    /// Creates capabilities.
    public init(
        credentials: Set<Credential>,
        reach: Reach,
        life: Life,
        revocation: Revocation,
        findsTokens: Bool = false,
        sharesTokens: Bool = false
    ) {
        self.credentials = credentials
        self.reach = reach
        self.life = life
        self.revocation = revocation
        self.findsTokens = findsTokens
        self.sharesTokens = sharesTokens
    }
}
