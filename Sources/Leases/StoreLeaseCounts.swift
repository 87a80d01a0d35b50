// What there is and what was done with the leases of one store: the figures behind the metrics.

import TokenStore

/// The leases of one store: how many there are now, and what was done with them since the daemon began.
package struct StoreLeaseCounts: Sendable, Hashable, Codable {
    package init() {}

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
    /// The least time that a live token has left, in whole seconds; below 0 when it has ended. Missing without a live
    /// token whose end is known.
    package var nextExpirySeconds: Int?
    /// Tokens that builds hold and that should have been replaced a good while ago (``LeaseOutlook/isLate``).
    package var expiring = 0

    // Since the daemon began.
    package var minted = 0
    /// Mints that brought no token, and certainly made none: refused, held back by the gate, not written down.
    package var mintsFailed = 0
    /// Mints of which nobody knows whether they made a token; those of the last daemon too.
    package var answersLost = 0
    /// Mints that took the place of a token that still lived.
    package var refreshed = 0
    /// Mints that failed while the token that they should have replaced still lived.
    package var refreshesFailed = 0
    /// Answers with a token that was due for a refresh.
    package var servedStale = 0
    package var revoked = 0
    package var revocationsFailed = 0
    package var leftToExpire = 0
    /// How long the source took to answer mints, whatever it answered.
    package var mintTimes = MintTimes()

    /// How many there are in a state.
    package subscript(state: LeaseState) -> Int {
        get {
            switch state {
            case .intended: intended
            case .lost: lost
            case .live: live
            case .superseded: superseded
            case .revoking: revoking
            }
        }
        set {
            switch state {
            case .intended: intended = newValue
            case .lost: lost = newValue
            case .live: live = newValue
            case .superseded: superseded = newValue
            case .revoking: revoking = newValue
            }
        }
    }
}

/// Times of mints, counted by size.
package struct MintTimes: Sendable, Hashable, Codable {
    /// The upper ends of the sizes, in milliseconds, inclusive. What took longer than the last has a place of its own.
    package static let limits = [50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000]

    /// How many there were of each size; one more than there are limits.
    package private(set) var counts = [Int](repeating: 0, count: limits.count + 1)
    /// All of them together, in microseconds.
    package private(set) var totalMicroseconds = 0

    package init() {}

    mutating func add(_ time: Duration) {
        // A clock that is read twice may stand still; it never goes back.
        let time = max(.zero, time)
        let size = Self.limits.firstIndex { time <= .milliseconds($0) } ?? Self.limits.count
        counts[size] += 1
        totalMicroseconds += Int(time / .microseconds(1))
    }
}

extension LeaseCounts {
    /// Makes the sums of what is counted by store.
    mutating func sumUp() {
        for store in byStore.values {
            intended += store.intended
            lost += store.lost
            live += store.live
            superseded += store.superseded
            revoking += store.revoking
            givenUp += store.givenUp
            oldestDebtSeconds = max(oldestDebtSeconds, store.oldestDebtSeconds)
            minted += store.minted
            mintsFailed += store.mintsFailed
            answersLost += store.answersLost
            refreshed += store.refreshed
            refreshesFailed += store.refreshesFailed
            servedStale += store.servedStale
            revoked += store.revoked
            revocationsFailed += store.revocationsFailed
            leftToExpire += store.leftToExpire
        }
    }
}

extension LeaseTable {
    /// Adds what there is now to the counts of its stores.
    func count(into stores: inout [String: StoreLeaseCounts], now: Moment) {
        for entry in entries.values {
            let record = entry.record
            stores[record.key.store, default: StoreLeaseCounts()].count(entry, now: now)
            if let outlook = outlook(entry, now: now), outlook.isLate {
                stores[record.key.store]?.expiring += 1
            }
        }
    }
}

extension StoreLeaseCounts {
    fileprivate mutating func count(_ entry: LeaseTable.Entry, now: Moment) {
        let record = entry.record
        self[record.state] += 1
        switch record.state {
        case .live:
            guard let issuedAt = record.issuedAt, record.token?.expiresAt != nil else { return }
            let left = Int((record.life - now.mostSince(issuedAt)).components.seconds)
            nextExpirySeconds = min(nextExpirySeconds ?? left, left)
        case .revoking:
            if entry.isGivenUp { givenUp += 1 }
            let waited = record.endedAt.map { now.steady - $0.steady } ?? .zero
            oldestDebtSeconds = max(oldestDebtSeconds, Int(waited.components.seconds))
        case .intended, .lost, .superseded: break
        }
    }
}
