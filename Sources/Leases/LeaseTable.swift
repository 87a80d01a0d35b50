// The states of all leases of a node: what an event makes of them. No clocks, no tasks, no I/O.

import TokenStore

/// The state machine of the leases: `intended -> live -> superseded -> revoking -> gone`.
///
/// Each event is a method. It changes the table, and adds to ``changes`` what has to be written into the journal, in
/// order. The files `LeaseTable+...` hold the events by the part of a lease's life that they belong to.
struct LeaseTable: Sendable {
    /// A lease and what only this process knows of it.
    struct Entry: Sendable {
        var record: LeaseRecord
        /// Whether its intent was handed to the journal.
        var isIntended = false
        /// Whether its token is in the journal, so that it may be answered with.
        var isSettled = false
        /// The Mounts that have been given it and have not ended.
        var holders = 0
        /// Whether a Mount was answered with it.
        var isDelivered = false
        /// Why it is revoked as soon as its token is there.
        var doom: RevocationCause?
        /// Whether a revocation or a search runs.
        var isBusy = false
        /// How many revocations or searches have failed in a row.
        var tries = 0
        /// Before this steady time there is no other try.
        var notBefore: Duration?
        /// Whether nothing is tried any more until an operator asks, or the daemon starts anew.
        var isGivenUp = false
        /// Why the last try failed, in one line.
        var failure: String?
        /// The store that minted it, or is about to; `nil` takes the one that has the name.
        var source: (any TokenSources)?
    }

    /// What to do for a caller who asks for a lease.
    enum Answer: Sendable, Equatable {
        /// Hand this out.
        case serve(Lease)
        /// Wait for the mint that is under way.
        case join(LeaseID)
        /// Start a mint under this name, then wait for it.
        case mint
        /// The Pod has ended: there are no tokens for it any more.
        case ended
    }

    var schedule: LeaseSchedule
    var entries: [LeaseID: Entry] = [:]
    /// The live lease of each key.
    var current: [LeaseKey: LeaseID] = [:]
    /// The mint under way for each key.
    var minting: [LeaseKey: LeaseID] = [:]
    /// The Pods that have ended, and when.
    var endedPods: [String: Moment] = [:]
    /// What has to be written, in order.
    var changes: [JournalChange] = []
    /// The number of searches and revocations under way, by their stores.
    var runningByStore: [String: Int] = [:]
    /// The number of all of them.
    var running: Int { runningByStore.values.reduce(0, +) }
    /// Whether the volumes of ``tracked`` may have changed since they were read.
    var trackedMayHaveChanged = true

    init(schedule: LeaseSchedule) { self.schedule = schedule }

    /// The lease of a key, if it needs no refresh.
    func fresh(_ key: LeaseKey, now: Moment) -> Lease? {
        guard let lease = settled(key), lease.isFresh(at: now) else { return nil }
        return lease
    }

    /// The lease of a key while its token lives, however due its refresh is.
    func usable(_ key: LeaseKey, now: Moment) -> Lease? {
        guard let lease = settled(key), lease.isUsable(at: now) else { return nil }
        return lease
    }

    /// The same, for a caller who will answer with it: it is held as if it were asked for.
    mutating func hold(_ key: LeaseKey, now: Moment) -> Lease? {
        guard let lease = usable(key, now: now) else { return nil }
        entries[lease.id]?.holders += 1
        return lease
    }

    /// The lease of a key that may be answered with. While its follower is on the way into the journal that is the old
    /// one.
    private func settled(_ key: LeaseKey) -> Lease? {
        guard let id = current[key], let entry = entries[id], entry.isSettled else { return nil }
        return Lease(entry.record)
    }

    /// Whether a store is asked for a token.
    var isMinting: Bool { minting.values.contains { entries[$0]?.isIntended == true } }

    /// Whether a Pod is known to have ended.
    func hasEnded(_ podUID: String) -> Bool { endedPods[podUID] != nil }

    /// A caller wants a lease. One that it is given it holds, until ``delivered(_:now:)``, ``released(_:)`` or
    /// ``abandoned(_:now:)``.
    ///
    /// - Parameter id: the name of the lease if there is none yet.
    mutating func ask(_ key: LeaseKey, _ ask: LeaseAsk, id: LeaseID, now: Moment) -> Answer {
        if hasEnded(key.podUID) { return .ended }
        if let lease = fresh(key, now: now) {
            entries[lease.id]?.holders += 1
            if entries[lease.id]?.record.targetPath != ask.targetPath {
                update(lease.id) { $0.record.targetPath = ask.targetPath }
            }
            return .serve(lease)
        }
        if let mint = minting[key] { return .join(mint) }
        minting[key] = id
        entries[id] = Entry(
            record: LeaseRecord(
                id: id,
                key: key,
                subject: ask.subject,
                targetPath: ask.targetPath,
                intendedAt: now
            )
        )
        trackedMayHaveChanged = true
        return .mint
    }

    /// The volumes that are in use: those of leases whose Pods are not known to have ended.
    var tracked: Set<TrackedVolume> {
        Set(
            entries.values.lazy.filter { $0.record.state != .lost && $0.record.state != .revoking }.map { entry in
                TrackedVolume(
                    podUID: entry.record.key.podUID,
                    namespace: entry.record.subject.namespace,
                    podName: entry.record.subject.podName,
                    volume: entry.record.key.volume,
                    targetPath: entry.record.targetPath
                )
            }
        )
    }

    /// Every record that belongs into the journal, in the order of their intents.
    var journalled: [LeaseRecord] {
        entries.values.filter { $0.isIntended }.map(\.record).sorted { $0.intendedAt.steady < $1.intendedAt.steady }
    }

    /// Takes what has to be written.
    mutating func takeChanges() -> [JournalChange] {
        defer { changes = [] }
        return changes
    }

    /// Changes an entry and notes its record for the journal.
    mutating func update(_ id: LeaseID, _ change: (inout Entry) -> Void) {
        guard var entry = entries[id] else { return }
        change(&entry)
        entries[id] = entry
        trackedMayHaveChanged = true
        if entry.isIntended { changes.append(.put(entry.record)) }
    }

    /// Forgets an entry. Its token is gone, or there never was one.
    @discardableResult
    mutating func remove(_ id: LeaseID) -> LeaseRecord? {
        guard let entry = entries.removeValue(forKey: id) else { return nil }
        let key = entry.record.key
        if current[key] == id { current[key] = nil }
        if minting[key] == id { minting[key] = nil }
        if entry.isBusy { noteEnd(in: key.store) }
        trackedMayHaveChanged = true
        if entry.isIntended { changes.append(.remove(id)) }
        return entry.record
    }
}
