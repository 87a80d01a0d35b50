// The second half of a lease's life: builds that end, tokens that are revoked, leases that are gone.

import TokenStore

/// Which leases an operator means.
package enum LeaseSelection: Sendable, Hashable, Codable {
    /// Those of a Pod.
    case pod(namespace: String, name: String)
    /// Those of a store.
    case store(String)
    /// All.
    case all
}

extension LeaseTable {
    /// Something to do outside of the table. ``revoked(_:)``, ``revocationFailed(_:_:now:chance:)``,
    /// ``found(_:_:now:newID:)`` or ``searchFailed(_:_:now:chance:)`` follows.
    enum Work: Sendable, Equatable {
        /// End this token at its source.
        case revoke(LeaseRecord)
        /// Look for the token whose answer was lost.
        case find(LeaseRecord)
    }

    /// What became of leases that were to end.
    struct Ending: Sendable, Equatable {
        /// The leases whose tokens will be revoked.
        var revoking: [LeaseRecord] = []
        /// Those whose tokens their sources can't revoke; they are forgotten and live on to their own end.
        var leftToExpire: [LeaseRecord] = []
        /// The mints under way, whose callers get nothing.
        var mints: [LeaseID] = []
        /// Whether there was nothing to end.
        var isEmpty: Bool { revoking.isEmpty && leftToExpire.isEmpty && mints.isEmpty }
    }

    /// A build, or one of its volumes, has ended.
    mutating func end(_ end: BuildEnd, now: Moment) -> Ending {
        switch end {
        case .pod(let uid, _):
            endedPods[uid] = now
            return self.end(.buildEnded, now: now) { $0.key.podUID == uid }
        case .volume(let podUID, let volume):
            return self.end(.volumeGone, now: now) { $0.key.podUID == podUID && $0.key.volume == volume }
        }
    }

    /// An operator wants leases revoked. Those that were given up, or wait for another try, are tried at once.
    mutating func revoke(_ selection: LeaseSelection, now: Moment) -> Ending {
        for (id, entry) in entries where !entry.isBusy && entry.tries > 0 && selection.contains(entry.record) {
            entries[id]?.isGivenUp = false
            entries[id]?.tries = 0
            entries[id]?.notBefore = nil
        }
        return end(.asked, now: now) { selection.contains($0) }
    }

    private mutating func end(
        _ cause: RevocationCause,
        now: Moment,
        _ isMeant: (LeaseRecord) -> Bool
    ) -> Ending {
        var ending = Ending()
        for (id, entry) in entries where isMeant(entry.record) {
            switch entry.record.state {
            case .intended:
                // Its token, if there will be one, is revoked when it comes.
                entries[id]?.doom = cause
                ending.mints.append(id)
            case .live where !entry.isSettled:
                // It is on the way into the journal; its callers get nothing.
                ending.mints.append(id)
                endToken(id, cause, now: now, &ending)
            case .live, .superseded: endToken(id, cause, now: now, &ending)
            case .lost, .revoking: break
            }
        }
        return ending
    }

    private mutating func endToken(_ id: LeaseID, _ cause: RevocationCause, now: Moment, _ ending: inout Ending) {
        guard let record = entries[id]?.record else { return }
        if current[record.key] == id { current[record.key] = nil }
        if record.token?.handle == nil {
            remove(id)
            ending.leftToExpire.append(record)
        } else {
            update(id) { $0.revoke(cause, now: now) }
            ending.revoking.append(record)
        }
    }

