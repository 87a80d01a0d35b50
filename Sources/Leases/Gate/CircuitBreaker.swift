// Leaves a source alone that fails again and again. Pure.

/// Closed, it lets calls pass. After some failures in a row it opens: no call passes until a pause is over. Then one trial
/// call passes, alone; an answer closes the breaker, a failure opens it for twice as long.
struct CircuitBreaker: Sendable {
    enum Phase: Sendable, Hashable {
        case closed
        /// No call passes before `until`.
        case open(until: Duration, pause: Duration)
        /// One call is under way to see how the source is.
        case trial(pause: Duration)
    }

    private var threshold: Int
    private var firstPause: Duration
    private var longestPause: Duration
    private(set) var phase = Phase.closed
    /// The failures since the last answer.
    private(set) var failures = 0
    /// What failed last, since the last answer.
    private(set) var lastFailure: String?

    init(failures: Int, pause: Duration, longestPause: Duration) {
        threshold = failures
        firstPause = pause
        self.longestPause = longestPause
    }

    /// Takes other limits from now on. A pause that has begun is not made shorter.
    mutating func change(failures: Int, pause: Duration, longestPause: Duration) {
        threshold = failures
        firstPause = pause
        self.longestPause = longestPause
    }

    /// When the next trial is due; `nil` unless it is open.
    var nextTrial: Duration? { if case .open(let until, _) = phase { until } else { nil } }

    /// Whether a call may pass. A trial waits until no other call runs, so that what is heard next is of the trial.
    func admits(at now: Duration, running: Int) -> Bool {
        switch phase {
        case .closed: true
        case .open(let until, _): now >= until && running == 0
        case .trial: false
        }
    }

    /// A call passes.
    mutating func pass() {
        if case .open(_, let pause) = phase { phase = .trial(pause: pause) }
    }

    /// The source answered, be it yes or no.
    mutating func answered() {
        phase = .closed
        failures = 0
        lastFailure = nil
    }

    /// A call failed.
    mutating func failed(_ what: String, at now: Duration) {
        failures += 1
        lastFailure = what
        switch phase {
        case .closed where failures >= threshold: open(for: firstPause, at: now)
        // One that began before it opened.
        case .closed, .open: break
        case .trial(let pause): open(for: min(pause * 2, longestPause), at: now)
        }
    }

    /// A call ended without telling anything about the source.
    mutating func toldNothing(at now: Duration) {
        if case .trial(let pause) = phase { phase = .open(until: now, pause: pause) }
    }

    private mutating func open(for pause: Duration, at now: Duration) {
        phase = .open(until: now + pause, pause: pause)
    }
}
