// Tests of where the journal may lie, and of its files' modes.

import Foundation
import Leases
import Support
import Testing

@testable import LeaseJournal

@Suite struct PlaceTests {
    @Test func theFilesAreForTheirOwnerOnly() async throws {
        let scratch = try JournalScratch()
        let journal = try await scratch.open()
        try await journal.apply([.put(SampleLeases.live(1))])
        #expect(try scratch.mode(scratch.folder) == 0o700)
        #expect(
            scratch.names == ["leases.db", "leases.db-shm", "leases.db-wal", "leases.db.key", "leases.db.lock"]
        )
        for name in scratch.names {
            #expect(try scratch.mode("\(scratch.folder)/\(name)") == 0o600, "\(name)")
        }
        await journal.close()
    }

    @Test func widerModesAreNarrowedAndTold() async throws {
        let scratch = try JournalScratch()
        try await scratch.withJournal { try await $0.apply([.put(SampleLeases.live(1))]) }
        for path in [scratch.paths.database, scratch.paths.keys] { chmod(path, 0o644) }
        let contents = try await scratch.reopened()
        #expect(contents.records.count == 1)
        #expect(contents.notices.count == 2)
        #expect(contents.notices.allSatisfy { $0.contains("0644") && $0.contains("0600") })
        #expect(try scratch.mode(scratch.paths.database) == 0o600)
        #expect(try scratch.mode(scratch.paths.keys) == 0o600)
    }

    @Test(arguments: [0o777, 0o720, 0o702, 0o1777])
    func aFolderThatOthersWriteToIsRefused(mode: Int) async throws {
        let scratch = try JournalScratch()
        mkdir(scratch.folder, 0o700)
        chmod(scratch.folder, mode_t(mode))
        let failure = await caught { _ = try await scratch.open() }
        #expect(failure?.code == .unusable)
        #expect(failure?.message.contains("others may write to the journal's folder \(scratch.folder)") == true)
        #expect(scratch.names == [])
    }

    @Test func aDiskIsRefusedUnlessItIsSaid() async throws {
        let scratch = try JournalScratch(in: "/var/tmp")
        guard FileSystemKind.inMemory.isDisjoint(with: [try kind(of: scratch.parent)]) else { return }
        let failure = await caught { _ = try await scratch.open() }
        #expect(failure?.code == .unusable)
        #expect(failure?.message.contains("is not on tmpfs") == true)
        #expect(failure?.fix.contains("set the medium to disk") == true)

        var options = scratch.options
        options.medium = .disk
        let journal = try await scratch.open(options)
        try await journal.apply([.put(SampleLeases.live(1))])
        let loaded = try await journal.load()
        #expect(loaded.records.count == 1)
        await journal.close()
    }

    private func kind(of path: String) throws -> String {
        let device = try #require(Files.identity(path)).device
        return try FileSystemKind.find(device: device) ?? "unknown"
    }

    @Test(arguments: ["", "-wal", "-shm", "-journal", ".key", ".lock"])
    func symbolicLinksAreRefused(ending: String) async throws {
        let scratch = try JournalScratch()
        mkdir(scratch.folder, 0o700)
        let target = scratch.parent + "/elsewhere"
        try Data("keep".utf8).write(to: URL(filePath: target))
        symlink(target, scratch.paths.database + ending)
        let failure = await caught { _ = try await scratch.open() }
        #expect(failure?.code == .unusable)
        #expect(failure?.message.contains("leases.db\(ending) is a symbolic link") == true)
        #expect(scratch.contents(target) == Data("keep".utf8))
    }

    @Test func aFolderInTheFilesPlaceIsRefused() async throws {
        let scratch = try JournalScratch()
        mkdir(scratch.folder, 0o700)
        mkdir(scratch.paths.database, 0o700)
        let failure = await caught { _ = try await scratch.open() }
        #expect(failure?.code == .unusable)
        #expect(failure?.message.contains("is no file") == true)
    }

    @Test func aMissingParentIsToldWithItsPath() async throws {
        let scratch = try JournalScratch()
        let failure = await caught {
            _ = try await scratch.open(JournalOptions(path: scratch.parent + "/no/such/leases.db"))
        }
        #expect(failure?.code == .unusable)
        #expect(failure?.message.contains("\(scratch.parent)/no/such: No such file or directory") == true)
    }

    @Test func aSecondOpenerIsRefusedAndTheFirstGoesOn() async throws {
        let scratch = try JournalScratch()
        let first = try await scratch.open()
        let failure = await caught { _ = try await scratch.open() }
        #expect(failure?.code == .busy)
        #expect(
            failure?.message.contains("another process holds the lock of the journal, \(scratch.paths.lock)") == true
        )
        try await first.apply([.put(SampleLeases.live(1))])
        await first.close()
        let contents = try await scratch.reopened()
        #expect(contents.records.count == 1)
    }

    @Test func aSecondOpenerWaitsForTheFirst() async throws {
        let scratch = try JournalScratch()
        let first = try await scratch.open()
        try await first.apply([.put(SampleLeases.live(1))])
        var options = scratch.options
        options.lockWait = .seconds(300)
        let waiting = options
        async let second = scratch.open(waiting)
        try await Task.sleep(for: .milliseconds(250))
        try await first.apply([.put(SampleLeases.live(2))])
        await first.close()
        let contents = try await second.load()
        #expect(contents.records.count == 2)
        try await second.close()
    }
}
