// What an operator may ask the leases beside their counts.

import Synchronization

extension LeaseManager {
    /// How the gate before a store stands.
    package func gate(_ store: String) -> StoreGateStatus { parts.gates.status(store: store) }

    /// Why the journal does not hold what the memory holds; `nil` when it does. It is tried again by itself.
    package var journalFailure: JournalFailure? { state.withLock { $0.queue.failure } }
}
