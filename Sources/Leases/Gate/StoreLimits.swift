// How many calls a token store is sent.

/// The limits of one token store on one node. Values below the least that makes sense are taken as that.
package struct StoreLimits: Sendable, Hashable {
    /// Calls a second in the long run.
    package var rate: Double
    /// Calls that may be made at once after a while of rest.
    package var burst: Int
    /// Calls that may run at a time.
    package var concurrent: Int
    /// Failures in a row (`unavailable`) after which no call is made for a while.
    package var breakerFailures: Int
    /// How long that while is; it doubles with each trial call that fails.
    package var breakerPause: Duration
    /// The longest that it becomes.
    package var breakerLongestPause: Duration
    /// Calls that may wait for their turn.
    package var waiting: Int

    package init(
        rate: Double = 10,
        burst: Int = 20,
        concurrent: Int = 8,
        breakerFailures: Int = 5,
        breakerPause: Duration = .seconds(5),
        breakerLongestPause: Duration = .seconds(60),
        waiting: Int = 1000
    ) {
        self.rate = rate.isFinite ? min(max(0.001, rate), 1_000_000) : 10
        self.burst = max(1, burst)
        self.concurrent = max(1, concurrent)
        self.breakerFailures = max(1, breakerFailures)
        self.breakerPause = max(.milliseconds(1), breakerPause)
        self.breakerLongestPause = max(breakerPause, breakerLongestPause)
        self.waiting = max(0, waiting)
    }
}
