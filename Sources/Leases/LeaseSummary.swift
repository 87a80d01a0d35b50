// What an operator may see of the leases: everything but secrets.

import TokenStore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// One lease, for people and programs. Times are RFC 3339 in UTC.
package struct LeaseSummary: Sendable, Hashable, Codable {
    /// The lease's name.
    package var id: String
    package var namespace: String
    package var pod: String
    package var podUID: String
    package var serviceAccount: String
    package var volume: String
    /// The token's name in the tenant's parameters.
    package var token: String
    package var store: String
    /// The scope in one line.
    package var scope: String
    /// A ``LeaseState``.
    package var state: String
    /// Whole seconds since the intent.
    package var age: Int
    /// When the token ends; missing when its source does not say, or there is no token.
    package var expires: String?
    /// When the next Mount fetches a new token; missing when none will.
    package var refresh: String?
    /// A ``RevocationCause``, for one that is revoking.
    package var cause: String?
    /// How many revocations or searches have failed in a row.
    package var tries: Int
    /// Why the last one failed.
    package var failure: String?
    /// Whether nothing is tried any more.
    package var isGivenUp: Bool
    /// The token's name for its source, which is no secret; missing where there is none.
    package var handle: String?
}

/// How many leases there are, and what was done with leases since the daemon began. The names are those of metrics.
package struct LeaseCounts: Sendable, Hashable, Codable {
    package init() {}

    /// The same for each store, by its name in the configuration; those are the figures, and the others here their sums.
    package var byStore: [String: StoreLeaseCounts] = [:]

    // Now.
    package var intended = 0
    package var lost = 0
    package var live = 0
    package var superseded = 0
    /// Tokens that have to be revoked and still may work: the debt.
    package var revoking = 0
    /// Those of the debt that are not tried any more.
    package var givenUp = 0
    /// How long the oldest part of the debt has waited, in whole seconds.
    package var oldestDebtSeconds = 0
    /// Whether the journal holds what the memory holds.
    package var isJournalCurrent = true

    // Since the daemon began.
    package var minted = 0
    /// Those that brought no token, and certainly made none.
    package var mintsFailed = 0
    /// Those of which nobody knows whether they made a token.
    package var answersLost = 0
    package var refreshed = 0
    package var refreshesFailed = 0
    package var servedStale = 0
    package var restored = 0
    package var revoked = 0
    package var revocationsFailed = 0
    package var leftToExpire = 0
    package var expired = 0
    package var buildsEnded = 0
    package var journalFailures = 0
}

extension LeaseTable {
    /// All leases, the oldest first.
    func summaries(now: Moment) -> [LeaseSummary] {
        entries.values.sorted { $0.record.intendedAt.steady < $1.record.intendedAt.steady }
            .map { $0.summary(now: now) }
    }
}

extension LeaseTable.Entry {
    fileprivate func summary(now: Moment) -> LeaseSummary {
        let isLive = record.state == .live
        return LeaseSummary(
            id: record.id.description,
            namespace: record.subject.namespace,
            pod: record.subject.podName,
            podUID: record.subject.podUID,
            serviceAccount: record.subject.serviceAccount,
            volume: record.key.volume,
            token: record.key.token,
            store: record.key.store,
            scope: record.key.scope.summary,
            state: record.state.rawValue,
            age: max(0, Int((now.steady - record.intendedAt.steady).components.seconds)),
            expires: record.token?.expiresAt?.rfc3339,
            refresh: isLive ? record.issuedAt?.wall.advanced(by: record.refreshAfter).rfc3339 : nil,
            cause: record.cause?.rawValue,
            tries: tries,
            failure: failure,
            isGivenUp: isGivenUp,
            handle: record.token?.handle?.identifier
        )
    }
}
