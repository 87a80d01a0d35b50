// Rows that are not what was written: they are kept beside the others, and cost none of them.

import GRDB
import Leases
import TokenStore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A row that can't be read, by its place.
struct UnreadableRow: Sendable, Hashable {
    let sequence: Int64
    let reason: String
}

extension UnreadableRow {
    /// Copies a row as it is into the table `unreadable`. When only its token is beyond reach it stays as a lost lease,
    /// which is looked for at its source by its name; else it is removed from the leases.
    ///
    /// - Returns: the lease's id, if it has one.
    func move(in db: Database, key: SealingKey, at now: UTCInstant) throws -> LeaseID? {
        guard let row = try Row.fetchOne(db, sql: "SELECT * FROM lease WHERE sequence = ?", arguments: [sequence])
        else {
            return nil
        }
        let written = String.fromDatabaseValue(row["id"])
        try db.execute(
            sql: "INSERT INTO unreadable (lease_id, contents, reason, moved_at) VALUES (?, ?, ?, ?)",
            arguments: [written, try Self.contents(row), reason, now.rfc3339]
        )
        guard let lease = try? LeaseRow(withoutToken: row) else {
            try db.execute(sql: "DELETE FROM lease WHERE sequence = ?", arguments: [sequence])
            return written.flatMap(LeaseID.init(_:))
        }
        let record = lease.record
        let lost = LeaseRecord(
            id: record.id,
            key: record.key,
            subject: record.subject,
            targetPath: record.targetPath,
            intendedAt: record.intendedAt,
            state: .lost
        )
        try LeaseRow(lost, bootID: lease.bootID).put(in: db, key: key)
        return lost.id
    }

    /// All columns as JSON, the blob in hexadecimal digits: it is still sealed.
    private static func contents(_ row: Row) throws -> String {
        var columns: [String: String] = [:]
        for (column, value) in row where !value.isNull {
            columns[column] =
                switch value.storage {
                case .blob(let data): data.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
                case .string(let text): text
                case .int64(let number): String(number)
                case .double(let number): String(number)
                case .null: ""
                }
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(columns), as: UTF8.self)
    }

    /// What an operator is told of rows that were moved.
    static func notice(_ rows: [UnreadableRow], leases: [LeaseID], path: String) -> String {
        let reasons = Set(rows.map(\.reason)).sorted().joined(separator: "; ")
        let names = leases.prefix(5).map(\.description).joined(separator: ", ") + (leases.count > 5 ? ", ..." : "")
        return
            "\(rows.count) of the journal's leases could not be read (\(names.isEmpty ? "no id" : names)): \(reasons); "
            + "they are in the table \"unreadable\" of \(path), and their tokens end by themselves unless they are found"
    }
}
