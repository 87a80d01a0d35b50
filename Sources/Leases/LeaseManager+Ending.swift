// What happens to leases after their Mounts: ends of builds, revocations, searches, and the time that passes.

import Synchronization
import TokenStore
import TraceContext

/// What came of an operator's wish to revoke.
package struct RevocationReport: Sendable, Hashable, Codable {
    /// The tokens that their sources have ended.
    package var revoked = 0
    /// Those that are still to be revoked; it is tried on.
    package var pending = 0
    /// Those that their sources can't revoke; they end by themselves.
    package var leftToExpire = 0
    /// The mints under way whose tokens will be revoked as they come.
    package var mintsUnderWay = 0
    /// Why revocations failed, one line each, at most ten.
    package var failures: [String] = []

    package init() {}
}

extension LeaseManager {
    /// A build, or one of its volumes, has ended: its tokens are revoked, and mints for it come to nothing.
    package func ended(_ end: BuildEnd) {
        parts.hook(.beforeRevoking)
        let what =
            switch end {
            case .pod(let uid, let how): "pod \(uid) \(how.rawValue)"
            case .volume(let podUID, let volume): "volume \(volume) of pod \(podUID) gone"
            }
        let cause: RevocationCause = if case .pod = end { .buildEnded } else { .volumeGone }
        let (ending, waiters) = change { state, now in
            let ending = state.table.end(end, now: now)
            if !ending.isEmpty { state.counts.buildsEnded += 1 }
            return (ending, state.finish(ending))
        }
        for waiter in waiters { waiter.resume(returning: .failure(.ended(cause))) }
        log.ending(what, ending)
    }

    /// Revokes leases on request, and waits until that is done, or has failed, or `patience` is over.
    package func revoke(_ selection: LeaseSelection, within patience: Duration) async -> RevocationReport {
        let (ending, waiters, ids) = change { state, now in
            let ending = state.table.revoke(selection, now: now)
            let revoking = state.table.entries.values
                .filter { $0.record.state == .revoking && selection.contains($0.record) }.map(\.record.id)
            return (ending, state.finish(ending), revoking + ending.mints.filter { !revoking.contains($0) })
        }
        for waiter in waiters { waiter.resume(returning: .failure(.ended(.asked))) }
        log.ending("asked", ending)
        let end = parts.clock.steady() + patience
        func open() -> [LeaseTable.Entry] {
            state.withLock { state in ids.compactMap { state.table.entries[$0] } }
        }
        while open().contains(where: { $0.tries == 0 }), parts.clock.steady() < end, !Task.isCancelled {
            try? await parts.clock.sleep(.milliseconds(20))
        }
        let left = open()
        let pending = left.filter { $0.record.state == .revoking }
        var report = RevocationReport()
        report.revoked = ids.count - left.count
        report.pending = pending.count
        report.leftToExpire = ending.leftToExpire.count
        report.mintsUnderWay = left.count - pending.count
        report.failures = pending.compactMap { entry in
            entry.failure.map { "store \(entry.record.key.store), lease \(entry.record.id): \($0)" }
        }
        report.failures = Array(report.failures.prefix(10))
        return report
    }

    /// Does what is due, and waits for what comes next, until the task is cancelled.
    func runDue() async {
        while !Task.isCancelled {
            let (work, pause, tracked, expired, leftToExpire) = change(wakes: false) { state, now in
                let (work, expired, leftToExpire) = state.table.tick(now: now)
                state.counts.expired += expired.count
                state.countLeftToExpire(leftToExpire)
                let tracked = state.table.trackedMayHaveChanged ? state.table.tracked : nil
                state.table.trackedMayHaveChanged = false
                var pause = state.table.pause(now: now, limit: Self.longestPause)
                if let retry = state.retryJournalAt { pause = max(.zero, min(pause, retry - now.steady)) }
                return (work, pause, tracked, expired, leftToExpire)
            }
            for record in expired { log.expired(record) }
            for record in leftToExpire { log.leftToExpire(record) }
            if let tracked { builds.set(tracked) }
            for work in work { orders.yield(.work(work)) }
            if retryIsDue { writerBell.ring() }
            await bell.wait { [parts] in try? await parts.clock.sleep(max(pause, .milliseconds(1))) }
        }
    }

