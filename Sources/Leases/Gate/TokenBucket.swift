// A bound on the rate of calls. Pure.

/// A bucket of `burst` turns that fills up again at `rate` turns a second. In any span of time `t` it gives away at most
/// `burst + rate * t` turns.
///
/// It keeps one figure, the time at which it will be full: exact, and nothing has to be added up meanwhile.
package struct TokenBucket: Sendable {
    /// The time that one turn takes to come back.
    private(set) var interval: Duration
    private(set) var burst: Int
    /// When it will be full if nobody takes a turn; `nil` before the first.
    private var fullAt: Duration?
    /// When the last turn was taken.
    private var lastTake: Duration?

    package init(rate: Double, burst: Int) {
        interval = .seconds(1) / rate
        self.burst = burst
    }

    /// Takes another rate from now on. The turns that are missing stay missing, as far as the new bucket has so many, and
    /// come back at the new rate.
    mutating func change(rate: Double, burst: Int, at now: Duration) {
        let former = interval
        interval = .seconds(1) / rate
        self.burst = burst
        guard let fullAt, fullAt > now else { return }
        self.fullAt = now + interval * min((fullAt - now) / former, Double(burst))
    }

    /// When the `number`th turn from now can be taken, if all are taken as soon as they can be, but none before `start`.
    package func time(ofTurn number: Int, from start: Duration) -> Duration {
        max(start, max(fullAt ?? start, start) + interval * (number - burst))
    }

    /// Takes a turn, if there is one.
    package mutating func take(at now: Duration) -> Bool {
        guard time(ofTurn: 1, from: now) <= now else { return false }
        fullAt = max(fullAt ?? now, now) + interval
        lastTake = now
        return true
    }

    /// Gives a turn back that was taken at `time` or later.
    ///
    /// Only when no turn was taken since: the one figure does not tell what the bucket would have been for those that
    /// followed, and the bound must hold for them. A turn that is not given back comes back by itself.
    mutating func giveBack(takenSince time: Duration) {
        guard let fullAt, let lastTake, lastTake <= time else { return }
        self.fullAt = fullAt - interval
    }
}
