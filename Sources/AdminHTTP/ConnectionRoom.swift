// The connections that are open, and which of them makes room for a new one.

import Glibc
import Synchronization

/// Counts connections, and shuts the oldest ones down when there are too many.
///
/// A descriptor is in here from its acceptance until just before it is closed, so that none is shut down whose number
/// already belongs to somebody else.
final class ConnectionRoom: Sendable {
    private struct State {
        var open: [(id: UInt64, descriptor: Int32)] = []
        var leaving: Set<UInt64> = []
        var lastID: UInt64 = 0
        var evicted = 0
    }

    private let limit: Int
    private let state = Mutex(State())

    init(limit: Int) { self.limit = limit }

    /// How many connections were closed for a newer one so far.
    var evictedCount: Int { state.withLock { $0.evicted } }

    /// How many are open.
    var count: Int { state.withLock { $0.open.count } }

    /// Takes a connection in. Those that were asked to leave still count for twice the limit.
    ///
    /// - Returns: its number; `nil` when there is no room for it whatever leaves.
    func enter(_ descriptor: Int32) -> UInt64? {
        state.withLock { state in
            guard state.open.count < limit * 2 else { return nil }
            if state.open.count - state.leaving.count >= limit,
                let oldest = state.open.first(where: { !state.leaving.contains($0.id) })
            {
                state.leaving.insert(oldest.id)
                state.evicted += 1
                // Its reads and writes end at once.
                shutdown(oldest.descriptor, Int32(SHUT_RDWR))
            }
            state.lastID += 1
            state.open.append((state.lastID, descriptor))
            return state.lastID
        }
    }

    /// Lets a connection go; its descriptor may be closed then.
    func leave(_ id: UInt64) {
        state.withLock { state in
            state.open.removeAll { $0.id == id }
            state.leaving.remove(id)
        }
    }
}
