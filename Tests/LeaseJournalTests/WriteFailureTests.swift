// Tests of a journal that can't be written: full, removed, replaced, damaged.

import Foundation
import GRDB
import Leases
import Support
import Testing
import TokenStore

@testable import LeaseJournal

@Suite struct WriteFailureTests {
    private static let many = (1...2000).map { SampleLeases.live($0) }

    @Test func itsOwnBoundIsFullAndWhatWasWrittenStays() async throws {
        let scratch = try JournalScratch()
        var options = scratch.options
        options.maxBytes = 256 << 10
        let journal = try await scratch.open(options)
        try await journal.apply(Self.many.prefix(20).map { .put($0) })
        let failure = await caught { try await journal.apply(Self.many.map { .put($0) }) }
        #expect(failure?.code == .full)
        #expect(failure?.message.contains("\(scratch.paths.database) (") == true)
        #expect(failure?.message.contains("its bound of 262144 bytes") == true)
        #expect(failure?.fix.contains("raise the journal's size") == true)
        let loaded = try await journal.load()
        #expect(loaded.records == Array(Self.many.prefix(20)))
        let again = await caught { try await journal.replaceAll(Self.many) }
        #expect(again?.code == .full)

        try await journal.replaceAll(Array(Self.many.prefix(30)))
        try await journal.apply([.remove(LeaseID(1))])
        await journal.close()
        #expect(Files.size(scratch.paths.database) <= options.maxBytes)
        let reopened = try await scratch.reopened()
        #expect(reopened == JournalContents(records: Array(Self.many[1..<30])))
    }

    /// A small tmpfs of its own, where the test may mount one.
    @Test func aFullFileSystemIsToldAndForgottenOnceThereIsRoom() async throws {
        let scratch = try JournalScratch()
        mkdir(scratch.folder, 0o700)
        let mounted = try await runProgram(
            "/usr/bin/mount",
            ["-t", "tmpfs", "-o", "size=600k,mode=0700", "daypass-test", scratch.folder]
        )
        guard mounted.code == 0 else {
            print("no tmpfs can be mounted here, so this was not tested: \(mounted.text)")
            return
        }
        let outcome = await Result { try await fillAndMend(scratch) }
        let unmounted = try await runProgram("/usr/bin/umount", [scratch.folder])
        #expect(unmounted.code == 0)
        try outcome.get()
    }

    private func fillAndMend(_ scratch: JournalScratch) async throws {
        let journal = try await scratch.open()
        try await journal.apply(Self.many.prefix(20).map { .put($0) })
        let filler = scratch.folder + "/filler"
        try scratch.write(Data(), to: filler)
        let handle = try FileHandle(forWritingTo: URL(filePath: filler))
        for size in [4096, 1] { while (try? handle.write(contentsOf: Data(count: size))) != nil {} }
        try handle.close()

        let failure = await caught { try await journal.apply(Self.many.prefix(500).map { .put($0) }) }
        #expect(failure?.code == .full)
        #expect(
            failure?.message.contains("no space is left for the journal of leases \(scratch.paths.database)") == true
        )
        #expect(failure?.fix.contains("make room on the file system of \(scratch.folder)") == true)
        let loaded = try await journal.load()
        #expect(loaded.records == Array(Self.many.prefix(20)))