    /// Lets the time pass: ends grace periods, forgets what has expired, and returns what can be done now.
    ///
    /// - Returns: The work, of the longest remaining life first: those tokens could do harm for the longest time. The
    ///   leases that are gone because their time is over. And those whose grace period is over and whose sources can't
    ///   revoke them.
    mutating func tick(now: Moment) -> (work: [Work], expired: [LeaseRecord], leftToExpire: [LeaseRecord]) {
        var expired: [LeaseRecord] = []
        var ending = Ending()
        var ready: [(id: LeaseID, left: Duration)] = []
        for (id, entry) in entries {
            if entry.isOver(now: now, schedule) {
                if let record = remove(id) { expired.append(record) }
                continue
            }
            if entry.graceIsOver(now: now, schedule) { endToken(id, .superseded, now: now, &ending) }
            guard let entry = entries[id], entry.isReady(now: now) else { continue }
            ready.append((id, entry.remaining(now: now)))
        }
        endedPods = endedPods.filter { now.steady - $0.value.steady < schedule.endRetention }
        ready.sort { ($1.left, $0.id.value) < ($0.left, $1.id.value) }
        var work: [Work] = []
        for (id, _) in ready {
            guard let record = entries[id]?.record, canRun(in: record.key.store) else { continue }
            entries[id]?.isBusy = true
            runningByStore[record.key.store, default: 0] += 1
            work.append(record.state == .lost ? .find(record) : .revoke(record))
        }
        return (work, expired, ending.leftToExpire)
    }

    /// How long nothing will have to be done, unless something happens; at most `limit`.
    func pause(now: Moment, limit: Duration) -> Duration {
        var pause = limit
        for entry in entries.values {
            let canRun = canRun(in: entry.record.key.store)
            pause = min(pause, entry.pause(now: now, schedule, canRun: canRun) ?? limit)
        }
        return max(.zero, pause)
    }

    /// Each store has its own places: one that hangs holds up no other.
    private func canRun(in store: String) -> Bool {
        runningByStore[store, default: 0] < schedule.concurrentRevocations
    }

    /// A search or a revocation has ended.
    mutating func noteEnd(in store: String) {
        let left = runningByStore[store, default: 1] - 1
        runningByStore[store] = left > 0 ? left : nil
    }

    /// A source has ended a token.
    mutating func revoked(_ id: LeaseID) -> LeaseRecord? { remove(id) }

    /// A source did not end a token.
    ///
    /// - Returns: Whether nothing more is tried.
    mutating func revocationFailed(_ id: LeaseID, _ error: TokenStoreError, now: Moment, chance: Double) -> Bool {
        postpone(id, error, now: now, chance: chance)
    }

    /// A source was asked for the tokens of a lost intent.
    ///
    /// - Parameter handles: what it found; `nil` when it can't tell.
    /// - Returns: The leases that stand for what was found.
    mutating func found(
        _ id: LeaseID,
        _ handles: [RevocationHandle]?,
        now: Moment,
        newID: () -> LeaseID
    ) -> [LeaseRecord] {
        guard let lost = entries[id] else { return [] }
        guard let handles else {
            endSearch(id) { $0.isGivenUp = true }
            return []
        }
        remove(id)
        return handles.map { handle in
            var record = LeaseRecord(
                id: newID(),
                key: lost.record.key,
                subject: lost.record.subject,
                targetPath: lost.record.targetPath,
                intendedAt: lost.record.intendedAt
            )
            record.token = IssuedToken(
                username: "",
                secret: Secret([]),
                expiresAt: nil,
                grantedScope: lost.record.key.scope,
                handle: handle
            )
            entries[record.id] = Entry(record: record, isIntended: true, source: lost.source)
            update(record.id) { $0.revoke(.lostAnswer, now: now) }
            return entries[record.id]?.record ?? record
        }
    }

    /// A source could not be asked for the tokens of a lost intent.
    ///
    /// - Returns: Whether nothing more is tried.
    mutating func searchFailed(_ id: LeaseID, _ error: TokenStoreError, now: Moment, chance: Double) -> Bool {
        postpone(id, error, now: now, chance: chance)
    }

