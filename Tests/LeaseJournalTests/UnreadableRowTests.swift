// Tests of single rows that can't be read: the others are read all the same.

import Foundation
import Leases
import Support
import Testing
import TokenStore

@testable import LeaseJournal

@Suite struct UnreadableRowTests {
    private static let second = "WHERE id = '0000000000000002'"

    /// Rows of which only the token is beyond reach.
    @Test(arguments: [
        "sealed = zeroblob(80)", "sealed = x'00'", "sealed = x''", "sealed = NULL", "sealed_by = NULL",
        "sealed_by = '1234567812345678'", "sealed = (SELECT sealed FROM lease WHERE id = '0000000000000001')",
    ])
    func aTokenThatDoesNotOpenLeavesALostLease(change: String) async throws {
        let (scratch, contents) = try await damaged("UPDATE lease SET \(change) \(Self.second)")
        let lost = LeaseRecord(
            id: LeaseID(2),
            key: SampleLeases.live(2).key,
            subject: SampleLeases.live(2).subject,
            targetPath: SampleLeases.live(2).targetPath,
            intendedAt: SampleLeases.live(2).intendedAt,
            state: .lost
        )
        #expect(contents.records == [SampleLeases.live(1), lost, SampleLeases.live(3)])
        try expectKept(scratch, contents)
    }

    /// Rows that say nothing for certain.
    @Test(arguments: [
        "state = 'asleep'", "cause = 'whim'", "scope = '{'", "scope = '[]'", "intended_wall = 'noon'",
        "intended_steady = ''", "issued_wall = NULL", "life = '1h'", "token = 'a\\x'", "id = 'two'",
    ])
    func aRowThatCanNotBeReadIsKeptAside(change: String) async throws {
        let (scratch, contents) = try await damaged("UPDATE lease SET \(change) \(Self.second)")
        #expect(contents.records == [SampleLeases.live(1), SampleLeases.live(3)])
        try expectKept(scratch, contents)
    }

    /// Three leases of which the second is damaged, as a new opening reads them.
    private func damaged(_ sql: String) async throws -> (JournalScratch, JournalContents) {
        let scratch = try JournalScratch()
        try await scratch.withJournal { journal in
            try await journal.apply((1...3).map { .put(SampleLeases.live($0)) })
        }
        try scratch.sql(sql)
        return (scratch, try await scratch.reopened())
    }

    private func expectKept(_ scratch: JournalScratch, _ contents: JournalContents) throws {
        try #require(contents.notices.count == 1)
        #expect(contents.notices[0].contains("1 of the journal's leases could not be read"))
        #expect(contents.notices[0].contains("the table \"unreadable\" of \(scratch.paths.database)"))
        #expect(scratch.setAside == [])
        #expect(try scratch.ask("SELECT count(*) FROM unreadable") == 1)
        let kept: String = try #require(try scratch.ask("SELECT contents FROM unreadable"))
        #expect(kept.contains("our-org/repo-2") || kept.contains("\"scope\""))
        #expect(!scratch.allBytes.contains("SECRET-MARK"))
    }

    @Test func aRowThatIsDamagedWhileItIsOpenIsFoundByALoad() async throws {
        let scratch = try JournalScratch()
        let journal = try await scratch.open()
        try await journal.apply((1...3).map { .put(SampleLeases.live($0)) })
        try scratch.sql("UPDATE lease SET sealed = x'00' \(Self.second)")
        let contents = try await journal.load()
        #expect(contents.records.map(\.state) == [.live, .lost, .live])
        #expect(contents.notices.count == 1)
        let again = try await journal.load()
        #expect(again == contents)
        await journal.close()
    }

    @Test func manyAreToldInOneLine() async throws {
        let scratch = try JournalScratch()
        try await scratch.withJournal { journal in
            try await journal.apply((1...30).map { .put(SampleLeases.live($0)) })
        }
        try scratch.sql("UPDATE lease SET sealed = x'00' WHERE id > '0000000000000002'")
        let contents = try await scratch.reopened()
        #expect(contents.records.count == 30)
        #expect(contents.notices.count == 1)
        #expect(contents.notices[0].contains("28 of the journal's leases"))
        #expect(contents.notices[0].utf8.count < 600)
    }
}
