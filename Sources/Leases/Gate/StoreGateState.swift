// Who may call one token store, and when. Pure: the time is told, and what was decided is answered.

/// The gate before one token store: a bound on the rate, on the number of calls at a time, pauses that the source asked
/// for, a breaker, and a fair queue of those who wait.
struct StoreGateState: Sendable {
    /// What a call that ended tells of the source.
    enum Report: Sendable {
        /// It answered: a token, or a refusal.
        case answered
        /// It failed or talked nonsense.
        case failed(String)
        /// It wants fewer calls: none before a time of the steady clock, if it named one.
        case limited(until: Duration?)
        /// Nothing.
        case nothing
        /// Nothing, because no call was made.
        case unused
    }

    /// What was decided for one who asked: a turn, or why there is none.
    struct Decision: Sendable, Hashable {
        var id: UInt64
        var refusal: GateRefusal?
    }

    private struct Waiter: Sendable {
        var id: UInt64
        var since: Duration
        var deadline: Duration
    }

    /// The first pause for a source that limits and names no time; it doubles with each that follows.
    static let firstPause = Duration.seconds(1)
    /// The longest pause of that kind.
    static let longestPause = Duration.seconds(60)
    /// The longest pause that a source gets by naming a time. It is asked again then, so that a wrong date or clock does
    /// not end the store's service for good.
    static let longestAskedPause = Duration.seconds(3600)

    private(set) var limits: StoreLimits
    private(set) var running = 0
    private(set) var pausedUntil: Duration?
    private(set) var breaker: CircuitBreaker
    private var bucket: TokenBucket
    private var queue = FairQueue<Waiter>()
    /// When the calls that run began, at the earliest.
    private var busySince = Duration.zero
    private var lastPause = Duration.zero

    init(_ limits: StoreLimits) {
        self.limits = limits
        bucket = TokenBucket(rate: limits.rate, burst: limits.burst)
        breaker = CircuitBreaker(
            failures: limits.breakerFailures,
            pause: limits.breakerPause,
            longestPause: limits.breakerLongestPause
        )
    }

    var waiting: Int { queue.count }

    // MARK: Events

    /// Somebody asks for a turn. Unless the decision is among the answers, it waits.
    mutating func enter(
        _ id: UInt64,
        namespace: String,
        deadline: Duration,
        at now: Duration
    ) -> [Decision] {
        let earlier = advance(to: now)
        if let refusal = refusal(for: namespace, deadline: deadline, at: now) {
            return earlier + [Decision(id: id, refusal: refusal)]
        }
        queue.append(Waiter(id: id, since: now, deadline: deadline), for: namespace)
        return earlier + advance(to: now)
    }

    /// Somebody does not want to wait any longer.
    ///
    /// - Returns: Whether it waited.
    mutating func withdraw(_ id: UInt64) -> Bool { !queue.remove { $0.id == id }.isEmpty }

    /// A call has ended.
    mutating func leave(_ report: Report, at now: Duration) -> [Decision] {
        guard running > 0 else { return advance(to: now) }
        running -= 1
        switch report {
        case .answered:
            if !isPaused(at: now) { lastPause = .zero }
            breaker.answered()
        case .failed(let what):
            breaker.failed(what, at: now)
        case .limited(let until):
            pause(until: until, at: now)
            breaker.answered()
        case .nothing:
            breaker.toldNothing(at: now)
        case .unused:
            bucket.giveBack(takenSince: busySince)
            breaker.toldNothing(at: now)
        }
        return advance(to: now)
    }

    /// Other limits hold from now on, for those who wait too.
    ///
    /// - Parameter isOtherSource: Whether the store is another one by now: what was heard of the former says nothing.
    mutating func change(_ limits: StoreLimits, isOtherSource: Bool, at now: Duration) -> [Decision] {
        self.limits = limits
        bucket.change(rate: limits.rate, burst: limits.burst, at: now)
        breaker.change(
            failures: limits.breakerFailures,
            pause: limits.breakerPause,
            longestPause: limits.breakerLongestPause
        )
        if isOtherSource {
            pausedUntil = nil
            lastPause = .zero
            breaker.answered()
        }
        return advance(to: now)
    }

