// The first half of a lease's life: from the intent to the Mount that got it.

import TokenStore

extension LeaseTable {
    /// A mint is about to be made: its intent has to be in the journal first.
    ///
    /// - Returns: The record; `nil` when the Pod has ended meanwhile, and the mint must not be made.
    mutating func intend(_ id: LeaseID, now: Moment) -> LeaseRecord? {
        guard let entry = entries[id] else { return nil }
        guard entry.doom == nil else {
            remove(id)
            return nil
        }
        update(id) { $0.isIntended = true }
        return entries[id]?.record
    }

    /// A mint was not made after all: the store was not called.
    mutating func dropped(_ id: LeaseID) { remove(id) }

    /// A mint ended with a token. It has to be in the journal before anybody gets it: ``settled(_:)`` or
    /// ``unsettled(_:_:now:)`` follows.
    ///
    /// - Parameter chance: a random number from 0 up to 1, for the spread of refreshes.
    mutating func minted(_ id: LeaseID, _ token: IssuedToken, now: Moment, chance: Double) {
        guard let key = entries[id]?.record.key else { return }
        let life = schedule.life(token, issuedAt: now)
        update(id) { [schedule] entry in
            entry.record.token = token
            entry.record.issuedAt = now
            entry.record.life = life
            let wish = token.refreshAfter
            entry.record.refreshAfter = schedule.refreshAfter(life: life, chance: chance, wish: wish)
            entry.record.state = .live
            if let doom = entry.doom { entry.revoke(doom, now: now) }
        }
        guard entries[id]?.record.state == .live else { return }
        replaceOthers(than: id, key, issuedAt: now)
    }

    /// Replaces what its place had before, also a token of another scope or store: the volume has one token of a name.
    private mutating func replaceOthers(than id: LeaseID, _ key: LeaseKey, issuedAt: Moment) {
        for (old, entry) in entries where old != id && entry.record.state == .live && entry.isSettled {
            guard entry.record.key.isSamePlace(as: key), let before = entry.record.issuedAt,
                before.steady <= issuedAt.steady
            else { continue }
            update(old) { $0.record.state = .superseded }
        }
    }

    /// Whether the token of a mint has ended before anybody could be answered with it: the clocks of the node and the
    /// source differ, or the journal took its time. ``unsettled(_:_:now:)`` follows.
    func cameDead(_ id: LeaseID, now: Moment) -> Bool {
        entries[id].flatMap { Lease($0.record) }.map { !$0.isUsable(at: now) } ?? false
    }

    /// The token of a mint is in the journal.
    ///
    /// - Parameter holders: how many callers get the lease now.
    /// - Returns: The lease; `nil` when the Pod has ended meanwhile.
    mutating func settled(_ id: LeaseID, holders: Int) -> Lease? {
        guard let entry = entries[id] else { return nil }
        minting[entry.record.key] = nil
        guard entry.record.state == .live else { return nil }
        entries[id]?.isSettled = true
        entries[id]?.holders += holders
        if let issuedAt = entry.record.issuedAt {
            // One of another scope may have been on its way at the same time.
            replaceOthers(than: id, entry.record.key, issuedAt: issuedAt)
        }
        for old in waitingForDelivery(entry.record.key, before: entry.record.issuedAt) {
            if let key = entries[old]?.record.key, current[key] == old { current[key] = nil }
        }
        current[entry.record.key] = id
        return Lease(entry.record)
    }

    /// The token of a mint can't be answered with: it is revoked, and what it should have replaced stays.
    mutating func unsettled(_ id: LeaseID, _ cause: RevocationCause, now: Moment) {
        guard let entry = entries[id] else { return }
        minting[entry.record.key] = nil
        if entry.record.state == .live {
            update(id) { $0.revoke(cause, now: now) }
            reinstate(entry.record.key)
        }
    }

    /// A mint ended without a token. Returns the old lease when its token still lives: better than none.
    ///
    /// - Parameter tokenMayExist: whether the source may have minted one all the same.
    mutating func failed(_ id: LeaseID, tokenMayExist: Bool, now: Moment) -> Lease? {
        guard let key = entries[id]?.record.key else { return nil }
        minting[key] = nil
        if tokenMayExist {
            update(id) { [schedule] entry in
                entry.record.state = .lost
                // The source may still be at work on it.
                entry.notBefore = now.steady + schedule.searchDelay
            }
        } else {
            remove(id)
        }
        return hasEnded(key.podUID) ? nil : usable(key, now: now)
    }

    /// Mounts were answered with these leases. The tokens that they replaced have their grace period from now on.
    mutating func delivered(_ ids: [LeaseID], now: Moment) {
        for id in ids {
            guard let entry = entries[id] else { continue }
            entries[id]?.holders -= 1
            if entry.isDelivered { continue }
            entries[id]?.isDelivered = true
            // Only those that it replaced: it may be replaced itself, by one that is not there yet.
            for old in waitingForDelivery(entry.record.key, before: entry.record.issuedAt) {
                update(old) { $0.record.endedAt = now }
            }
        }
    }

    /// A Mount ended without an answer, though not because of a store: its next try finds the leases.
    mutating func released(_ ids: [LeaseID]) { for id in ids { entries[id]?.holders -= 1 } }

    /// A Mount failed because one of its tokens did. Leases that nobody else was given are revoked, and what they
    /// replaced comes back. One that its source can't revoke stays: the next try gets it, and no second token is made.
    mutating func abandoned(_ ids: [LeaseID], now: Moment) {
        for id in ids {
            entries[id]?.holders -= 1
            guard let entry = entries[id], entry.holders <= 0, !entry.isDelivered, entry.record.state == .live,
                entry.record.token?.handle != nil
            else { continue }
            update(id) { $0.revoke(.mountFailed, now: now) }
            if current[entry.record.key] == id { current[entry.record.key] = nil }
            reinstate(entry.record.key)
        }
    }

    /// The replaced leases of a key whose follower nobody has got yet; the newest first.
    private func waitingForDelivery(_ key: LeaseKey, before follower: Moment? = nil) -> [LeaseID] {
        entries.values
            .filter { entry in
                entry.record.state == .superseded && entry.record.endedAt == nil
                    && entry.record.key.isSamePlace(as: key)
            }
            .filter { entry in
                guard let follower, let issuedAt = entry.record.issuedAt else { return true }
                return issuedAt.steady < follower.steady
            }
            .sorted { ($0.record.issuedAt?.steady ?? .zero) > ($1.record.issuedAt?.steady ?? .zero) }
            .map(\.record.id)
    }

    /// Makes what the Pod still has the live lease again: those that were only about to be replaced, or else the newest
    /// of the replaced ones.
    private mutating func reinstate(_ key: LeaseKey) {
        let waiting = waitingForDelivery(key)
        let served = waiting.filter { id in entries[id].map { current[$0.record.key] == id } ?? false }
        for old in served.isEmpty ? waiting.prefix(1) : served[...] {
            guard let key = entries[old]?.record.key else { continue }
            update(old) { $0.record.state = .live }
            current[key] = old
        }
    }
}

extension LeaseTable.Entry {
    /// Marks the token as one to revoke.
    mutating func revoke(_ cause: RevocationCause, now: Moment) {
        record.state = .revoking
        record.endedAt = now
        record.cause = cause
        tries = 0
        notBefore = nil
        isGivenUp = false
    }
}
