// The Pods that have ended, as far back as they are remembered. Pure.

import Leases

/// How Pods ended, so that a late event does not raise one from the dead. The oldest are forgotten.
struct EndedPods: Sendable {
    /// The most Pods that are remembered.
    static let limit = 1024

    private var ends: [String: PodEnd] = [:]
    private var order: [String] = []
    /// Where the oldest is in `order`; it is cut now and then, not at each step.
    private var oldest = 0

    var count: Int { ends.count }

    subscript(uid: String) -> PodEnd? { ends[uid] }

    mutating func add(_ uid: String, _ how: PodEnd) {
        guard ends[uid] == nil else { return }
        ends[uid] = how
        order.append(uid)
        guard ends.count > Self.limit else { return }
        ends[order[oldest]] = nil
        oldest += 1
        guard oldest >= Self.limit else { return }
        order.removeFirst(oldest)
        oldest = 0
    }
}
