// What becomes of leases, in the log. Never a token, a handle's secret or a source's own words.

import LogEvents
import Logging
import TokenStore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Writes the log lines of leases.
struct LeaseLog: Sendable {
    let logger: Logger

    /// A token was minted. `hashed_token` is the form of GitHub's audit log, so that the two can be joined.
    func minted(_ record: LeaseRecord, _ token: IssuedToken, _ ask: LeaseAsk, isRefresh: Bool) {
        logger.log(
            .tokenMinted,
            "token minted",
            metadata: metadata(
                record,
                [
                    "cause": isRefresh ? "refresh" : "mount", "grant": "\(ask.grant)",
                    "narrowed": "\(ask.narrowed)",
                    "expires": "\(token.expiresAt?.rfc3339 ?? "unknown")",
                    "hashed_token": "\(Self.digest(token))",
                ]
            )
        )
    }

    /// A source may have minted a token whose answer was lost.
    func lost(_ record: LeaseRecord, because failure: String) {
        logger.log(
            .tokenLost,
            "a token may exist that nobody has",
            metadata: metadata(record, ["failure": "\(failure)", "token_name": "\(record.id.tokenName)"])
        )
    }

    /// A lost token was looked for.
    func searched(_ record: LeaseRecord, found: Int?) {
        let outcome =
            switch found {
            case nil: "the source can't find tokens by name, or is another one now"
            case 0: "no token was minted"
            case let count?: "\(count) found; they will be revoked"
            }
        logger.log(.lostTokenSearched, "looked for a lost token", metadata: metadata(record, ["outcome": "\(outcome)"]))
    }

    /// A source could not be asked for a lost token.
    func searchFailed(_ record: LeaseRecord, _ error: TokenStoreError, isGivenUp: Bool) {
        let fix = isGivenUp ? "mend the store, then run daypass revoke, or restart the daemon" : "it is tried again"
        logger.log(
            isGivenUp ? .lostTokenSearchGivenUp : .lostTokenSearchFailed,
            isGivenUp ? "lost token not found, given up" : "lost token not found yet",
            metadata: metadata(
                record,
                ["failure": "\(error)", "fix": "\(fix)", "token_name": "\(record.id.tokenName)"]
            )
        )
    }

    /// The end of a build, or an operator, ended leases.
    func ending(_ what: String, _ ending: LeaseTable.Ending) {
        guard !ending.isEmpty else { return }
        logger.log(
            .leasesEnded,
            "leases end",
            metadata: [
                "cause": "\(what)", "revoking": "\(ending.revoking.count)",
                "left_to_expire": "\(ending.leftToExpire.count)", "mints_under_way": "\(ending.mints.count)",
            ]
        )
        for record in ending.leftToExpire { leftToExpire(record) }
    }

    /// A token can't be revoked at its source.
    func leftToExpire(_ record: LeaseRecord) {
        logger.log(
            .tokenLeftToExpire,
            "the source can't revoke this token, it is left to expire",
            metadata: ended(record, [:])
        )
    }

    /// A source has ended a token.
    func revoked(_ record: LeaseRecord, now: Moment) {
        let waited = record.endedAt.map { now.steady - $0.steady } ?? .zero
        logger.log(
            .tokenRevoked,
            "token revoked",
            metadata: ended(
                record,
                [
                    "waited_ms":
                        "\(waited.components.seconds * 1000 + waited.components.attoseconds / 1_000_000_000_000_000)"
                ]
            )
        )
    }

    /// A source did not end a token.
    func revocationFailed(_ record: LeaseRecord, _ error: TokenStoreError, isGivenUp: Bool) {
        let fix = isGivenUp ? "mend the store, then run daypass revoke, or restart the daemon" : "it is tried again"
        logger.log(
            isGivenUp ? .revocationGivenUp : .revocationFailed,
            isGivenUp ? "token not revoked, given up" : "token not revoked yet",
            metadata: ended(record, ["failure": "\(error)", "fix": "\(fix)"])
        )
    }

    /// A token's time is over.
    func expired(_ record: LeaseRecord) { logger.log(.leaseExpired, "lease expired", metadata: metadata(record, [:])) }

    /// The journal can't be written.
    func journalFailed(_ failure: JournalFailure) {
        logger.log(
            .journalUnwritable,
            "the journal can't be written; no token is minted until it can",
            metadata: ["failure": "\(failure.message)", "fix": "\(failure.fix)"]
        )
    }

    /// The journal can be written again.
    func journalMended() { logger.log(.journalWritable, "the journal is written again") }

    /// What the journal of the last daemon said.
    func restored(_ restored: LeaseTable.Restored, _ notices: [String]) {
        for notice in notices { logger.log(.journalNotice, "journal", metadata: ["notice": "\(notice)"]) }
        logger.log(
            .leasesRestored,
            "leases restored",
            metadata: [
                "live": "\(restored.live)", "superseded": "\(restored.superseded)",
                "revoking": "\(restored.revoking)", "lost": "\(restored.lost.count)",
            ]
        )
        for record in restored.lost { lost(record, because: "the daemon ended before the answer was written down") }
    }

    /// What is known of a token that ends, or has to.
    private func ended(_ record: LeaseRecord, _ more: Logger.Metadata) -> Logger.Metadata {
        var all = metadata(record, more)
        if let cause = record.cause { all["cause"] = "\(cause.rawValue)" }
        guard let token = record.token else { return all }
        all["expires"] = "\(token.expiresAt?.rfc3339 ?? "unknown")"
        // Of a token that was found by its name nobody has seen the secret.
        if token.secret.count > 0 { all["hashed_token"] = "\(Self.digest(token))" }
        return all
    }

    /// The digest of a token as GitHub's audit log has it: base64 of SHA-256
    /// (docs.github.com, "Identifying audit log events performed by an access token").
    private static func digest(_ token: IssuedToken) -> String {
        Data(token.secret.sha256).base64EncodedString()
    }

    private func metadata(_ record: LeaseRecord, _ more: Logger.Metadata) -> Logger.Metadata {
        var all: Logger.Metadata = [
            "namespace": "\(record.subject.namespace)", "pod": "\(record.subject.podName)",
            "pod_uid": "\(record.subject.podUID)", "service_account": "\(record.subject.serviceAccount)",
            "volume": "\(record.key.volume)", "store": "\(record.key.store)", "scope": "\(record.key.scope.summary)",
            "lease": "\(record.id)",
        ]
        all.merge(more) { _, new in new }
        return all
    }
}
