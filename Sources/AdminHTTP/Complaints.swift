// A log line that many events share.

import Synchronization

/// Says when the next line of its kind may be written.
final class Complaints: Sendable {
    private let interval: Duration
    private let next = Mutex<ContinuousClock.Instant?>(nil)

    init(interval: Duration) { self.interval = interval }

    /// Whether a line is due; then the next one is after the interval.
    var isDue: Bool {
        let now = ContinuousClock.now
        return next.withLock { next in
            if let time = next, now < time { return false }
            next = now + interval
            return true
        }
    }
}
