// How the gate before a token store stands, for an operator.

/// A look at the gate before one token store. It holds no secret.
package struct StoreGateStatus: Sendable, Hashable, Codable {
    /// Whether calls pass.
    package enum Breaker: String, Sendable, Hashable, Codable {
        /// They do.
        case closed
        /// They don't: the last ones failed.
        case open
        /// One does, to see whether the source is back.
        case trial
    }

    /// The store's name in the configuration.
    package var store: String
    /// How many calls wait for their turn.
    package var waiting = 0
    /// How many calls are under way.
    package var running = 0
    /// Whether calls pass.
    package var breaker = Breaker.closed
    /// When the next trial is due, in RFC 3339; only while the breaker is open.
    package var nextTrial: String?
    /// Until when the source wants no calls, in RFC 3339; only while that is to come.
    package var pausedUntil: String?
    /// The failures since the source last answered.
    package var failuresInARow = 0
    /// The last of them.
    package var lastFailure: String?
}
