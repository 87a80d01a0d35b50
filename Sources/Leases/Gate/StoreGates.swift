// The gates before all token stores of a node: what tasks call.

import Synchronization
package import TokenStore

/// Lets calls to token stores pass at a bounded rate, a bounded number at a time, in a fair order of namespaces; holds
/// them back while a source asks for a pause or keeps failing. Each store has a gate of its own.
///
/// A turn that ``enter(store:namespace:within:)`` gave must be ended with ``leave(store:outcome:)``, exactly once.
package final class StoreGates: Sendable {
    /// How a turn ended.
    package enum Outcome: Sendable {
        /// The source gave what was asked for.
        case success
        /// The call failed. `refused` and `misconfigured` are answers; and so is `malformedAnswer`, which a
        /// tenant's odd request can bring about; `unavailable` counts as a failure of the source; `rateLimited` makes it pause; `cancelled` says nothing.
        case failure(TokenStoreError)
        /// No call was made.
        case unused
    }

    fileprivate struct State {
        var gates: [String: StoreGateState] = [:]
        var waiters: [UInt64: CheckedContinuation<GateRefusal?, any Error>] = [:]
        var lastID: UInt64 = 0
        /// When the timer loop wakes by itself.
        var wakesAt: Duration?
        var hasEnded = false
        /// The limits of stores by their names.
        var limits: [String: StoreLimits]
    }

    private let standard: StoreLimits
    private let steady: @Sendable () -> Duration
    private let wall: any WallClock
    private let sleep: @Sendable (Duration) async throws -> Void
    private let state: Mutex<State>
    private let alarm = Alarm()

    /// - Parameters:
    ///   - limits: The limits of stores by their names.
    ///   - standard: The limits of all others.
    ///   - steady: The time since some fixed instant; it never goes back.
    ///   - wall: The time of day, in which sources name the end of a pause and messages name times.
    ///   - sleep: Waits for a while of the steady clock.
    package init(
        limits: [String: StoreLimits],
        standard: StoreLimits = StoreLimits(),
        steady: @escaping @Sendable () -> Duration,
        wall: any WallClock,
        sleep: @escaping @Sendable (Duration) async throws -> Void
    ) {
        state = Mutex(State(limits: limits))
        self.standard = standard
        self.steady = steady
        self.wall = wall
        self.sleep = sleep
    }

    /// Gates on the clocks of the leases.
    package convenience init(
        limits: [String: StoreLimits] = [:],
        standard: StoreLimits = StoreLimits(),
        clock: LeaseClock
    ) {
        self.init(limits: limits, standard: standard, steady: clock.steady, wall: clock.wall, sleep: clock.sleep)
    }

    // MARK: Turns

    /// Waits for a turn to call a store.
    ///
    /// - Parameters:
    ///   - store: The store's name in the configuration.
    ///   - namespace: Whose call it is. Namespaces take turns.
    ///   - within: How long the caller can wait.
    /// - Throws: ``TokenStoreError``, and then there is no turn to end. At once, when it is known that none can come in
    ///   time: `rateLimited` with `retryAt` for a pause, the rate or a full queue, `unavailable` for an open breaker.
    ///   `unavailable` when `within` passes; `cancelled` when the task is cancelled or ``run()`` has ended.
    package func enter(store: String, namespace: String, within: Duration) async throws(TokenStoreError) {
        let id = state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
        let refusal: GateRefusal?
        do {
            refusal = try await withTaskCancellationHandler {
                try await withCheckedThrowingContinuation { continuation in
                    ask(id, store, namespace, within, continuation)
                    // A cancellation that came before the line above found nobody to send home.
                    if Task.isCancelled { withdraw(id, store) }
                }
            } onCancel: {
                withdraw(id, store)
            }
        } catch {
            throw TokenStoreError(.cancelled, "the call was given up while it waited for its turn")
        }
        if let refusal { throw self.error(refusal, store) }
    }

    /// Ends a turn.
    package func leave(store: String, outcome: Outcome) {
        let (steadyNow, wallNow) = (steady(), wall.now)
        let report: StoreGateState.Report =
            switch outcome {
            case .success: .answered
            case .unused: .unused
            case .failure(let error):
                switch error.code {
                case .unavailable: .failed(error.shownInGate)
                case .rateLimited: .limited(until: error.retryAt.map { steadyNow + wallNow.duration(to: $0) })
                case .cancelled: .nothing
                default: .answered
                }
            }
        change(store) { _, gate, now in gate.leave(report, at: now) }
    }

    /// Takes other limits from now on; calls that run, and who waits for a turn, stay.
    ///
    /// - Parameters:
    ///   - limits: The limits of stores by their names; the others have the standard ones.
    ///   - others: The stores that are other sources now: their breakers close, and their pauses end.
    package func setLimits(_ limits: [String: StoreLimits], others: Set<String> = []) {
        let names = state.withLock { state in
            state.limits = limits
            return Array(state.gates.keys)
        }
        for name in names {
            change(name) { _, gate, now in
                gate.change(limits[name] ?? standard, isOtherSource: others.contains(name), at: now)
            }
        }
        // Turns may come sooner than the timer thinks.
        alarm.ring()
    }

    // MARK: The timer

    /// Watches the time for those who wait, until its task is cancelled; then all of them get `cancelled`, and so does
    /// who comes later. To be run once, by the owner's task group.
    package func run() async {
        while !Task.isCancelled {
            let (woken, pause) = state.withLock { state in
                let now = steady()
                var woken: [Woken] = []
                for store in Array(state.gates.keys) {
                    woken += state.take(state.gates[store]?.advance(to: now) ?? [])
                }
                state.wakesAt = state.gates.values.compactMap { $0.nextEvent(after: now) }.min()
                return (woken, state.wakesAt.map { $0 - now })
            }
            woken.forEach { $0.wake() }
            await alarm.wait(atMost: pause, sleep: sleep)
        }
        end()
    }

    private func end() {
        let left = state.withLock { state in
            state.hasEnded = true
            for (store, gate) in state.gates {
                var emptied = gate
                for id in state.waiters.keys { _ = emptied.withdraw(id) }
                state.gates[store] = emptied
            }
            defer { state.waiters = [:] }
            return Array(state.waiters.values)
        }
        for continuation in left { continuation.resume(throwing: CancellationError()) }
    }

    // MARK: The view

    /// How the gate before a store stands.
    package func status(store: String) -> StoreGateStatus {
        let (gate, now) = state.withLock { ($0.gates[store], steady()) }
        var status = StoreGateStatus(store: store)
        guard let gate else { return status }
        let time = timeOfDay(from: now)
        status.waiting = gate.waiting
        status.running = gate.running
        status.failuresInARow = gate.breaker.failures
        status.lastFailure = gate.breaker.lastFailure
        status.nextTrial = gate.breaker.nextTrial.map { time($0).roundedUp.rfc3339 }
        status.pausedUntil = gate.pausedUntil.flatMap { $0 > now ? time($0).roundedUp.rfc3339 : nil }
        switch gate.breaker.phase {
        case .closed: status.breaker = .closed
        case .open: status.breaker = .open
        case .trial: status.breaker = .trial
        }
        return status
    }

    // MARK: Changes

    fileprivate struct Woken {
        var continuation: CheckedContinuation<GateRefusal?, any Error>
        var refusal: GateRefusal?

        func wake() { continuation.resume(returning: refusal) }
    }

    private func ask(
        _ id: UInt64,
        _ store: String,
        _ namespace: String,
        _ within: Duration,
        _ continuation: CheckedContinuation<GateRefusal?, any Error>
    ) {
        let isTaken = change(store) { state, gate, now in
            guard !state.hasEnded, !Task.isCancelled else { return nil }
            state.waiters[id] = continuation
            return gate.enter(id, namespace: namespace, deadline: now + within, at: now)
        }
        if !isTaken { continuation.resume(throwing: CancellationError()) }
    }

    private func withdraw(_ id: UInt64, _ store: String) {
        let continuation = state.withLock { state in
            // Whoever has a turn already keeps it.
            state.gates[store]?.withdraw(id) == true ? state.waiters.removeValue(forKey: id) : nil
        }
        continuation?.resume(throwing: CancellationError())
    }

    /// Changes a gate, wakes those for whom something was decided, and sees to it that the timer wakes in time.
    ///
    /// - Returns: `false` when `body` returns `nil`, because it did nothing.
    @discardableResult
    private func change(
        _ store: String,
        _ body: (inout State, inout StoreGateState, Duration) -> [StoreGateState.Decision]?
    ) -> Bool {
        let change: (woken: [Woken], isSooner: Bool)? = state.withLock { state in
            let now = steady()
            var gate = state.gates[store] ?? StoreGateState(state.limits[store] ?? standard)
            guard let decisions = body(&state, &gate, now) else { return nil }
            state.gates[store] = gate
            let next = gate.nextEvent(after: now)
            let isSooner = next.map { next in state.wakesAt.map { next < $0 } ?? true } ?? false
            if isSooner { state.wakesAt = next }
            return (state.take(decisions), isSooner)
        }
        change?.woken.forEach { $0.wake() }
        if change?.isSooner == true { alarm.ring() }
        return change != nil
    }

    private func error(_ refusal: GateRefusal, _ store: String) -> TokenStoreError {
        refusal.error(state.withLock { $0.limits[store] } ?? standard, time: timeOfDay(from: steady()))
    }

    private func timeOfDay(from now: Duration) -> (Duration) -> UTCInstant {
        let wallNow = wall.now
        return { wallNow.advanced(by: $0 - now) }
    }
}

extension StoreGates.State {
    fileprivate mutating func take(_ decisions: [StoreGateState.Decision]) -> [StoreGates.Woken] {
        decisions.compactMap { decision in
            waiters.removeValue(forKey: decision.id)
                .map { StoreGates.Woken(continuation: $0, refusal: decision.refusal) }
        }
    }
}
