// What becomes of leases, in the log. Never a token, a handle's secret or a source's own words.

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
    func minted(_ record: LeaseRecord, _ token: IssuedToken, _ ask: LeaseAsk) {
        logger.info(
            "token minted",
            metadata: metadata(
                record,
                [
                    "grant": "\(ask.grant)",
                    "narrowed": "\(ask.narrowed)",
                    "expires": "\(token.expiresAt?.rfc3339 ?? "unknown")",
                    "hashed_token": "\(Data(token.secret.sha256).base64EncodedString())",
                ]
            )
        )
    }

    /// A source may have minted a token whose answer was lost.
    func lost(_ record: LeaseRecord, because failure: String) {
        logger.warning(
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
        logger.notice("looked for a lost token", metadata: metadata(record, ["outcome": "\(outcome)"]))
    }

    /// A source could not be asked for a lost token.
    func searchFailed(_ record: LeaseRecord, _ error: TokenStoreError, isGivenUp: Bool) {
        let fix = isGivenUp ? "mend the store, then run daypass revoke, or restart the daemon" : "it is tried again"
        logger.log(
            level: isGivenUp ? .error : .warning,
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
        logger.info(
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
        logger.notice(
            "the source can't revoke this token, it is left to expire",
            metadata: metadata(record, ["expires": "\(record.token?.expiresAt?.rfc3339 ?? "unknown")"])
        )
    }

    /// A source has ended a token.
    func revoked(_ record: LeaseRecord, now: Moment) {
        let waited = record.endedAt.map { now.steady - $0.steady } ?? .zero
        let digest = record.token.map { Data($0.secret.sha256).base64EncodedString() } ?? ""
        logger.info(
            "token revoked",
            metadata: metadata(
                record,
                [
                    "cause": "\(record.cause?.rawValue ?? "")", "hashed_token": "\(digest)",
                    "waited_ms":
                        "\(waited.components.seconds * 1000 + waited.components.attoseconds / 1_000_000_000_000_000)",
                ]
            )
        )
    }

    /// A source did not end a token.
    func revocationFailed(_ record: LeaseRecord, _ error: TokenStoreError, isGivenUp: Bool) {
        let fix = isGivenUp ? "mend the store, then run daypass revoke, or restart the daemon" : "it is tried again"
        logger.log(
            level: isGivenUp ? .error : .warning,
            isGivenUp ? "token not revoked, given up" : "token not revoked yet",
            metadata: metadata(record, ["failure": "\(error)", "fix": "\(fix)"])
        )
    }

    /// A token's time is over.
    func expired(_ record: LeaseRecord) { logger.debug("lease expired", metadata: metadata(record, [:])) }

    /// The journal can't be written.
    func journalFailed(_ failure: JournalFailure) {
        logger.error(
            "the journal can't be written; no token is minted until it can",
            metadata: ["failure": "\(failure.message)", "fix": "\(failure.fix)"]
        )
    }

    /// The journal can be written again.
    func journalMended() { logger.notice("the journal is written again") }

    /// What the journal of the last daemon said.
    func restored(_ restored: LeaseTable.Restored, _ notices: [String]) {
        for notice in notices { logger.warning("journal", metadata: ["notice": "\(notice)"]) }
        logger.info(
            "leases restored",
            metadata: [
                "live": "\(restored.live)", "superseded": "\(restored.superseded)",
                "revoking": "\(restored.revoking)", "lost": "\(restored.lost.count)",
            ]
        )
        for record in restored.lost { lost(record, because: "the daemon ended before the answer was written down") }
    }

    private func metadata(_ record: LeaseRecord, _ more: Logger.Metadata) -> Logger.Metadata {
        var all: Logger.Metadata = [
            "namespace": "\(record.subject.namespace)", "pod": "\(record.subject.podName)",
            "pod_uid": "\(record.subject.podUID)", "service_account": "\(record.subject.serviceAccount)",
            "store": "\(record.key.store)", "scope": "\(record.key.scope.summary)", "lease": "\(record.id)",
        ]
        all.merge(more) { _, new in new }
        return all
    }
}
