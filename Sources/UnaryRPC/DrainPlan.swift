// When what happens while a server ends. Pure.

/// The phases of a drain. All of them together take no longer than the drain's time and one second.
struct DrainPlan {
    enum Phase: Int, Comparable {
        /// New calls are served; the first moment without calls ends the server.
        case settling
        /// New calls are answered with the ending status; the others run on.
        case refusing
        /// Handlers are cancelled, and may still answer.
        case cancelling
        /// The ending status is the answer of whatever has none yet.
        case givingUp
        /// The connections are closed, whether their peers took the answers or not.
        case closing

        static func < (left: Phase, right: Phase) -> Bool { left.rawValue < right.rawValue }
    }

    /// How long peers have to take the last answers.
    static let farewell: Duration = .seconds(1)

    private var refuses: ContinuousClock.Instant
    private var cancels: ContinuousClock.Instant
    private var givesUp: ContinuousClock.Instant
    private let grace: Duration

    init(from start: ContinuousClock.Instant, settle: Duration, total: Duration, grace: Duration) {
        let total = max(.zero, total)
        self.grace = max(.zero, min(grace, total))
        cancels = start + (total - self.grace)
        refuses = min(start + max(.zero, settle), cancels)
        givesUp = start + total
    }

    init(_ options: UnaryServerOptions, from start: ContinuousClock.Instant) {
        let (total, grace) = options.drainTimes?() ?? (options.drainTimeout, options.cancelGrace)
        self.init(from: start, settle: options.settleTimeout, total: total, grace: grace)
    }

    /// Cancels handlers now, and leaves them a second at most.
    mutating func hurry(at now: ContinuousClock.Instant) {
        refuses = min(refuses, now)
        cancels = min(cancels, now)
        givesUp = min(givesUp, now + min(grace, .seconds(1)))
    }

    func phase(at now: ContinuousClock.Instant) -> Phase {
        if now >= givesUp + Self.farewell { return .closing }
        if now >= givesUp { return .givingUp }
        if now >= cancels { return .cancelling }
        return now >= refuses ? .refusing : .settling
    }

    /// When the next phase begins; nil in the last one.
    func nextChange(after now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
        [refuses, cancels, givesUp, givesUp + Self.farewell].first { $0 > now }
    }
}
