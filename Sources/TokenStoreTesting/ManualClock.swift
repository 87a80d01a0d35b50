// A wall clock that stands still until a test moves it.

import Synchronization
public import TokenStore

/// A wall clock for tests: time passes only when ``advance(by:)`` or ``set(to:)`` is called, and sleepers wake then.
public final class ManualClock: WallClock {
    private struct Sleeper {
        let deadline: UTCInstant
        let continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var now: UTCInstant
        var elapsed = Duration.zero
        var sleepers: [Int: Sleeper] = [:]
        var cancelled: Set<Int> = []
        var nextID = 0
    }

    private let state: Mutex<State>

    /// Creates a clock that shows `now`; 2026-01-01T00:00:00Z unless told.
    public init(now: UTCInstant = UTCInstant(epochSeconds: 1_767_225_600)) { state = Mutex(State(now: now)) }

    public var now: UTCInstant { state.withLock { $0.now } }
    public var minimumResolution: Duration { .nanoseconds(1) }

    /// The number of tasks that sleep on this clock.
    public var sleeperCount: Int { state.withLock { $0.sleepers.count } }

    /// The time that has really passed: what ``advance(by:)`` added up. ``set(to:)`` leaves it alone, as setting a
    /// machine's clock leaves its time since boot alone.
    public var elapsed: Duration { state.withLock { $0.elapsed } }

    /// Lets `duration` pass and wakes whom it passes.
    public func advance(by duration: Duration) {
        state.withLock { $0.elapsed += duration }
        move { $0.advanced(by: duration) }
    }

    /// Sets the time, forwards or backwards, and wakes whom it passes.
    public func set(to instant: UTCInstant) { move { _ in instant } }

    private func move(_ change: (UTCInstant) -> UTCInstant) {
        let woken = state.withLock { state in
            state.now = change(state.now)
            let due = state.sleepers.filter { $0.value.deadline <= state.now }
            for id in due.keys { state.sleepers[id] = nil }
            return due.values.sorted { $0.deadline < $1.deadline }
        }
        for sleeper in woken { sleeper.continuation.resume() }
    }

    public func sleep(until deadline: UTCInstant, tolerance: Duration?) async throws {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                let result: Result<Void, any Error>? = state.withLock { state in
                    if state.cancelled.remove(id) != nil { return .failure(CancellationError()) }
                    if deadline <= state.now { return .success(()) }
                    state.sleepers[id] = Sleeper(deadline: deadline, continuation: continuation)
                    return nil
                }
                if let result { continuation.resume(with: result) }
            }
        } onCancel: {
            let sleeper = state.withLock { state in
                let sleeper = state.sleepers.removeValue(forKey: id)
                if sleeper == nil { state.cancelled.insert(id) }
                return sleeper
            }
            sleeper?.continuation.resume(throwing: CancellationError())
        }
        state.withLock { _ = $0.cancelled.remove(id) }
    }
}
