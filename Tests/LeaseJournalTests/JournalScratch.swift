// A journal in a scratch folder on tmpfs, and what tests ask about its files.

import Foundation
import GRDB
import Leases
import Logging
import Support
import TokenStore
import TokenStoreTesting

@testable import LeaseJournal

/// A scratch folder for one test, which goes away with it.
final class JournalScratch: Sendable {
    let parent: String
    let log = CollectedLog()
    let wall = ManualClock()

    init(in place: String = "/dev/shm") throws {
        parent = "\(place)/daypass-journal-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: parent,
            withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o700]
        )
    }

    deinit { try? FileManager.default.removeItem(atPath: parent) }

    var folder: String { parent + "/run" }
    var paths: JournalPaths { JournalPaths(database: folder + "/leases.db") }
    var options: JournalOptions { JournalOptions(path: paths.database, lockWait: .zero) }
    var clock: LeaseClock {
        let wall = wall
        return LeaseClock(wall: wall, steady: { wall.elapsed }, sleep: { try await Task.sleep(for: $0) })
    }

    func open(
        _ options: JournalOptions? = nil,
        bootID: String = "boot-1",
        hook: @escaping CrashHook = { _ in }
    ) async throws -> SQLiteJournal {
        try await SQLiteJournal.open(
            options ?? self.options,
            clock: clock,
            bootID: bootID,
            hook: hook,
            logger: log.logger
        )
    }

    /// Opens, does something, and closes.
    func withJournal<Value>(
        hook: @escaping CrashHook = { _ in },
        _ body: (SQLiteJournal) async throws -> Value
    ) async throws -> Value {
        let journal = try await open(hook: hook)
        let value = try await body(journal)
        await journal.close()
        return value
    }

    /// What a new opening reads.
    func reopened() async throws -> JournalContents { try await withJournal { try await $0.load() } }

    /// The names in the journal's folder, in ascending order.
    var names: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
    }

    var setAside: [String] { names.filter { $0.contains(".set-aside-") } }

    /// All bytes of all files in the folder.
    var allBytes: Data { names.reduce(into: Data()) { $0 += contents("\(folder)/\($1)") } }

    func contents(_ path: String) -> Data { FileManager.default.contents(atPath: path) ?? Data() }

    func mode(_ path: String) throws -> Int {
        try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int ?? -1
    }

    func write(_ bytes: Data, to path: String) throws {
        try bytes.write(to: URL(filePath: path))
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
    }

    /// Copies the files as they are now, as a kill would leave them: without the lock and the shared memory.
    func copy(to other: JournalScratch) throws {
        try FileManager.default.createDirectory(
            atPath: other.folder,
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700]
        )
        for name in names where !name.hasSuffix(".lock") && !name.hasSuffix("-shm") {
            try FileManager.default.copyItem(atPath: "\(folder)/\(name)", toPath: "\(other.folder)/\(name)")
        }
    }

    /// Changes the closed file with plain SQL.
    func sql(_ statements: String) throws {
        let queue = try DatabaseQueue(path: paths.database)
        try queue.writeWithoutTransaction { try $0.execute(sql: statements) }
        try queue.close()
    }

    /// Asks the closed file.
    func ask<Value: DatabaseValueConvertible>(_ query: String) throws -> Value? {
        let queue = try DatabaseQueue(path: paths.database)
        defer { try? queue.close() }
        return try queue.read { try Value.fetchOne($0, sql: query) }
    }
}

/// The failure that a call ends with; `nil` when it succeeds.
func caught(_ work: () async throws -> Void) async -> JournalFailure? {
    do { try await work() } catch { return error as? JournalFailure }
    return nil
}
