// The tables of the journal, and how older ones become them.

import GRDB
import Leases

/// The schema. Each version is a migration that is never changed again; GRDB's table `grdb_migrations` says which of
/// them a file has.
enum JournalSchema {
    /// What tells our file from another SQLite file: `DPLJ` in the header's application id
    /// (<https://www.sqlite.org/fileformat.html#application_id>).
    static let applicationID: Int32 = 0x4450_4C4A

    /// The migrations, in order. The hook is called inside each, before its commit.
    static func migrator(hook: @escaping CrashHook) -> DatabaseMigrator {
        var migrator = DatabaseMigrator().disablingDeferredForeignKeyChecks()
        migrator.registerMigration("v1", foreignKeyChecks: .immediate) { db in
            try db.execute(sql: v1)
            hook(.insideMigration)
        }
        // The daemon finds the ends of builds by the volume's directory too.
        migrator.registerMigration("v2", foreignKeyChecks: .immediate) { db in
            try db.execute(sql: "ALTER TABLE lease ADD COLUMN target_path TEXT NOT NULL DEFAULT ''")
            // A store may point elsewhere after a restart; its old tokens must not be sent there.
            try db.execute(sql: "ALTER TABLE lease ADD COLUMN origin TEXT NOT NULL DEFAULT ''")
            hook(.insideMigration)
        }
        return migrator
    }

    /// Times are decimal seconds: `_wall` since 1970 (UTC), `_steady` since the boot that `boot_id` names.
    private static let v1 = """
        CREATE TABLE lease (
            sequence INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            state TEXT NOT NULL,
            cause TEXT,
            store TEXT NOT NULL,
            scope TEXT NOT NULL,
            token TEXT NOT NULL,
            volume TEXT NOT NULL,
            key_pod_uid TEXT NOT NULL,
            namespace TEXT NOT NULL,
            service_account TEXT NOT NULL,
            pod_name TEXT NOT NULL,
            pod_uid TEXT NOT NULL,
            boot_id TEXT NOT NULL,
            intended_wall TEXT NOT NULL,
            intended_steady TEXT NOT NULL,
            issued_wall TEXT,
            issued_steady TEXT,
            life TEXT NOT NULL,
            refresh_after TEXT NOT NULL,
            ended_wall TEXT,
            ended_steady TEXT,
            sealed BLOB,
            sealed_by TEXT
        ) STRICT;
        CREATE TABLE unreadable (
            number INTEGER PRIMARY KEY,
            lease_id TEXT,
            contents TEXT NOT NULL,
            reason TEXT NOT NULL,
            moved_at TEXT NOT NULL
        ) STRICT;
        """
}
