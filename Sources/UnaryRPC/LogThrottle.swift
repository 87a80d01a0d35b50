// Keeps a peer from filling the log.

/// Admits at most one line in an interval, and counts what it holds back.
struct LogThrottle {
    let interval: Duration
    private var next: ContinuousClock.Instant?
    private var suppressed = 0

    init(interval: Duration) { self.interval = interval }

    /// The number of lines that were held back since the last one, or nil when this one is to be held back too.
    mutating func admit(at now: ContinuousClock.Instant) -> Int? {
        if let next, now < next {
            suppressed += 1
            return nil
        }
        next = now + interval
        defer { suppressed = 0 }
        return suppressed
    }
}
