// What SQLite and the system say, as the failures of a journal: what is wrong, where, and what to do.

import GRDB
import Leases

/// Translates errors. No error text of ours holds anything of a row.
struct JournalFailures: Sendable {
    let paths: JournalPaths
    let maxBytes: Int

    func failure(_ error: any Error) -> JournalFailure {
        switch error {
        case let failure as JournalFailure: failure
        case let failure as FileFailure where failure.isFull: full(failure.description)
        case let failure as FileFailure: unusable(failure.description)
        case let damage as Damage: lost(damage.reason)
        case let error as DatabaseError: failure(error)
        case let problem as RowProblem: unusable("a lease can't be written: \(problem.reason)")
        default: unusable("an error of the kind \(type(of: error))")
        }
    }

    /// The file is not the one that was opened, or can't be believed.
    func lost(_ reason: String) -> JournalFailure {
        JournalFailure(
            .lost,
            "the journal of leases \(paths.database) is lost: \(reason)",
            fix:
                "the daemon makes it anew with every lease that it knows; keep other programs away from \(paths.folder)"
        )
    }

    private func failure(_ error: DatabaseError) -> JournalFailure {
        switch error.resultCode {
        case .SQLITE_FULL: full(error.summary)
        case .SQLITE_IOERR where isOutOfSpace: full(error.summary)
        case .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_IOERR, .SQLITE_ERROR, .SQLITE_SCHEMA: lost(error.summary)
        case .SQLITE_READONLY where error.extendedResultCode == .SQLITE_READONLY_DBMOVED: lost(error.summary)
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            JournalFailure(
                .unusable,
                "another program holds SQLite's lock on the journal of leases \(paths.database)",
                fix: "end it (fuser \(paths.database) names it)"
            )
        default: unusable(error.summary)
        }
    }

    private func unusable(_ reason: String) -> JournalFailure {
        JournalFailure(
            .unusable,
            "the journal of leases \(paths.database) can't be used: \(reason)",
            fix: "the daemon needs to read and write everything in \(paths.folder)"
        )
    }

    /// Less than this is no room for a write.
    private static let tight: UInt64 = 256 << 10

    private var isOutOfSpace: Bool { Files.freeBytes(paths.folder).map { $0 < Self.tight } ?? false }

    private func full(_ reason: String) -> JournalFailure {
        let size = Files.size(paths.database) + Files.size(paths.log)
        guard let free = Files.freeBytes(paths.folder), free >= Self.tight else {
            return JournalFailure(
                .full,
                "no space is left for the journal of leases \(paths.database) (\(size) bytes): \(reason)",
                fix: "make room on the file system of \(paths.folder), or make it larger"
            )
        }
        return JournalFailure(
            .full,
            "the journal of leases \(paths.database) (\(size) bytes) is at its bound of \(maxBytes) bytes, or at a quota: "
                + reason,
            fix: "raise the journal's size, and look why so many leases are open"
        )
    }
}
