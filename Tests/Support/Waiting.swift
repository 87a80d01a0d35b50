// Waiting for a condition, and a value that tasks of a test share.

import Synchronization

/// Waits until a condition holds; gives up after a limit that is generous enough for a machine under load.
package func until(limit: Duration = .seconds(60), _ condition: () -> Bool) async {
    let end = ContinuousClock.now + limit
    while !condition(), ContinuousClock.now < end { try? await Task.sleep(for: .milliseconds(1)) }
}

/// A value that several tasks read and write.
package final class Box<Value: Sendable>: Sendable {
    private let value: Mutex<Value>

    package init(_ value: Value) { self.value = Mutex(value) }

    /// The value as it is now.
    package func get() -> Value { value.withLock { $0 } }
    /// Sets the value.
    package func set(_ new: Value) { value.withLock { $0 = new } }
    /// Changes the value.
    package func update(_ change: (inout sending Value) -> Void) { value.withLock { change(&$0) } }
}
