// Tests of files that an older daypass wrote.

import Foundation
import GRDB
import Leases
import Support
import Testing
import TokenStore

@testable import LeaseJournal

@Suite struct MigrationTests {
    /// Makes a file of the first schema, which knew no target path, with these leases.
    static func makeVersion1(_ scratch: JournalScratch, _ records: [LeaseRecord]) async throws {
        try await scratch.withJournal { try await $0.apply(records.map { .put($0) }) }
        try scratch.sql(
            """
            ALTER TABLE lease DROP COLUMN target_path;
            ALTER TABLE lease DROP COLUMN origin;
            DELETE FROM grdb_migrations WHERE identifier = 'v2';
            """
        )
        let old: Int? = try scratch.ask("SELECT count(*) FROM pragma_table_info('lease') WHERE name = 'target_path'")
        try #require(old == 0)
    }

    @Test func theFirstSchemaBecomesTheNewest() async throws {
        let scratch = try JournalScratch()
        let records = (1...10).map { SampleLeases.live($0) }
        try await Self.makeVersion1(scratch, records)
        let points = Box<[CrashPoint]>([])
        let contents = try await scratch.withJournal(hook: { point in points.update { $0.append(point) } }) { journal in
            let contents = try await journal.load()
            try await journal.apply([.put(records[3])])
            return contents
        }
        #expect(contents.notices == [])
        #expect(contents.records.map(\.id) == records.map(\.id))
        #expect(contents.records.map(\.token) == records.map(\.token))
        #expect(contents.records.allSatisfy { $0.targetPath.isEmpty })
        #expect(points.get().filter { $0 == .insideMigration }.count == 1)
        let next = try await scratch.reopened()
        #expect(next.records[3] == records[3])
    }

    @Test func theFirstSchemaIsWhatItsMigrationMakes() async throws {
        let made = try JournalScratch()
        try await Self.makeVersion1(made, [])
        let queue = try DatabaseQueue()
        try JournalSchema.migrator(hook: { _ in }).migrate(queue, upTo: "v1")
        let query = "SELECT group_concat(name || ' ' || type) FROM pragma_table_info('lease')"
        let expected = try await queue.read { try String.fetchOne($0, sql: query) }
        #expect(try made.ask(query) == expected)
    }

    @Test func aKillInsideAMigrationLeavesTheOldSchemaWhole() async throws {
        let scratch = try JournalScratch()
        let killed = try JournalScratch()
        let records = (1...10).map { SampleLeases.live($0) }
        try await Self.makeVersion1(scratch, records)
        try await scratch.withJournal(hook: { point in
            if point == .insideMigration { #expect(throws: Never.self) { try scratch.copy(to: killed) } }
        }) { _ in }
        let contents = try await killed.reopened()
        #expect(contents.records.map(\.token) == records.map(\.token))
        #expect(contents.notices == [])
    }
}
