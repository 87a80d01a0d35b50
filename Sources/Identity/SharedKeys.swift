// The cluster's keys behind a lock: one fetch at a time, whoever asks.

import LogEvents
import Logging
import Refusals
import Synchronization
import TokenStore

/// Looks keys up and fetches them when ``KeyRing`` says so. Callers that need a fetch at the same time share one: the
/// first does it within its own task, the others wait.
final class SharedKeys: Sendable {
    private struct State {
        var ring: KeyRing
        /// Which fetch runs, or will run next.
        var round = 0
        var waiters: [Int: Waiter] = [:]
        var nextWaiter = 0
    }

    private enum Waiter {
        case waiting(CheckedContinuation<Bool, Never>)
        case cancelled
    }

    /// A key, its issuer, and how often keys had been withdrawn when it was looked up.
    typealias Usable = (SigningKey, issuer: String, generation: Int)

    private enum Move {
        case use(Usable)
        case refuse(Refusal)
        case lead
        case follow(round: Int)
    }

    private let source: any KeySource
    private let clock: any WallClock
    private let logger: Logger
    private let keysLost: @Sendable () -> Void
    private let state: Mutex<State>

    /// - Parameter keysLost: called when a fetch shows that a key is no longer the cluster's.
    init(
        source: any KeySource,
        timing: KeyRing.Timing,
        clock: any WallClock,
        logger: Logger,
        keysLost: @escaping @Sendable () -> Void
    ) {
        self.source = source
        self.clock = clock
        self.logger = logger
        self.keysLost = keysLost
        state = Mutex(State(ring: KeyRing(location: source.location, timing: timing)))
    }

    var status: KeyStatus { state.withLock { $0.ring.status } }

    /// The number of callers that wait for the fetch of another.
    var waiterCount: Int { state.withLock { $0.waiters.count } }

    /// The key of this ID when no fetch is due; `nil` when one is.
    func keyAtHand(_ id: String, _ algorithm: SigningAlgorithm) throws(Refusal) -> Usable? {
        let now = clock.now
        let (step, generation) = state.withLock { state in
            (state.ring.step(id: id, algorithm: algorithm, now: now, fetched: false), state.ring.generation)
        }
        switch step {
        case .use(let key, let issuer): return (key, issuer, generation)
        case .refuse(let refusal): throw refusal
        case .fetch: return nil
        }
    }

    /// The key of this ID, after a fetch when one is due.
    func key(_ id: String, _ algorithm: SigningAlgorithm) async throws(Refusal) -> Usable {
        var fetched = false
        while true {
            let now = clock.now
            let move: Move = state.withLock { state in
                switch state.ring.step(id: id, algorithm: algorithm, now: now, fetched: fetched) {
                case .use(let key, let issuer): .use((key, issuer, state.ring.generation))
                case .refuse(let refusal): .refuse(refusal)
                case .fetch: Self.joinFetch(&state, now: now)
                }
            }
            switch move {
            case .use(let usable): return usable
            case .refuse(let refusal): throw refusal
            case .lead: fetched = try await lead()
            case .follow(let round): fetched = try await follow(round)
            }
        }
    }

    /// Fetches the keys when there are none yet.
    func prepare() async throws(Refusal) {
        var fetched = false
        while true {
            let now = clock.now
            let move: Move? = state.withLock { state in
                guard !fetched, state.ring.needsFirstFetch(now: now) else {
                    return state.ring.absence(now: now).map { .refuse($0) }
                }
                return Self.joinFetch(&state, now: now)
            }
            switch move {
            case .lead: fetched = try await lead()
            case .follow(let round): fetched = try await follow(round)
            case .refuse(let refusal): throw refusal
            case .use, nil: return
            }
        }
    }

    private static func joinFetch(_ state: inout State, now: UTCInstant) -> Move {
        if state.ring.isFetching { return .follow(round: state.round) }
        state.ring.begin(now: now)
        return .lead
    }

    /// Fetches, then wakes those who wait.
    private func lead() async throws(Refusal) -> Bool {
        let result: Result<JWKSDocument, Refusal>
        do throws(Refusal) { result = .success(try await source.fetch()) } catch { result = .failure(error) }
        var isAbandoned = false
        if case .failure(let refusal) = result { isAbandoned = refusal.reason == .cancelled || Task.isCancelled }
        let now = clock.now
        let (lost, waiters) = state.withLock { state in
            let waiters = state.waiters
            state.waiters = [:]
            state.round += 1
            guard isAbandoned else { return (state.ring.end(result, now: now), waiters) }
            state.ring.abandon()
            return (false, waiters)
        }
        if lost { keysLost() }
        for case .waiting(let continuation) in waiters.values { continuation.resume(returning: !isAbandoned) }
        if isAbandoned { throw Self.cancelled }
        report()
        return true
    }

    /// Waits for the end of the fetch that another caller does.
    ///
    /// - Returns: whether it came to its end; when its caller gave up, another one must do it.
    private func follow(_ round: Int) async throws(Refusal) -> Bool {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        let isComplete = await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Bool, Never>) in
                let result: Bool? = state.withLock { state in
                    if case .cancelled = state.waiters.removeValue(forKey: id) { return false }
                    guard state.round == round else { return true }
                    state.waiters[id] = .waiting(continuation)
                    return nil
                }
                if let result { continuation.resume(returning: result) }
            }
        } onCancel: {
            let waiter = state.withLock { state in
                let waiter = state.waiters.removeValue(forKey: id)
                if waiter == nil, state.round == round { state.waiters[id] = .cancelled }
                return waiter
            }
            if case .waiting(let continuation) = waiter { continuation.resume(returning: false) }
        }
        if Task.isCancelled { throw Self.cancelled }
        return isComplete
    }

    private func report() {
        let status = status
        guard let failure = status.failure else {
            logger.log(
                .signingKeysFetched,
                "the cluster's signing keys were fetched",
                metadata: ["from": "\(status.location)", "keys": "\(status.keyCount)"]
            )
            return
        }
        let what = status.keyCount == 0 ? "there are none" : "\(status.keyCount) older ones stay in force"
        logger.log(
            .signingKeysUnavailable,
            "the cluster's signing keys can't be fetched; \(what)",
            metadata: ["why": "\(failure)"]
        )
    }

    private static let cancelled = Refusal(.cancelled, "the caller gave up while the cluster's keys were fetched")
}
