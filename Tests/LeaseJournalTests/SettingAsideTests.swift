// Tests of files that can't be used: they get another name, and the journal begins anew.

import Foundation
import GRDB
import Leases
import Support
import Testing
import TokenStore

@testable import LeaseJournal

@Suite struct SettingAsideTests {
    /// A way in which a journal can be damaged while nobody has it open.
    struct Damage: Sendable, CustomTestStringConvertible {
        let testDescription: String
        /// What the notice says of it.
        let reason: String
        let apply: @Sendable (JournalScratch) throws -> Void

        init(_ description: String, _ reason: String, _ apply: @escaping @Sendable (JournalScratch) throws -> Void) {
            testDescription = description
            self.reason = reason
            self.apply = apply
        }
    }

    static let damages: [Damage] = [
        Damage("text", "is no SQLite file") { try $0.write(Data("hello".utf8), to: $0.paths.database) },
        Damage("random bytes", "is no SQLite file") {
            try $0.write(Data((0..<9000).map { UInt8(truncatingIfNeeded: $0 &* 31) }), to: $0.paths.database)
        },
        Damage("a header and nothing else", "SQLite") { scratch in
            try scratch.write(scratch.contents(scratch.paths.database).prefix(100), to: scratch.paths.database)
        },
        Damage("cut in half", "SQLite") { scratch in
            let whole = scratch.contents(scratch.paths.database)
            try scratch.write(whole.prefix(whole.count / 2), to: scratch.paths.database)
        },
        Damage("pages of zeros", "SQLite") { scratch in
            var bytes = scratch.contents(scratch.paths.database)
            bytes.replaceSubrange(4096..., with: Data(count: bytes.count - 4096))
            try scratch.write(bytes, to: scratch.paths.database)
        },
        Damage("another program's file", "another program") { try $0.sql("PRAGMA application_id = 77") },
        Damage("a file without a mark", "another program") { try $0.sql("PRAGMA application_id = 0") },
        Damage("a newer schema", "a newer daypass wrote it") {
            try $0.sql("INSERT INTO grdb_migrations VALUES ('v3')")
        },
        Damage("no table of leases", "SQLite") { try $0.sql("DROP TABLE lease") },
        Damage("a key file that is missing", "leases.db.key is missing") {
            try FileManager.default.removeItem(atPath: $0.paths.keys)
        },
        Damage("a key file that is empty", "leases.db.key is damaged: it is empty") {
            try $0.write(Data(), to: $0.paths.keys)
        },
        Damage("a key file of another journal", "none of its tokens opens with its key file") {
            try KeyFile.write(.random(), to: $0.paths.keys)
        },
        Damage("a log without its file", "its write-ahead log is there, and the file itself is not") {
            try FileManager.default.removeItem(atPath: $0.paths.database)
            try $0.write(Data(count: 5000), to: $0.paths.log)
        },
    ]

    @Test(arguments: damages)
    func whatCanNotBeUsedIsSetAside(damage: Damage) async throws {
        let scratch = try JournalScratch()
        try await scratch.withJournal { journal in
            try await journal.apply((1...40).map { .put(SampleLeases.live($0)) })
        }
        try damage.apply(scratch)
        let file = scratch.contents(scratch.paths.database)
        let keys = scratch.contents(scratch.paths.keys)
        let log = scratch.contents(scratch.paths.log)
        let points = Box<[CrashPoint]>([])

        let journal = try await scratch.open(hook: { point in points.update { $0.append(point) } })
        let contents = try await journal.load()
        #expect(contents.records == [])
        let aside = scratch.folder + "/leases.db.set-aside-20260101T000000Z"
        try #require(contents.notices.count == 1)
        #expect(contents.notices[0].contains(damage.reason))
        #expect(contents.notices[0].contains("set aside as \(aside)"))
        #expect(!contents.notices[0].contains("\n"))
        #expect(points.get().filter { $0 == .afterSettingAside }.count == 1)
        // What was there is there still, byte for byte; a header that lies may have been read, and no more.
        #expect(scratch.contents(aside).count == file.count)
        if damage.reason.contains("program") || damage.reason.contains("is no SQLite") {
            #expect(scratch.contents(aside) == file)
        }
        #expect(scratch.contents(aside + "-wal") == log || file.count > 0)
        if damage.testDescription != "a key file of another journal" {
            #expect(scratch.contents(aside + ".key") == keys || scratch.contents(aside + ".key").count >= keys.count)
        }

        try await journal.apply([.put(SampleLeases.live(77))])
        await journal.close()
        let next = try await scratch.reopened()
        #expect(next == JournalContents(records: [SampleLeases.live(77)]))
    }

    @Test func whatIsSetAsideStillOpensWithItsKeys() async throws {
        let scratch = try JournalScratch()
        let records = (1...5).map { SampleLeases.live($0) }
        try await scratch.withJournal { try await $0.apply(records.map { .put($0) }) }
        try scratch.sql("INSERT INTO grdb_migrations VALUES ('v3')")
        _ = try await scratch.reopened()
        _ = try await scratch.reopened()

        // An upgrade again: the file comes back, as an operator would rename it.
        for name in scratch.setAside {
            let home = name.replacing("leases.db.set-aside-20260101T000000Z", with: "leases.db")
            #expect(rename("\(scratch.folder)/\(name)", "\(scratch.folder)/\(home)") == 0)
        }
        try scratch.sql("DELETE FROM grdb_migrations WHERE identifier = 'v3'")
        let contents = try await scratch.reopened()
        #expect(contents == JournalContents(records: records))
    }

    @Test func theVersionKeySurvivesWhenItsFileDoes() async throws {
        let scratch = try JournalScratch()
        let before = try await scratch.withJournal { $0.versionKey }
        try scratch.write(Data("rubbish".utf8), to: scratch.paths.database)
        let after = try await scratch.withJournal { $0.versionKey }
        #expect(before == after)
        try scratch.write(Data("rubbish".utf8), to: scratch.paths.keys)
        let new = try await scratch.withJournal { $0.versionKey }
        #expect(new != before)
    }

    @Test func namesAreNeverTakenTwiceAndTooManyAreTold() async throws {
        let scratch = try JournalScratch()
        var last = ""
        for number in 1...7 {
            if number > 1 { try scratch.write(Data("damage \(number)".utf8), to: scratch.paths.database) }
            last = try await scratch.reopened().notices.joined()
        }
        #expect(scratch.setAside.filter { !$0.hasSuffix(".key") }.count == 6)
        #expect(scratch.setAside.contains("leases.db.set-aside-20260101T000000Z-6"))
        #expect(last.contains("6 journals are set aside in \(scratch.folder)"))
        #expect(scratch.contents(scratch.folder + "/leases.db.set-aside-20260101T000000Z-6") == Data("damage 7".utf8))
    }

    @Test func someoneElsesFileIsNotWrittenTo() async throws {
        let scratch = try JournalScratch()
        mkdir(scratch.folder, 0o700)
        let other = try DatabaseQueue(path: scratch.paths.database)
        try await other.write { try $0.execute(sql: "CREATE TABLE theirs (a); INSERT INTO theirs VALUES (1)") }
        try other.close()
        chmod(scratch.paths.database, 0o600)
        let theirs = scratch.contents(scratch.paths.database)
        let contents = try await scratch.reopened()
        #expect(contents.records == [] && contents.notices.count == 1)
        #expect(scratch.contents(scratch.folder + "/" + (scratch.setAside.first ?? "")) == theirs)
    }
}
