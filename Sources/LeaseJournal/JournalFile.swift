// An open journal: the connection, the keys, and which files they are.

import GRDB
import Leases

/// The files of a journal that is in use.
struct JournalFile: Sendable {
    let paths: JournalPaths
    let database: DatabaseQueue
    let ring: KeyRing
    /// The key that seals.
    private let key: SealingKey
    /// Which files the paths named when they were opened.
    private let identities: [String: FileIdentity]

    /// - Throws: ``Damage`` when a file is gone already.
    init(paths: JournalPaths, database: DatabaseQueue, ring: KeyRing) throws(Damage) {
        guard let key = ring.newest else { throw Damage("its key file has no key") }
        self.paths = paths
        self.database = database
        self.ring = ring
        self.key = key
        var identities: [String: FileIdentity] = [:]
        for path in [paths.database, paths.log, paths.keys] {
            guard let identity = Files.identity(path) else { throw Damage("\(path) is gone") }
            identities[path] = identity
        }
        self.identities = identities
    }

    /// Says which path does not name the file that was opened; `nil` when all do. What is written is durable only then.
    var stray: String? {
        for (path, identity) in identities {
            guard let now = Files.identity(path) else { return "\(path) was removed" }
            guard now == identity else { return "\(path) was replaced by another file" }
        }
        return nil
    }

    /// Closes the connection. What was written is durable without it, so a failure changes nothing.
    func close() { try? database.close() }

    /// Writes changes in one transaction.
    func apply(_ changes: [JournalChange], bootID: String, hook: CrashHook) throws {
        try database.write { db in
            for change in changes {
                switch change {
                case .put(let record): try LeaseRow(record, bootID: bootID).put(in: db, key: key)
                case .remove(let id): try LeaseRow.remove(id, in: db)
                }
            }
            hook(.insideTransaction)
        }
        WriteAheadLog.truncateIfLarge(database, paths: paths)
    }

    /// Puts records in the place of all that is there, in one transaction.
    func replaceAll(_ records: [LeaseRecord], bootID: String, hook: CrashHook) throws {
        try database.write { db in
            try db.execute(sql: "DELETE FROM lease")
            for record in records { try LeaseRow(record, bootID: bootID).put(in: db, key: key) }
            hook(.insideTransaction)
        }
        WriteAheadLog.truncateIfLarge(database, paths: paths)
    }

    /// Reads everything. A row that can't be read is moved, and the others are read all the same.
    func load(bootID: String, clock: LeaseClock) throws -> JournalContents {
        var contents = JournalContents()
        try database.write { db in
            let unreadable = try read(db, bootID: bootID, into: &contents)
            guard !unreadable.isEmpty else { return }
            let leases = try unreadable.compactMap { try $0.move(in: db, key: key, at: clock.wall.now) }
            contents = JournalContents(
                notices: [UnreadableRow.notice(unreadable, leases: leases, path: paths.database)]
            )
            _ = try read(db, bootID: bootID, into: &contents)
        }
        return contents
    }

    private func read(_ db: Database, bootID: String, into contents: inout JournalContents) throws -> [UnreadableRow] {
        var unreadable: [UnreadableRow] = []
        let rows = try Row.fetchCursor(db, sql: "SELECT * FROM lease ORDER BY sequence")
        while let row = try rows.next() {
            do {
                let lease = try LeaseRow(row, ring: ring)
                contents.records.append(lease.record)
                if lease.bootID != bootID { contents.isSameBoot = false }
            } catch {
                let sequence = Int64.fromDatabaseValue(row["sequence"]) ?? 0
                unreadable.append(UnreadableRow(sequence: sequence, reason: error.reason))
            }
        }
        return unreadable
    }
}
