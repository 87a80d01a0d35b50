// A door before an operation of the forge, which a test opens when it has seen what it wanted to see.

import Synchronization

/// Holds requests up until it is opened. Unlike a pause it depends on no clock.
package final class ForgeGate: Sendable {
    private let state = Mutex((arrivals: 0, isOpen: false))

    package init() {}

    /// How many requests came to the gate so far.
    package var arrivals: Int { state.withLock { $0.arrivals } }

    /// Lets those who wait go on, and all who come later.
    package func open() { state.withLock { $0.isOpen = true } }

    /// Waits until the gate is open, or the server ends.
    func pass() async {
        state.withLock { $0.arrivals += 1 }
        while !state.withLock({ $0.isOpen }), !Task.isCancelled { try? await Task.sleep(for: .milliseconds(5)) }
    }
}