    private mutating func postpone(_ id: LeaseID, _ error: TokenStoreError, now: Moment, chance: Double) -> Bool {
        endSearch(id) { [schedule] entry in
            entry.tries += 1
            entry.failure = error.description
            var pause = schedule.pause(afterTries: entry.tries, chance: chance)
            // A source that says when it will listen again is believed, within reason.
            if let retryAt = error.retryAt {
                pause = max(pause, min(now.wall.duration(to: retryAt), schedule.longestPause * 4))
            }
            entry.notBefore = now.steady + pause
            entry.isGivenUp = entry.tries >= schedule.mostTries
        }
        return entries[id]?.isGivenUp ?? false
    }

    private mutating func endSearch(_ id: LeaseID, _ change: (inout Entry) -> Void) {
        guard var entry = entries[id] else { return }
        if entry.isBusy { noteEnd(in: entry.record.key.store) }
        entry.isBusy = false
        change(&entry)
        entries[id] = entry
    }
}

extension LeaseTable.Entry {
    /// Whether there is nothing left to do for it: its token has ended by both clocks, or nobody will find it any more.
    func isOver(now: Moment, _ schedule: LeaseSchedule) -> Bool {
        guard let issuedAt = record.issuedAt else {
            return record.state == .lost && now.steady - record.intendedAt.steady >= schedule.lostRetention
                && !isSearching
        }
        return endsByItself && now.leastSince(issuedAt) >= record.life
    }

    /// Whether its time alone ends it.
    private var endsByItself: Bool {
        // A mint that still runs has its own end.
        guard record.state != .live || isSettled else { return false }
        // What names no expiry may live for ever: it is not forgotten while it can be revoked.
        guard record.token?.expiresAt != nil || record.token?.handle == nil else { return false }
        // A token that came dead may be alive by its source's clock: it is revoked all the same.
        return record.state != .revoking || record.life > .zero || isGivenUp
    }

    /// What was never looked for, because the daemon was away or busy, is looked for once more before it is forgotten.
    private var isSearching: Bool { isBusy || !isGivenUp }

    /// Whether it was replaced long enough ago.
    func graceIsOver(now: Moment, _ schedule: LeaseSchedule) -> Bool {
        guard record.state == .superseded, let endedAt = record.endedAt else { return false }
        return now.steady - endedAt.steady >= schedule.grace
    }

    /// Whether its source can be called now.
    func isReady(now: Moment) -> Bool {
        guard record.state == .revoking || record.state == .lost, !isBusy, !isGivenUp else { return false }
        return notBefore.map { now.steady >= $0 } ?? true
    }

    /// How long its token lives on; the longest time there is when nobody knows.
    func remaining(now: Moment) -> Duration {
        guard let issuedAt = record.issuedAt, record.token?.expiresAt != nil else { return .seconds(1 << 40) }
        return record.life - now.leastSince(issuedAt)
    }

    /// How long until something has to be done for it.
    func pause(now: Moment, _ schedule: LeaseSchedule, canRun: Bool) -> Duration? {
        var pauses: [Duration] = []
        if let issuedAt = record.issuedAt, endsByItself {
            let left = record.life - now.leastSince(issuedAt)
            if left > .zero { pauses.append(left) }
        }
        switch record.state {
        case .superseded:
            if let endedAt = record.endedAt { pauses.append(schedule.grace - (now.steady - endedAt.steady)) }
        case .revoking, .lost:
            if canRun, !isBusy, !isGivenUp { pauses.append(notBefore.map { $0 - now.steady } ?? .zero) }
            if record.state == .lost, !isSearching {
                pauses.append(schedule.lostRetention - (now.steady - record.intendedAt.steady))
            }
        case .intended, .live: break
        }
        return pauses.min()
    }
}

extension LeaseSelection {
    /// Whether a lease is meant.
    func contains(_ record: LeaseRecord) -> Bool {
        switch self {
        case .pod(let namespace, let name): record.subject.namespace == namespace && record.subject.podName == name
        case .store(let store): record.key.store == store
        case .all: true
        }
    }
}