        try FileManager.default.removeItem(atPath: filler)
        try await journal.apply([.put(Self.many[20])])
        await journal.close()
        let reopened = try await scratch.reopened()
        #expect(reopened == JournalContents(records: Array(Self.many.prefix(21))))
        #expect(scratch.setAside == [])
    }

    /// An opening that finds no room for a new key keeps the old one.
    @Test func anOpeningWithoutRoomKeepsTheOldKey() async throws {
        let scratch = try JournalScratch()
        mkdir(scratch.folder, 0o700)
        let mounted = try await runProgram(
            "/usr/bin/mount",
            ["-t", "tmpfs", "-o", "size=600k,nr_inodes=7,mode=0700", "daypass-test", scratch.folder]
        )
        guard mounted.code == 0 else {
            print("no tmpfs can be mounted here, so this was not tested: \(mounted.text)")
            return
        }
        let outcome = await Result {
            try await scratch.withJournal { try await $0.apply(Self.many.prefix(20).map { .put($0) }) }
            // The folder, the file, the key, the lock, the log and its shared memory: no inode is left for a new key.
            try scratch.write(Data(), to: scratch.folder + "/filler")
            let key = try scratch.ring()
            let contents = try await scratch.reopened()
            #expect(contents.records == Array(Self.many.prefix(20)))
            #expect(contents.notices.count == 1)
            #expect(contents.notices.first?.contains("was not changed") == true)
            #expect(try scratch.ring() == key)
        }
        let unmounted = try await runProgram("/usr/bin/umount", [scratch.folder])
        #expect(unmounted.code == 0)
        try outcome.get()
    }

    /// What another program may do to the files of an open journal.
    @Test(arguments: [
        ["leases.db"], ["leases.db-wal"], ["leases.db.key"], ["leases.db.lock"],
        ["leases.db", "leases.db-wal", "leases.db-shm", "leases.db.key", "leases.db.lock"],
    ])
    func removedFilesAreNoticedAndMadeAnew(names: [String]) async throws {
        let scratch = try JournalScratch()
        let journal = try await scratch.open()
        try await journal.apply(Self.many.prefix(5).map { .put($0) })
        for name in names { try FileManager.default.removeItem(atPath: "\(scratch.folder)/\(name)") }
        let failure = await caught { try await journal.apply([.put(Self.many[5])]) }
        #expect(failure?.code == .lost)
        #expect(failure?.message.contains("was removed") == true)

        try await journal.replaceAll(Array(Self.many.prefix(6)))
        try await journal.apply([.put(Self.many[6])])
        let second = await caught { _ = try await scratch.open() }
        #expect(second?.message.contains("another process holds the lock") == true)
        let key = journal.versionKey
        await journal.close()
        let (reopened, after) = try await scratch.withJournal { (try await $0.load(), $0.versionKey) }
        #expect(reopened == JournalContents(records: Array(Self.many.prefix(7))))
        #expect(after == key)
        #expect(scratch.log.text.contains("was opened anew"))
        #expect(scratch.setAside.isEmpty == (names.count == 5))
    }

    @Test func aWholeFolderThatIsGoneIsMadeAnew() async throws {
        let scratch = try JournalScratch()
        let journal = try await scratch.open()
        try await journal.apply([.put(Self.many[0])])
        try FileManager.default.removeItem(atPath: scratch.folder)
        let failure = await caught { try await journal.apply([.put(Self.many[1])]) }
        #expect(failure?.code == .lost)
        try await journal.replaceAll(Array(Self.many.prefix(2)))
        await journal.close()
        #expect(try scratch.mode(scratch.folder) == 0o700)
        let reopened = try await scratch.reopened()
        #expect(reopened == JournalContents(records: Array(Self.many.prefix(2))))
    }

    @Test func aReplacedFileIsSetAsideWithWhatIsInIt() async throws {
        let scratch = try JournalScratch()
        let journal = try await scratch.open()
        try await journal.apply(Self.many.prefix(5).map { .put($0) })
        try FileManager.default.removeItem(atPath: scratch.paths.database)
        try scratch.write(Data("not yours".utf8), to: scratch.paths.database)
        let failure = await caught { try await journal.apply([.put(Self.many[5])]) }
        #expect(failure?.code == .lost)
        #expect(failure?.message.contains("replaced by another file") == true)
        try await journal.replaceAll(Array(Self.many.prefix(6)))
        await journal.close()
        #expect(scratch.contents(scratch.folder + "/leases.db.set-aside-20260101T000000Z") == Data("not yours".utf8))
        #expect(scratch.log.text.contains("was set aside"))
        let reopened = try await scratch.reopened()
        #expect(reopened == JournalContents(records: Array(Self.many.prefix(6))))
    }

    /// SQLite believes the pages that it holds in memory, so there are more than it holds.
    @Test func aFileThatIsDamagedWhileItIsOpenIsSetAside() async throws {
        let scratch = try JournalScratch()
        let all = (1...5000).map { SampleLeases.live($0) }
        try await scratch.withJournal { try await $0.apply(all.map { .put($0) }) }
        let journal = try await scratch.open()
        let size = Files.size(scratch.paths.database)
        try #require(size > 3 << 20)
        // Overwrite all pages but the first in place, as a broken program or memory would.
        let handle = try FileHandle(forUpdating: URL(filePath: scratch.paths.database))
        try handle.seek(toOffset: 4096)
        try handle.write(contentsOf: Data(repeating: 0xFF, count: size - 4096))
        try handle.close()
        let failure = await caught {
            for number in stride(from: 0, to: all.count, by: 25) { try await journal.apply([.put(all[number])]) }
        }
        #expect(failure?.code == .lost)
        try await journal.replaceAll(Array(all.prefix(300)))
        await journal.close()
        #expect(!scratch.setAside.isEmpty)
        let reopened = try await scratch.reopened()
        #expect(reopened == JournalContents(records: Array(all.prefix(300))))
    }

    @Test func aFailureWhileItIsReopenedIsNotTheEnd() async throws {
        let scratch = try JournalScratch()
        let journal = try await scratch.open()
        try FileManager.default.removeItem(atPath: scratch.folder)
        // A file in the folder's place: nothing can be made there.
        try scratch.write(Data(), to: scratch.folder)
        let first = await caught { try await journal.replaceAll([Self.many[0]]) }
        #expect(first?.code == .unusable)
        let second = await caught { try await journal.apply([.put(Self.many[0])]) }
        #expect(second?.code == .lost)
        try FileManager.default.removeItem(atPath: scratch.folder)
        try await journal.replaceAll([Self.many[0]])
        let loaded = try await journal.load()
        #expect(loaded.records == [Self.many[0]])
        await journal.close()
    }

    @Test func noFailureShowsAnythingOfAToken() async throws {
        let scratch = try JournalScratch()
        var options = scratch.options
        options.maxBytes = 128 << 10
        let journal = try await scratch.open(options)
        var texts: [String] = []
        for change in [Self.many.map { JournalChange.put($0) }, [.put(Self.many[0])]] {
            if let failure = await caught({ try await journal.apply(change) }) { texts.append("\(failure)") }
            try? FileManager.default.removeItem(atPath: scratch.paths.keys)
        }
        #expect(texts.count == 2)
        var dumped = ""
        dump(journal, to: &dumped)
        for text in texts + [dumped, "\(journal)", String(reflecting: journal), scratch.log.text] {
            for mark in SampleLeases.marks { #expect(!text.contains(mark)) }
        }
        await journal.close()
    }
}

extension Result where Failure == any Error {
    fileprivate init(_ body: () async throws -> Success) async {
        do { self = .success(try await body()) } catch { self = .failure(error) }
    }
}
