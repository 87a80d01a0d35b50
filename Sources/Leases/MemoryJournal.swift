// A journal that forgets: for tests, where a new manager on the old journal plays a restart.

import Synchronization

/// A journal in memory. ``fail(_:)`` makes its writes fail.
package final class MemoryJournal: LeaseJournal {
    private struct State {
        var order: [LeaseID] = []
        var records: [LeaseID: LeaseRecord] = [:]
        var failure: JournalFailure?
        var writes = 0
    }

    private let state = Mutex(State())

    package init() {}

    /// What is in it, in the order of the first writes.
    package var records: [LeaseRecord] { state.withLock { state in state.order.compactMap { state.records[$0] } } }

    /// The number of writes that succeeded.
    package var writes: Int { state.withLock { $0.writes } }

    /// Makes every write fail until it is called with `nil`.
    package func fail(_ failure: JournalFailure?) { state.withLock { $0.failure = failure } }

    package func load() async throws(JournalFailure) -> JournalContents { JournalContents(records: records) }

    package func apply(_ changes: [JournalChange]) async throws(JournalFailure) { try write(changes, afresh: false) }

    package func replaceAll(_ records: [LeaseRecord]) async throws(JournalFailure) {
        try write(records.map { .put($0) }, afresh: true)
    }

    private func write(_ changes: [JournalChange], afresh: Bool) throws(JournalFailure) {
        let failure = state.withLock { state -> JournalFailure? in
            if let failure = state.failure { return failure }
            if afresh {
                state.order = []
                state.records = [:]
            }
            for change in changes {
                switch change {
                case .put(let record):
                    if state.records.updateValue(record, forKey: record.id) == nil { state.order.append(record.id) }
                case .remove(let id):
                    state.records[id] = nil
                    state.order.removeAll { $0 == id }
                }
            }
            state.writes += 1
            return nil
        }
        if let failure { throw failure }
    }
}
