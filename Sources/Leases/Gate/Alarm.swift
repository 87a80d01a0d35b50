// A sleep that can be cut short.

import Synchronization

/// Lets one task sleep until it is rung for. A ring while nobody waits ends the next wait at once.
final class Alarm: Sendable {
    private struct State {
        var isRung = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    /// Wakes who waits, now or next.
    func ring() {
        let waiter = state.withLock { state in
            defer { state.waiter = nil }
            state.isRung = state.waiter == nil
            return state.waiter
        }
        waiter?.resume()
    }

    /// Waits for a ring, for a time at most, or for the end of the task.
    func wait(atMost time: Duration?, sleep: @escaping @Sendable (Duration) async throws -> Void) async {
        guard let time else { return await waitForRing() }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await sleep(max(.zero, time)) }
            group.addTask { await self.waitForRing() }
            await group.next()
            group.cancelAll()
        }
    }

    private func waitForRing() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isRung = state.withLock { state in
                    defer { state.isRung = false }
                    if !state.isRung { state.waiter = continuation }
                    return state.isRung
                }
                if isRung { continuation.resume() }
            }
        } onCancel: {
            ring()
        }
    }
}
