// One look at a time, however many ask; what was just seen is not looked at again.

import Synchronization

/// Shares the work of a check among those who ask for it.
///
/// Who comes first does the work in its own task; who comes meanwhile waits for it. A result is given again while it is
/// fresh, so that callers can't make the daemon work harder by asking more often.
final class SingleFlight<Value: Sendable>: Sendable {
    private struct State {
        var last: (value: Value, at: ContinuousClock.Instant)?
        var isRunning = false
        var waiters: [CheckedContinuation<Value, Never>] = []
    }

    private enum Move {
        case use(Value)
        case lead
        case follow
    }

    private let freshness: Duration
    private let state = Mutex(State())

    /// - Parameter freshness: how long a result is given again.
    init(freshness: Duration) { self.freshness = freshness }

    /// The result of `work`, or of a caller who came before and whose result is fresh.
    ///
    /// - Parameter work: must end by itself in a bounded time.
    func value(_ work: () async -> Value) async -> Value {
        let move: Move = state.withLock { state in
            if let last = state.last, last.at + freshness > .now { return .use(last.value) }
            if state.isRunning { return .follow }
            state.isRunning = true
            return .lead
        }
        switch move {
        case .use(let value): return value
        case .lead: return await lead(work)
        case .follow:
            return await withCheckedContinuation { continuation in
                let value: Value? = state.withLock { state in
                    guard state.isRunning else { return state.last?.value }
                    state.waiters.append(continuation)
                    return nil
                }
                if let value { continuation.resume(returning: value) }
            }
        }
    }

    private func lead(_ work: () async -> Value) async -> Value {
        let value = await work()
        let waiters = state.withLock { state in
            state.last = (value, .now)
            state.isRunning = false
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume(returning: value) }
        return value
    }
}
