// The size of the journal's files: the log is emptied, and pages that hold nothing are given back.

import GRDB
import Leases

enum WriteAheadLog {
    /// The size in bytes at which the log is written into the file and emptied.
    static let limit = 2 << 20

    /// Empties the log once it is large. What is in the journal is durable without it, so a failure only waits for the
    /// next time.
    static func truncateIfLarge(_ database: DatabaseQueue, paths: JournalPaths) {
        guard Files.size(paths.log) > limit else { return }
        try? truncate(database)
    }

    static func truncate(_ database: DatabaseQueue) throws {
        try database.writeWithoutTransaction { db in _ = try db.checkpoint(.truncate) }
    }
}

enum Compaction {
    /// Gives back the pages that hold nothing, and empties the log. The hook is called before the commit.
    static func run(_ database: DatabaseQueue, hook: CrashHook) throws {
        try database.write { db in
            if try Int.fetchOne(db, sql: "PRAGMA freelist_count") ?? 0 > 0 {
                try db.execute(sql: "PRAGMA incremental_vacuum")
            }
            hook(.duringCompaction)
        }
        try WriteAheadLog.truncate(database)
    }
}