    /// Time has passed: gives turns to those who can have one, and refuses those whose time is over or will be over
    /// before there can be one.
    mutating func advance(to now: Duration) -> [Decision] {
        guard !queue.isEmpty else { return [] }
        var late = queue.remove { $0.deadline < now }
        var decisions: [Decision] = []
        while !queue.isEmpty, let waiter = startNext(at: now) { decisions.append(Decision(id: waiter.id)) }
        late += queue.remove { $0.deadline <= now }
        decisions += refuse(late, at: now)
        if let obstacle = obstacle(at: now) {
            decisions += queue.remove { $0.deadline < obstacle.until }
                .map { Decision(id: $0.id, refusal: obstacle.refusal) }
        }
        return decisions
    }

    /// When ``advance(to:)`` is next needed; `nil` while nothing comes of itself. Right after it, that is later than now.
    func nextEvent(after now: Duration) -> Duration? {
        guard let deadline = queue.elements.map(\.deadline).min() else { return nil }
        guard running < limits.concurrent, let turn = nextTurn(after: now) else { return deadline }
        return min(deadline, turn)
    }

    // MARK: Turns

    private mutating func startNext(at now: Duration) -> Waiter? {
        guard running < limits.concurrent, !isPaused(at: now), breaker.admits(at: now, running: running),
            bucket.take(at: now)
        else { return nil }
        breaker.pass()
        if running == 0 { busySince = now }
        running += 1
        return queue.popFirst()
    }

    private func nextTurn(after now: Duration) -> Duration? {
        let start = max(now, pausedUntil ?? now)
        switch breaker.phase {
        case .closed: return bucket.time(ofTurn: 1, from: start)
        // Due, but others still run: the last of them that leaves makes the turn.
        case .open(let until, _):
            return until <= now && running > 0 ? nil : bucket.time(ofTurn: 1, from: max(start, until))
        case .trial: return nil
        }
    }

    // MARK: Refusals

    private func isPaused(at now: Duration) -> Bool { pausedUntil.map { $0 > now } ?? false }

    /// What lets nobody pass for a known time.
    private func obstacle(at now: Duration) -> (until: Duration, refusal: GateRefusal)? {
        let trial = breaker.nextTrial ?? now
        let pause = pausedUntil ?? now
        guard max(trial, pause) > now else { return nil }
        guard trial > pause else { return (pause, .paused(until: pause)) }
        let last = breaker.lastFailure ?? "unknown"
        return (trial, .open(trial: trial, failures: breaker.failures, last: last))
    }

    /// Why one that joins now can't have its turn in time, as far as is known.
    private func refusal(for namespace: String, deadline: Duration, at now: Duration) -> GateRefusal? {
        let obstacle = obstacle(at: now)
        if let obstacle, obstacle.until > deadline { return obstacle.refusal }
        let ahead = queue.countAhead(ofNewIn: namespace)
        let turn = bucket.time(ofTurn: ahead + 1, from: obstacle?.until ?? now)
        if turn > deadline { return .rate(turn: turn, ahead: ahead) }
        // Nobody can have a turn now if somebody waits for one.
        if queue.count >= limits.waiting, !queue.isEmpty || !canStart(at: now) {
            return .full(turn: turn, waiting: queue.count)
        }
        return nil
    }

    private func canStart(at now: Duration) -> Bool {
        running < limits.concurrent && nextTurn(after: now).map { $0 <= now } ?? false
    }

    private func refuse(_ waiters: [Waiter], at now: Duration) -> [Decision] {
        waiters.map { waiter in
            let refusal = GateRefusal.late(
                waited: now - waiter.since,
                running: running,
                waiting: queue.count,
                failures: breaker.failures,
                last: breaker.phase == .closed ? nil : breaker.lastFailure
            )
            return Decision(id: waiter.id, refusal: refusal)
        }
    }

    // MARK: Pauses

    private mutating func pause(until asked: Duration?, at now: Duration) {
        if let asked, asked > now {
            let bounded = min(asked, now + Self.longestAskedPause)
            pausedUntil = max(pausedUntil ?? bounded, bounded)
        } else if !isPaused(at: now) {
            // Calls that ran beside the one that was refused first say the same once more.
            lastPause = min(max(lastPause * 2, Self.firstPause), Self.longestPause)
            pausedUntil = now + lastPause
        }
    }
}
