// The SQLite connection: its settings, and the checks before anything is believed.

import GRDB
import Leases

/// The file is not one that can be used, and is set aside. The reason continues a sentence that names the file.
struct Damage: Error, Hashable {
    let reason: String

    init(_ reason: String) { self.reason = reason }
}

/// Opens the SQLite file.
struct JournalDatabase: Sendable {
    let paths: JournalPaths
    let maxBytes: Int
    let hook: CrashHook

    /// The size of SQLite's pages in new files.
    static let pageSize = 4096

    /// Says why the bytes at the path are no file of ours, before SQLite may write to them.
    ///
    /// The header's fields are those of <https://www.sqlite.org/fileformat.html#the_database_header>.
    func foreignReason() throws(FileFailure) -> String? {
        guard try Files.status(paths.database) != nil else { return nil }
        let header = try Files.read(paths.database, atMost: 100)
        if header.isEmpty { return nil }
        guard header.count == 100, header.starts(with: Array("SQLite format 3\0".utf8)) else {
            return "it is no SQLite file"
        }
        let application = header[68..<72].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        guard application == UInt32(JournalSchema.applicationID) else {
            return "it is the SQLite file of another program (application id \(application))"
        }
        return nil
    }

    /// Opens the file, or makes it, checks it, and brings its schema up to date.
    ///
    /// - Throws: ``Damage`` or a `DatabaseError` that means damage when the file can't be used.
    func open() throws -> DatabaseQueue {
        try Files.createPrivate(paths.database)
        let queue = try DatabaseQueue(path: paths.database, configuration: configuration)
        let migrator = JournalSchema.migrator(hook: hook)
        try queue.writeWithoutTransaction { db in
            try claim(db)
            guard try String.fetchOne(db, sql: "PRAGMA quick_check(1)") == "ok" else {
                throw Damage("SQLite finds it damaged")
            }
            guard try !migrator.hasBeenSuperseded(db) else { throw Damage("a newer daypass wrote it") }
            guard try String.fetchOne(db, sql: "PRAGMA journal_mode = WAL") == "wal" else {
                throw DatabaseError(resultCode: .SQLITE_CANTOPEN, message: "it can't have a write-ahead log")
            }
        }
        try migrator.migrate(queue)
        return queue
    }

    private var configuration: Configuration {
        var configuration = Configuration()
        configuration.label = "daypass.leases"
        configuration.foreignKeysEnabled = false
        configuration.busyMode = .timeout(2)
        let maxPages = max(maxBytes / Self.pageSize, 16)
        configuration.prepareDatabase { db in
            // What holds for this connection only; `auto_vacuum` is for a file that is still empty.
            try db.execute(
                sql: """
                    PRAGMA page_size = \(Self.pageSize);
                    PRAGMA auto_vacuum = INCREMENTAL;
                    PRAGMA synchronous = FULL;
                    PRAGMA secure_delete = ON;
                    PRAGMA temp_store = MEMORY;
                    PRAGMA trusted_schema = OFF;
                    PRAGMA journal_size_limit = \(WriteAheadLog.limit);
                    PRAGMA max_page_count = \(maxPages);
                    """
            )
        }
        return configuration
    }

    /// Marks an empty file as ours; refuses any other without the mark.
    private func claim(_ db: Database) throws {
        let application = try Int32.fetchOne(db, sql: "PRAGMA application_id") ?? 0
        if application == JournalSchema.applicationID { return }
        guard application == 0, try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master") == 0 else {
            throw Damage("it is the SQLite file of another program")
        }
        try db.execute(sql: "PRAGMA application_id = \(JournalSchema.applicationID)")
    }
}

extension DatabaseError {
    /// SQLite's name for the kind of failure and its own words; nothing of a statement or its arguments.
    var summary: String { "\(message ?? "no reason given"), code \(extendedResultCode.rawValue)" }

    /// Whether it says that the file's contents are not what they should be.
    var meansDamage: Bool {
        switch extendedResultCode {
        case .SQLITE_NOTADB, .SQLITE_CORRUPT, .SQLITE_ERROR, .SQLITE_FORMAT, .SQLITE_CONSTRAINT, .SQLITE_MISMATCH,
            .SQLITE_IOERR_SHORT_READ, .SQLITE_SCHEMA, .SQLITE_TOOBIG:
            true
        default: false
        }
    }
}
