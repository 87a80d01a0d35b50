// Hands a value on, so that nobody on the way keeps it alive.

import Synchronization

/// A value on its way to who owns it. A constant that a long scope captures would live as long as the scope.
final class HandOver<Value: Sendable>: Sendable {
    private let value: Mutex<Value?>

    init(_ value: Value) { self.value = Mutex(value) }

    /// Takes the value; `nil` when it was taken.
    func take() -> Value? {
        value.withLock { value in
            defer { value = nil }
            return value
        }
    }
}
