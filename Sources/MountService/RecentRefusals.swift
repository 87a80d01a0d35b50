// The last refusals of a node, for people. The log has them all.

package import Refusals
import Synchronization
package import TokenStore

/// Remembers the last refused Mounts. kubelet asks again and again for the same Pod: what is refused for the same reason
/// as before is counted.
package final class RecentRefusals: Sendable {
    /// Mounts that were refused for one reason.
    package struct Entry: Sendable, Hashable {
        /// When the first one was.
        package var firstAt: UTCInstant
        /// When the last one was.
        package var at: UTCInstant
        /// How many there were.
        package var count: Int
        package var refusal: Refusal
        /// Who asked, as the call says; `nil` when it could not be read. Not verified.
        package var claimed: Subject?
    }

    private let capacity: Int
    private let clock: any WallClock
    private let entries = Mutex<[Entry]>([])

    /// - Parameter capacity: how many different refusals are kept; the oldest go first.
    package init(capacity: Int = 100, clock: any WallClock = SystemClock()) {
        self.capacity = capacity
        self.clock = clock
    }

    /// The refusals, the latest first.
    package var latest: [Entry] { entries.withLock { $0.reversed() } }

    /// A call was refused.
    func add(_ refusal: Refusal, _ claimed: Subject?) {
        let now = clock.now
        entries.withLock { entries in
            var entry = Entry(firstAt: now, at: now, count: 1, refusal: refusal, claimed: claimed)
            // The newest is the likeliest one.
            let index = entries.lastIndex { old in
                old.refusal.reason == refusal.reason && old.claimed == claimed && old.refusal == refusal
            }
            if let index {
                entry.firstAt = entries[index].firstAt
                entry.count = entries[index].count + 1
                entries.remove(at: index)
            }
            entries.append(entry)
            if entries.count > capacity { entries.removeFirst(entries.count - capacity) }
        }
    }
}
