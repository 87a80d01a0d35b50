// Blocking work in order, away from the threads that tasks share.

import Dispatch

/// A queue that does one thing after the other.
struct SerialQueue: Sendable {
    private let queue: DispatchQueue

    init(label: String) { queue = DispatchQueue(label: label) }

    /// Waits for what was begun before, does the work, and hands back what it returns.
    func run<Value: Sendable>(_ work: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            queue.async { continuation.resume(returning: work()) }
        }
    }
}
