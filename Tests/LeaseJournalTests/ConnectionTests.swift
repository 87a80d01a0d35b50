// Tests of the connection's settings: SQLite forgets most of them with each connection.

import GRDB
import Leases
import Testing

@testable import LeaseJournal

@Suite struct ConnectionTests {
    @Test(arguments: [
        ("journal_mode", "wal"), ("synchronous", "2"), ("secure_delete", "1"), ("auto_vacuum", "2"),
        ("temp_store", "2"), ("busy_timeout", "2000"), ("max_page_count", "64"), ("journal_size_limit", "2097152"),
        ("application_id", "1146113098"), ("page_size", "4096"),
    ])
    func theConnectionIsSetUp(pragma: String, value: String) async throws {
        let scratch = try JournalScratch()
        try await scratch.withJournal { _ in }
        let queue = try JournalDatabase(paths: scratch.paths, maxBytes: 256 << 10, hook: { _ in }).open()
        let found = try await queue.writeWithoutTransaction { db in
            try DatabaseValue.fetchOne(db, sql: "PRAGMA \(pragma)").map { String.fromDatabaseValue($0) ?? "\($0)" }
        }
        #expect(found == value)
        try queue.close()
    }

    /// Between two calls anybody may read and write: the journal holds no lock of SQLite's.
    @Test func noLockIsHeldBetweenCalls() async throws {
        let scratch = try JournalScratch()
        let journal = try await scratch.open()
        try await journal.apply([.put(SampleLeases.live(1))])
        #expect(try scratch.ask("SELECT count(*) FROM lease") == 1)
        try scratch.sql("BEGIN EXCLUSIVE; DELETE FROM lease; COMMIT")
        try await journal.apply([.put(SampleLeases.live(2))])
        let loaded = try await journal.load()
        #expect(loaded.records == [SampleLeases.live(2)])
        await journal.close()
    }

    /// One that another program holds ends the call with a failure that names it.
    @Test func aLockOfAnotherProgramIsTold() async throws {
        let scratch = try JournalScratch()
        let journal = try await scratch.open()
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        let other = try DatabaseQueue(path: scratch.paths.database, configuration: configuration)
        try await other.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE") }
        let failure = await caught { try await journal.apply([.put(SampleLeases.live(1))]) }
        #expect(failure?.code == .unusable)
        #expect(failure?.message.contains("another program holds SQLite's lock") == true)
        try await other.writeWithoutTransaction { try $0.execute(sql: "COMMIT") }
        try other.close()
        try await journal.apply([.put(SampleLeases.live(1))])
        await journal.close()
    }
}
