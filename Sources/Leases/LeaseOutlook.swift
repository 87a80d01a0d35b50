// How long the tokens that builds hold will last.

import Synchronization
package import TokenStore

/// A lease that a Mount was answered with, and what is left of its token.
package struct LeaseOutlook: Sendable, Hashable {
    package var id: LeaseID
    package var subject: Subject
    package var volume: String
    /// The token's name in the tenant's parameters.
    package var token: String
    package var store: String
    /// Whether it is what the volume's files hold; else it was replaced, or is being revoked.
    package var isCurrent: Bool
    /// When the token ends; `nil` when its source does not say.
    package var expiresAt: UTCInstant?
    /// How long it can be handed out in all, from its issue.
    package var life: Duration
    /// How long it can still be handed out, by the clock that says less; zero when its time is over.
    package var remaining: Duration
    /// How long ago a refresh was due; negative while it is fresh.
    package var overdue: Duration

    package init(
        id: LeaseID,
        subject: Subject,
        volume: String,
        token: String,
        store: String,
        isCurrent: Bool,
        expiresAt: UTCInstant?,
        life: Duration,
        remaining: Duration,
        overdue: Duration
    ) {
        self.id = id
        self.subject = subject
        self.volume = volume
        self.token = token
        self.store = store
        self.isCurrent = isCurrent
        self.expiresAt = expiresAt
        self.life = life
        self.remaining = remaining
        self.overdue = overdue
    }
}

extension LeaseOutlook {
    /// Whether its token ends and should have been replaced a good while ago: its refresh has been due for more than ten
    /// minutes, or it is due and less than five minutes are left (a sixth of a life below half an hour: tokens of short
    /// life are always near their end). The driver calls every two to four minutes.
    package var isLate: Bool {
        guard isCurrent, expiresAt != nil, overdue > .zero else { return false }
        return overdue > .seconds(600) || remaining < min(.seconds(300), life / 6)
    }
}

extension LeaseManager {
    /// All leases that Mounts were answered with, those of the journal included. For a look now and then: it costs a step
    /// for each lease.
    package var outlooks: [LeaseOutlook] {
        let now = parts.clock.now
        return state.withLock { $0.table.outlooks(now: now) }
    }
}

extension LeaseTable {
    func outlooks(now: Moment) -> [LeaseOutlook] {
        entries.values.compactMap { outlook($0, now: now) }
    }

    /// The outlook of a lease; `nil` when no Mount was answered with it.
    func outlook(_ entry: Entry, now: Moment) -> LeaseOutlook? {
        let record = entry.record
        guard entry.isDelivered, let issuedAt = record.issuedAt else { return nil }
        let age = now.mostSince(issuedAt)
        return LeaseOutlook(
            id: record.id,
            subject: record.subject,
            volume: record.key.volume,
            token: record.key.token,
            store: record.key.store,
            isCurrent: record.state == .live && current[record.key] == record.id,
            expiresAt: record.token?.expiresAt,
            life: record.life,
            remaining: max(.zero, record.life - age),
            overdue: age - min(record.refreshAfter, record.life)
        )
    }
}
