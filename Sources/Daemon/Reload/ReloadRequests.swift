// Who wants the configuration read anew, and who waits for what comes of it.

import Leases
import Synchronization

/// Carries wishes for a reload to the task that reloads: from signals, from operators and from directories.
package final class ReloadRequests: Sendable {
    /// What was wished since it was looked last.
    struct Wishes: Sendable {
        /// A directory changed.
        var hasRung = false
        /// Somebody wants it now.
        var isAsked = false
        /// Those who wait for the outcome.
        var waiting: [CheckedContinuation<ReloadReport?, Never>] = []
    }

    private let state = Mutex<(wishes: Wishes, isClosed: Bool)>((Wishes(), false))
    let bell = Bell()

    package init() {}

    /// A directory changed.
    func ring() {
        state.withLock { $0.wishes.hasRung = true }
        bell.ring()
    }

    /// Wants a reload now, and does not wait for it.
    package func ask() {
        state.withLock { $0.wishes.isAsked = true }
        bell.ring()
    }

    /// Wants a reload now, and waits for what comes of it; `nil` when nobody reloads (any more).
    package func reload() async -> ReloadReport? {
        await withCheckedContinuation { continuation in
            let isClosed = state.withLock { state in
                if !state.isClosed {
                    state.wishes.isAsked = true
                    state.wishes.waiting.append(continuation)
                }
                return state.isClosed
            }
            if isClosed { continuation.resume(returning: nil) } else { bell.ring() }
        }
    }

    /// Takes what was wished so far.
    func take() -> Wishes {
        state.withLock { state in
            defer { state.wishes = Wishes() }
            return state.wishes
        }
    }

    /// Nobody reloads from now on: sends home who waits.
    func close() {
        let waiting = state.withLock { state in
            state.isClosed = true
            defer { state.wishes = Wishes() }
            return state.wishes.waiting
        }
        for continuation in waiting { continuation.resume(returning: nil) }
    }
}
