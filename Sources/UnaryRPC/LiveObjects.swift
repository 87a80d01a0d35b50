// How many of the core's objects we hold: what a leak test compares.

import Synchronization

/// Counts of the core's objects that this process holds through this module.
package enum LiveObjects {
    static let serverCalls = Atomic<Int>(0)
    static let clientCalls = Atomic<Int>(0)
    static let buffers = Atomic<Int>(0)

    /// Calls that a server received, or waits for, and has not released.
    package static var serverCallCount: Int { serverCalls.load(ordering: .acquiring) }
    /// Calls that a client started and has not released.
    package static var clientCallCount: Int { clientCalls.load(ordering: .acquiring) }
    /// Messages that are in the core's memory.
    package static var bufferCount: Int { buffers.load(ordering: .acquiring) }
}
