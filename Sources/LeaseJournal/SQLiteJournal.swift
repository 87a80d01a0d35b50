// placeholder until the real one arrives
package import Crypto
package import Leases

package final class SQLiteJournal: LeaseJournal {
    private let memory = MemoryJournal()
    package let versionKey = SymmetricKey(size: .bits256)
    package init() {}
    package func load() async throws(JournalFailure) -> JournalContents { try await memory.load() }
    package func apply(_ changes: [JournalChange]) async throws(JournalFailure) { try await memory.apply(changes) }
    package func replaceAll(_ records: [LeaseRecord]) async throws(JournalFailure) {
        try await memory.replaceAll(records)
    }
}
