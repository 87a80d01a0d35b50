// A new key for the tokens, each time the journal is opened.

import GRDB
import Leases
import TokenStore

/// The change of keys: the new key joins the old one in the key file, all rows are sealed anew in one transaction, the
/// old key goes. A kill anywhere leaves rows that the keys in the file open, and the next opening goes on.
struct Resealing {
    let paths: JournalPaths
    let hook: CrashHook
    let now: UTCInstant

    /// Changes the keys.
    ///
    /// - Returns: the ring that is in the file now, and what an operator should know. When there is no room for the
    ///   change the old key stays in use.
    /// - Throws: ``Damage`` when no row opens with the keys.
    func run(_ database: DatabaseQueue, ring old: KeyRing) throws -> (ring: KeyRing, notices: [String]) {
        let ring = old.withNewKey()
        if let reason = try write(ring) { return (old, [postponed(reason)]) }
        hook(.afterNewKey)
        var notices: [String] = []
        do {
            if let notice = try reseal(database, ring: ring) { notices.append(notice) }
        } catch let error as DatabaseError where error.resultCode == .SQLITE_FULL {
            return (ring, [postponed(error.summary)])
        }
        hook(.afterResealing)
        if let reason = try write(ring.withoutOldKeys()) { return (ring, notices + [postponed(reason)]) }
        return (ring.withoutOldKeys(), notices)
    }

    /// Writes the key file. Returns why there is no room for it; `nil` when it is written.
    private func write(_ ring: KeyRing) throws(FileFailure) -> String? {
        do { try KeyFile.write(ring, to: paths.keys) } catch {
            guard error.isFull else { throw error }
            return error.description
        }
        return nil
    }

    private func reseal(_ database: DatabaseQueue, ring: KeyRing) throws -> String? {
        guard let key = ring.newest else { throw Damage("its key file has no key") }
        return try database.write { db in
            let rows = try Row.fetchAll(
                db,
                sql: "SELECT sequence, id, sealed, sealed_by FROM lease WHERE sealed NOT NULL"
            )
            let update = try db.makeStatement(sql: "UPDATE lease SET sealed = ?, sealed_by = ? WHERE sequence = ?")
            var unreadable: [UnreadableRow] = []
            for row in rows {
                let sequence = Int64.fromDatabaseValue(row["sequence"]) ?? 0
                do {
                    guard let id = LeaseID(try RowReader(row: row).text("id")) else {
                        throw RowProblem("its id is none")
                    }
                    let sealed = try LeaseRow.sealed(row)?.resealed(for: id, from: ring, to: key)
                    try update.execute(arguments: [sealed?.bytes, sealed?.keyID, sequence])
                } catch let problem as RowProblem {
                    unreadable.append(UnreadableRow(sequence: sequence, reason: problem.reason))
                }
            }
            guard rows.isEmpty || unreadable.count < rows.count else {
                throw Damage("none of its tokens opens with its key file (\(unreadable.first?.reason ?? ""))")
            }
            let leases = try unreadable.compactMap { try $0.move(in: db, key: key, at: now) }
            return unreadable.isEmpty ? nil : UnreadableRow.notice(unreadable, leases: leases, path: paths.database)
        }
    }

    private func postponed(_ reason: String) -> String {
        "the key of the journal \(paths.database) was not changed: \(reason); it is changed at the next start, once "
            + "there is room"
    }
}
