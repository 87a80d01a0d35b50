// Tests of a kill at each crash point: the files as they are then are opened by a new journal.

import Foundation
import Leases
import Support
import Testing
import TokenStore

@testable import LeaseJournal

@Suite struct CrashCopyTests {
    private static let old = (1...10).map { SampleLeases.live($0) }

    /// Kills the opening of a journal with ten leases.
    @Test(arguments: [CrashPoint.afterNewKey, .afterResealing, .duringCompaction])
    func aKillWhileItIsOpenedLosesNothing(point: CrashPoint) async throws {
        let killed = try JournalScratch()
        let scratch = try JournalScratch()
        try await scratch.withJournal { journal in
            try await journal.apply((11...300).map { .put(SampleLeases.live($0)) })
            try await journal.apply(Self.old.map { .put($0) })
            try await journal.apply((11...300).map { .remove(LeaseID($0)) })
        }
        try await scratch.withJournal(hook: Self.copy(scratch, to: killed, at: point)) { _ in }
        let keys = try killed.ring().sealing.count
        #expect(keys == (point == .duringCompaction ? 1 : 2))
        let contents = try await killed.reopened()
        #expect(contents == JournalContents(records: Self.old))
        #expect(try killed.ring().sealing.count == 1)
    }

    @Test func aKillInsideATransactionLeavesAllOrNothing() async throws {
        let killed = try JournalScratch()
        let scratch = try JournalScratch()
        try await scratch.withJournal { try await $0.apply(Self.old.map { .put($0) }) }
        try await scratch.withJournal(hook: Self.copy(scratch, to: killed, at: .insideTransaction)) { journal in
            try await journal.apply([.put(SampleLeases.live(11)), .remove(LeaseID(1)), .put(SampleLeases.intended(2))])
        }
        let contents = try await killed.reopened()
        #expect(contents == JournalContents(records: Self.old))
        let finished = try await scratch.reopened()
        #expect(finished.records.map(\.id.value) == Array(2...11))
    }

    @Test func aKillAfterAWriteKeepsIt() async throws {
        let killed = try JournalScratch()
        let scratch = try JournalScratch()
        try await scratch.withJournal { journal in
            try await journal.apply(Self.old.map { .put($0) })
            try scratch.copy(to: killed)
        }
        // It was in the log only: nothing had closed the file.
        #expect(!killed.contents(killed.paths.log).isEmpty)
        let contents = try await killed.reopened()
        #expect(contents == JournalContents(records: Self.old))
    }

    @Test func aKillAfterSettingAsideBeginsAnewAndKeepsWhatLiesAside() async throws {
        let killed = try JournalScratch()
        let scratch = try JournalScratch()
        let key = try await scratch.withJournal { journal in
            try await journal.apply(Self.old.map { .put($0) })
            return journal.versionKey
        }
        try scratch.sql("INSERT INTO grdb_migrations VALUES ('v3')")
        try await scratch.withJournal(hook: Self.copy(scratch, to: killed, at: .afterSettingAside)) { _ in }
        let aside = killed.setAside
        #expect(aside.count == 2)
        let contents = try await killed.reopened()
        #expect(contents == JournalContents())
        #expect(killed.setAside == aside)
        let after = try await killed.withJournal { $0.versionKey }
        #expect(after == key)
    }

    /// Every file that a kill may leave of a journal that is made: nothing is lost, as nothing was there.
    @Test func aKillWhileItIsMadeLeavesSomethingThatOpens() async throws {
        for ending in ["", ".key", "-journal", ".key.new"] {
            let scratch = try JournalScratch()
            mkdir(scratch.folder, 0o700)
            if ending == ".key" {
                try KeyFile.write(.random(), to: scratch.paths.keys)
            } else {
                try scratch.write(Data(), to: scratch.paths.database + ending)
            }
            let contents = try await scratch.reopened()
            #expect(contents == JournalContents(), "\(ending)")
        }
    }

    private static func copy(
        _ scratch: JournalScratch,
        to killed: JournalScratch,
        at point: CrashPoint
    ) -> CrashHook {
        let isDone = Box(false)
        return { reached in
            guard reached == point, !isDone.get() else { return }
            isDone.set(true)
            #expect(throws: Never.self) { try scratch.copy(to: killed) }
        }
    }
}
