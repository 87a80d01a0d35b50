// Where the journal is, and how large it may become.

/// The settings of a journal.
package struct JournalOptions: Sendable, Hashable {
    /// What the journal lies on.
    package enum Medium: String, Sendable, Hashable, CaseIterable {
        /// Memory: nothing of it is left after a reboot. Another kind of file system is refused.
        case tmpfs
        /// Any file system. Sealed tokens and their key stay on it after a reboot.
        case disk
    }

    /// The path of the SQLite file. Its folder is made when it is missing.
    package var path: String
    /// What the folder must lie on.
    package var medium: Medium
    /// The most bytes that the file may have; its write-ahead log comes on top, with a few MiB.
    package var maxBytes: Int
    /// How long the opening waits for another daemon to let go of the journal.
    package var lockWait: Duration

    package init(
        path: String = "/run/daypass/leases.db",
        medium: Medium = .tmpfs,
        maxBytes: Int = 64 << 20,
        lockWait: Duration = .seconds(30)
    ) {
        self.path = path
        self.medium = medium
        self.maxBytes = maxBytes
        self.lockWait = lockWait
    }
}

/// The files of a journal.
struct JournalPaths: Sendable, Hashable {
    /// The SQLite file.
    let database: String

    /// The folder that they are in.
    var folder: String {
        guard let slash = database.lastIndex(of: "/") else { return "." }
        return slash == database.startIndex ? "/" : String(database[..<slash])
    }

    /// The SQLite file's name in the folder.
    var name: String { database.split(separator: "/").last.map(String.init) ?? database }

    var log: String { database + "-wal" }
    var sharedMemory: String { database + "-shm" }
    /// SQLite's rollback journal; it is there only while the file is made.
    var rollback: String { database + "-journal" }
    var keys: String { database + ".key" }
    var lock: String { database + ".lock" }

    /// All that belongs to the database, the file itself first. The lock belongs to the place.
    var all: [String] { [database, log, sharedMemory, rollback, keys] }
}
