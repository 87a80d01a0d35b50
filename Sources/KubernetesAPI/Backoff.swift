// Pauses between tries that grow, and that differ from node to node. Pure.

/// The pauses after failures: each up to twice the one before, from half to the whole of it at random, so that the nodes
/// of a cluster do not come back all at once.
package struct Backoff: Sendable {
    /// The longest first pause.
    package var first: Duration
    /// The longest pause of all.
    package var longest: Duration
    private var failures = 0

    package init(first: Duration = .milliseconds(500), longest: Duration = .seconds(30)) {
        self.first = first
        self.longest = longest
    }

    /// The number of failures since the last success.
    package var count: Int { failures }

    /// The pause after one more failure.
    ///
    /// - Parameters:
    ///   - random: from 0 to 1.
    ///   - retryAfter: what the server asked for: no pause is shorter.
    package mutating func next(random: Double, retryAfter: Duration? = nil) -> Duration {
        let whole = min(longest, first * (1 << min(failures, 20)))
        failures += 1
        return max(whole * (0.5 + 0.5 * random), (retryAfter ?? .zero) * (1 + 0.1 * random))
    }

    /// All is well again.
    package mutating func reset() { failures = 0 }
}
