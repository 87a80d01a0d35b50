// The start: what the journal of the last daemon means for this one.

import TokenStore

extension LeaseTable {
    /// What was restored.
    struct Restored: Sendable, Equatable {
        /// Leases whose tokens are served on.
        var live = 0
        /// Replaced ones in their grace period.
        var superseded = 0
        /// Those that have to be revoked.
        var revoking = 0
        /// Intents of which nobody knows what became of them.
        var lost: [LeaseRecord] = []
    }

    /// Takes over the records of a journal. The table must be empty.
    ///
    /// - Parameter isSameBoot: whether the steady times of the records are of this boot; else they are made anew from
    ///   the time of day.
    mutating func restore(_ records: [LeaseRecord], isSameBoot: Bool, now: Moment) -> Restored {
        var restored = Restored()
        for old in records {
            var record = old
            if !isSameBoot { record = record.rebased(to: now) }
            var entry = Entry(record: record, isIntended: true, isSettled: true, isDelivered: true)
            switch record.state {
            case .intended, .lost:
                entry.isSettled = false
                entry.record.state = .lost
                entry.notBefore = now.steady + schedule.searchDelay
                restored.lost.append(entry.record)
            case .live:
                restored.live += 1
                current[record.key] = record.id
            case .superseded:
                restored.superseded += 1
                // Whether its follower was answered with is not known: the grace period begins at the latest now.
                if record.endedAt == nil { entry.record.endedAt = now }
            case .revoking: restored.revoking += 1
            }
            entries[record.id] = entry
            if entry.record != old { changes.append(.put(entry.record)) }
        }
        trackedMayHaveChanged = true
        return restored
    }
}

extension LeaseRecord {
    /// The record with steady times that fit its times of day.
    fileprivate func rebased(to now: Moment) -> LeaseRecord {
        func rebased(_ moment: Moment) -> Moment {
            Moment(wall: moment.wall, steady: now.steady - moment.wall.duration(to: now.wall))
        }
        return LeaseRecord(
            id: id,
            key: key,
            subject: subject,
            targetPath: targetPath,
            intendedAt: rebased(intendedAt),
            state: state,
            token: token,
            issuedAt: issuedAt.map(rebased),
            life: life,
            refreshAfter: refreshAfter,
            endedAt: endedAt.map(rebased),
            cause: cause
        )
    }
}
