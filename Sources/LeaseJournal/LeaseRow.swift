// A lease as a row of the journal.

import GRDB
import Leases
import TokenStore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Why a row is not what was written. It repeats nothing of the row.
struct RowProblem: Error, Hashable {
    let reason: String

    init(_ reason: String) { self.reason = reason }
}

/// A row: a record, and the boot that its steady times belong to.
struct LeaseRow {
    var record: LeaseRecord
    var bootID: String

    private static let columns = [
        "id", "state", "cause", "store", "scope", "token", "volume", "key_pod_uid", "namespace", "service_account",
        "pod_name", "pod_uid", "target_path", "origin", "boot_id", "intended_wall", "intended_steady", "issued_wall",
        "issued_steady", "life", "refresh_after", "ended_wall", "ended_steady", "sealed", "sealed_by",
    ]

    /// A row keeps its place (`sequence`) when it is written anew.
    private static let put = """
        INSERT INTO lease (\(columns.joined(separator: ", ")))
        VALUES (\(columns.map { _ in "?" }.joined(separator: ", ")))
        ON CONFLICT (id) DO UPDATE SET \(columns.dropFirst().map { "\($0) = excluded.\($0)" }.joined(separator: ", "))
        """

    /// Writes the row, in the place of one with its id.
    func put(in db: Database, key: SealingKey) throws {
        let sealed = try record.token.map { try SealedToken($0, of: record.id, key: key) }
        let text = EscapedText.escape
        let values: [(any DatabaseValueConvertible)?] = [
            record.id.description, record.state.rawValue, record.cause?.rawValue, text(record.key.store),
            try ScopeText(record.key.scope).json(), text(record.key.token), text(record.key.volume),
            text(record.key.podUID), text(record.subject.namespace), text(record.subject.serviceAccount),
            text(record.subject.podName), text(record.subject.podUID), text(record.targetPath), text(record.key.origin),
            bootID,
            record.intendedAt.wall.sinceEpoch.secondsText, record.intendedAt.steady.secondsText,
            record.issuedAt?.wall.sinceEpoch.secondsText, record.issuedAt?.steady.secondsText,
            record.life.secondsText, record.refreshAfter.secondsText,
            record.endedAt?.wall.sinceEpoch.secondsText, record.endedAt?.steady.secondsText,
            sealed?.bytes, sealed?.keyID,
        ]
        try db.cachedStatement(sql: Self.put).execute(arguments: StatementArguments(values))
    }

    static func remove(_ id: LeaseID, in db: Database) throws {
        try db.cachedStatement(sql: "DELETE FROM lease WHERE id = ?").execute(arguments: [id.description])
    }

    /// Reads a row.
    init(_ row: Row, ring: KeyRing) throws(RowProblem) {
        try self.init(withoutToken: row)
        record.token = try Self.sealed(row)?.opened(for: record.id, with: ring)
        guard record.token != nil || record.state == .intended || record.state == .lost else {
            throw RowProblem("its token is missing")
        }
    }

    /// Reads all but the token.
    init(withoutToken row: Row) throws(RowProblem) {
        let reader = RowReader(row: row)
        guard let id = LeaseID(try reader.text("id")) else { throw RowProblem("its id is none") }
        guard let scope = ScopeText(json: try reader.plainText("scope"))?.scope else {
            throw RowProblem("its scope is none")
        }
        guard let state = LeaseState(rawValue: try reader.text("state")) else {
            throw RowProblem("its state is unknown")
        }
        let cause = try reader.optionalText("cause")
        guard (cause == nil) == (cause.flatMap(RevocationCause.init(rawValue:)) == nil) else {
            throw RowProblem("its cause is unknown")
        }
        guard let intendedAt = try reader.moment("intended") else { throw RowProblem("its time is missing") }
        record = LeaseRecord(
            id: id,
            key: LeaseKey(
                podUID: try reader.text("key_pod_uid"),
                volume: try reader.text("volume"),
                token: try reader.text("token"),
                store: try reader.text("store"),
                origin: try reader.text("origin"),
                scope: scope
            ),
            subject: Subject(
                namespace: try reader.text("namespace"),
                serviceAccount: try reader.text("service_account"),
                podName: try reader.text("pod_name"),
                podUID: try reader.text("pod_uid")
            ),
            targetPath: try reader.text("target_path"),
            intendedAt: intendedAt,
            state: state,
            issuedAt: try reader.moment("issued"),
            life: try reader.duration("life"),
            refreshAfter: try reader.duration("refresh_after"),
            endedAt: try reader.moment("ended"),
            cause: cause.flatMap(RevocationCause.init(rawValue:))
        )
        bootID = try reader.text("boot_id")
    }

    init(_ record: LeaseRecord, bootID: String) {
        self.record = record
        self.bootID = bootID
    }

    /// The sealed token of a row; `nil` when it has none.
    static func sealed(_ row: Row) throws(RowProblem) -> SealedToken? {
        let bytes: DatabaseValue? = row["sealed"]
        guard let bytes, !bytes.isNull else { return nil }
        guard let data = Data.fromDatabaseValue(bytes),
            let keyID = try RowReader(row: row).optionalText("sealed_by")
        else { throw RowProblem("its token is no blob, or names no key") }
        return SealedToken(bytes: data, keyID: keyID)
    }
}
