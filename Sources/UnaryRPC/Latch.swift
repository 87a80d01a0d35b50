// A door that opens once.

import Synchronization

/// Something that happens once, and that tasks wait for.
final class Latch: Sendable {
    private struct State {
        var isOpen = false
        var nextID = 0
        var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
    }

    private let state = Mutex(State())

    var isOpen: Bool { state.withLock { $0.isOpen } }

    /// Opens the door for all who wait and will wait. Only the first call does something.
    func open() {
        let waiters = state.withLock { state in
            defer { state.waiters = [:] }
            state.isOpen = true
            return state.waiters
        }
        for waiter in waiters.values { waiter.resume() }
    }

    /// Returns when the door is open or the task is cancelled.
    func wait() async {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        await withTaskCancellationHandler {
            await enter(id, unlessCancelled: true)
        } onCancel: {
            let waiter = state.withLock { $0.waiters.removeValue(forKey: id) }
            waiter?.resume()
        }
    }

    /// Returns when the door is open, whatever happens to the task.
    func waitRegardless() async {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        await enter(id, unlessCancelled: false)
    }

    private func enter(_ id: Int, unlessCancelled: Bool) async {
        await withCheckedContinuation { continuation in
            // The look at the task's cancellation is inside the lock: a cancellation that comes later finds the waiter.
            let passes = state.withLock { state in
                if state.isOpen || (unlessCancelled && Task.isCancelled) { return true }
                state.waiters[id] = continuation
                return false
            }
            if passes { continuation.resume() }
        }
    }
}