    /// The clock may be set, and a timer may be wrong: nothing waits longer than this without a look.
    private static let longestPause = Duration.seconds(30)

    /// Calls a source for what is due.
    func perform(_ work: LeaseTable.Work) async {
        switch work {
        case .revoke(let record): await traced("revoke", isRoot: true) { await revoke(record) }
        case .find(let record): await traced("find lost token", isRoot: true) { await find(record) }
        }
    }

    private func revoke(_ record: LeaseRecord) async {
        CurrentSpan.set("daypass.store", record.key.store)
        CurrentSpan.set("daypass.lease", record.id.description)
        CurrentSpan.set("daypass.cause", record.cause?.rawValue ?? "")
        let source = source(of: record)
        guard let handle = record.token?.handle, let source else {
            change { state, _ in
                _ = state.table.revoked(record.id)
                state.countLeftToExpire([record])
            }
            return log.leftToExpire(record)
        }
        // That it has to be done is written first; when that can't be, it is done all the same.
        _ = await written()
        parts.hook(.afterRevoking)
        let result = await withinLimit(parts.revocationLimit) { () async throws(TokenStoreError) in
            try await source.revoke(handle, in: record.key.store)
        }
        switch result {
        case .success:
            parts.hook(.afterRevocation)
            let now = parts.clock.now
            change { state, _ in
                guard state.table.revoked(record.id) != nil else { return }
                state.stores[record.key.store, default: .init()].revoked += 1
            }
            log.revoked(record, now: now)
        case .failure(let error):
            CurrentSpan.fail(error.code.description)
            let chance = parts.random()
            let isGivenUp = change { state, now in
                state.stores[record.key.store, default: .init()].revocationsFailed += 1
                return state.table.revocationFailed(record.id, error, now: now, chance: chance)
            }
            log.revocationFailed(record, error, isGivenUp: isGivenUp)
        }
    }

    /// The store that minted a token, or the one of its name. `nil` when that has another address by now: it must not
    /// see the token, because it would learn it, and its answer would say nothing about it.
    private func source(of record: LeaseRecord) -> (any TokenSources)? {
        if let minter = state.withLock({ $0.table.entries[record.id]?.source }) { return minter }
        guard let origin = parts.sources.origin(of: record.key.store), !record.key.origin.isEmpty else {
            return parts.sources
        }
        return origin == record.key.origin ? parts.sources : nil
    }

    private func find(_ record: LeaseRecord) async {
        guard let source = source(of: record) else {
            // Another source would say that there is none.
            change { state, now in
                _ = state.table.found(record.id, nil, now: now, newID: parts.newID)
            }
            return log.searched(record, found: nil)
        }
        let result = await withinLimit(parts.revocationLimit) { () async throws(TokenStoreError) in
            try await source.find(
                record.id.tokenName,
                scope: record.key.scope,
                in: record.key.store
            )
        }
        switch result {
        case .success(let handles):
            change { state, now in
                _ = state.table.found(record.id, handles, now: now, newID: parts.newID)
            }
            log.searched(record, found: handles?.count)
        case .failure(let error):
            CurrentSpan.fail(error.code.description)
            let chance = parts.random()
            let isGivenUp = change { state, now in
                state.table.searchFailed(record.id, error, now: now, chance: chance)
            }
            log.searchFailed(record, error, isGivenUp: isGivenUp)
        }
    }
}

extension LeaseManager.State {
    mutating func countLeftToExpire(_ records: [LeaseRecord]) {
        for record in records { stores[record.key.store, default: .init()].leftToExpire += 1 }
    }

    /// Takes those who wait for mints that come to nothing.
    mutating func finish(_ ending: LeaseTable.Ending) -> [LeaseManager.Waiter] {
        countLeftToExpire(ending.leftToExpire)
        return ending.mints.flatMap { waiters.removeValue(forKey: $0)?.values.map { $0 } ?? [] }
    }
}
