// How long log lines may wait for their reader, all together.

/// Bounds the sum of all waits within any window of time. A pure value: the time is given to it.
///
/// A bound for each line is none for many: a reader that takes a line every now and then would make each of them wait.
struct PatienceBudget: Sendable {
    /// The least that a wait counts, so that few waits are remembered.
    static let least: Duration = .milliseconds(1)

    private let limit: Duration
    private let window: Duration
    /// The waits of the last window, the oldest first, by their ends.
    private var waits: [(end: ContinuousClock.Instant, length: Duration)] = []

    /// - Parameters:
    ///   - limit: the most that is waited within a window.
    ///   - window: its length.
    init(limit: Duration, window: Duration) {
        self.limit = limit
        self.window = window
    }

    /// How long may be waited now.
    mutating func left(at now: ContinuousClock.Instant) -> Duration {
        let (start, limit) = (now - window, limit)
        waits.removeAll { $0.end <= start }
        return max(.zero, waits.reduce(limit) { $0 - $1.length })
    }

    /// Counts a wait.
    ///
    /// - Parameter end: when it was over; none before the ends of those that were counted.
    mutating func spend(_ length: Duration, at end: ContinuousClock.Instant) {
        waits.append((end, max(length, Self.least)))
    }
}
