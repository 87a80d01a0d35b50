// Ends of builds, revocations, the passing of time, and crashes.

import Support
import TokenStore

@testable import Leases

extension LeaseWorld {
    // MARK: Ends

    mutating func endPod() {
        guard let index = pods.indices.filter({ !pods[$0].hasEnded }).randomElement(using: &random) else { return }
        events.append("\(pods[index].uid) ends")
        pods[index].hasEnded = true
        addPod()
    }

    /// A detector says that a Pod has ended: one that ended, and for which there are leases.
    mutating func hearOfEnd(_ uid: String? = nil) {
        let known = Set(table.tracked.map(\.podUID))
        let candidates = pods.indices.filter { index in
            pods[index].hasEnded && (uid.map { $0 == pods[index].uid } ?? known.contains(pods[index].uid))
        }
        guard let index = candidates.randomElement(using: &random) else { return }
        events.append("it is known that \(pods[index].uid) has ended")
        pods[index].isKnown = true
        let uid = pods[index].uid
        finish(table.end(.pod(uid: uid, how: .deleted), now: now))
        promised = promised.filter { $0.key.podUID != uid }
    }

    mutating func volumeGone() {
        guard let volume = table.tracked.sorted(by: { $0.targetPath < $1.targetPath }).randomElement(using: &random)
        else { return }
        events.append("volume \(volume.volume) of \(volume.podUID) is gone")
        finish(table.end(.volume(podUID: volume.podUID, volume: volume.volume), now: now))
        promised = promised.filter { $0.key.podUID != volume.podUID || $0.key.volume != volume.volume }
        goneVolumes.insert("\(volume.podUID)/\(volume.volume)")
    }

    mutating func askedToRevoke(_ selection: LeaseSelection) {
        events.append("asked to revoke \(selection)")
        finish(table.revoke(selection, now: now))
        if case .store(let store) = selection {
            promised = promised.filter { $0.key.store != store }
            askedStores.insert(store)
        } else {
            promised = [:]
            askedStores = Set(Kind.allCases.map(\.rawValue))
        }
    }

    private mutating func finish(_ ending: LeaseTable.Ending) {
        for mint in ending.mints {
            for (mount, index) in waiters.removeValue(forKey: mint) ?? [:] { mounts[mount]?.outcomes[index] = .failed }
        }
        for record in ending.leftToExpire { excuse(record, "its source can't revoke it", onlyWithoutHandle: true) }
    }

    private mutating func excuse(_ record: LeaseRecord, _ why: String, onlyWithoutHandle: Bool = false) {
        guard let index = token(of: record) else { return }
        if onlyWithoutHandle, tokens[index].hasHandle {
            broken("nothing outlives", "t\(index) has a handle, and is left to expire")
        }
        tokens[index].excuse = why
    }

    // MARK: Time

    mutating func tick() {
        let result = table.tick(now: now)
        for record in result.expired { forget(record) }
        for record in result.leftToExpire { excuse(record, "replaced, and can't be revoked", onlyWithoutHandle: true) }
        for work in result.work {
            events.append("due: \(work.name)")
            let ticket = pump()
            let stage: WorkStage = queue.isDone(ticket) ? .calling(wasWritten: true) : .writing(ticket)
            if errands[work.record.id] != nil { broken("counters", "\(work.name) runs twice") }
            errands[work.record.id] = Errand(work: work, stage: stage)
        }
        checkPause()
    }

    /// The table forgot a record because its time is over.
    private mutating func forget(_ record: LeaseRecord) {
        events.append("forgotten: \(record.id) (\(record.state))")
        count("forgotten")
        guard record.issuedAt != nil else {
            if !reportedLost.contains(record.id) { broken("lost is reported", "\(record.id) was forgotten in silence") }
            for index in tokens.indices where tokens[index].lease == record.id {
                if lives(tokens[index]), !unsearched.contains(record.id),
                    kind(record.key.store) == .named || kind(record.key.store) == .endless
                {
                    broken("lost is found", "t\(index) lives, can be found, and is forgotten")
                }
                tokens[index].excuse = "lost, and reported"
            }
            return
        }
        guard let index = token(of: record), lives(tokens[index]) else { return }
        let token = tokens[index]
        if token.endsAt == nil && !token.hasHandle {
            tokens[index].excuse = "its end is not known, and it can't be revoked"
        } else if wallError > .zero, token.clockError > .zero {
            tokens[index].excuse = "a clock that is fast says that it has ended"
        } else {
            broken("nothing outlives", "t\(index) lives, and is forgotten as if it had ended")
        }
    }

    mutating func advance(_ step: Duration) {
        events.append("\(step) pass")
        let end = time + step
        // Sources that were slow come to their mints meanwhile.
        for (job, at) in late where at <= end {
            time = max(time, at)
            let token = mintToken(job)
            events.append("  mint \(job.id) brings t\(token.number), late and unheard")
            count("late mint")
        }
        late.removeAll { $0.at <= end }
        time = end
    }

    mutating func jump() {
        wallError =
            [Duration.zero, .zero, .seconds(3600), .seconds(-3600), .seconds(-30)].randomElement(using: &random)
            ?? .zero
        events.append("the time of day is wrong by \(wallError)")
    }

    // MARK: Revocations and searches

    mutating func stepErrand() {
        let ready = errands.filter { if case .calling = $0.value.stage { true } else { false } }.keys
        guard let id = ready.sorted(by: { $0.value < $1.value }).randomElement(using: &random),
            let errand = errands.removeValue(forKey: id), case .calling(let wasWritten) = errand.stage
        else { return }
        switch errand.work {
        case .revoke(let record): revoke(record, wasWritten: wasWritten)
        case .find(let record): find(record)
        }
    }

    private mutating func revoke(_ record: LeaseRecord, wasWritten: Bool) {
        guard let handle = record.token?.handle else {
            events.append("\(record.id) can't be revoked")
            excuse(record, "its source can't revoke it", onlyWithoutHandle: true)
            _ = table.revoked(record.id)
            return
        }
        guard let index = number(handle.identifier) else { return broken("handles", handle.identifier) }
        checkRevocation(of: index, record)
        let isDown = isSourceDown || chance(20)
        // The answer of a revocation may be lost, too.
        if !isDown || chance(30) {
            tokens[index].isRevoked = true
            if !wasWritten { tokens[index].excuse = "revoked while the journal could not be written" }
        }
        if isDown {
            events.append("\(record.id) (t\(index)) not revoked")
            let retryAt = chance(20) ? now.wall.advanced(by: .seconds(90)) : nil
            let error = TokenStoreError(.unavailable, "down", retryAt: retryAt)
            let isGivenUp = table.revocationFailed(record.id, error, now: now, chance: 0.5)
            count("not revoked")
            if isGivenUp { count("given up") }
            if isGivenUp { events.append("\(record.id) given up") }
        } else {
            events.append("\(record.id) (t\(index)) revoked, \(record.cause?.rawValue ?? "")")
            count("revoked: \(record.cause?.rawValue ?? "")")
            _ = table.revoked(record.id)
        }
    }

    private mutating func find(_ record: LeaseRecord) {
        let kind = kind(record.key.store)
        if isSourceDown || chance(20) {
            events.append("search for \(record.id) failed")
            let error = TokenStoreError(.unavailable, "down")
            if table.searchFailed(record.id, error, now: now, chance: 0.5) {
                count("search given up")
                unsearched.insert(record.id)
            }
            return
        }
        guard kind == .named || kind == .endless else {
            events.append("\(record.id) can't be found")
            _ = table.found(record.id, nil, now: now, newID: { LeaseID(0) })
            return
        }
        let handles = tokens.filter { $0.lease == record.id && lives($0) }
            .map { RevocationHandle(identifier: "t\($0.number)") }
        events.append("search for \(record.id) found \(handles.count)")
        count("found \(handles.count)")
        let ids = handles.map { _ in newID() }
        var next = 0
        _ = table.found(record.id, handles, now: now) {
            defer { next += 1 }
            return ids[next]
        }
    }

    // MARK: Crashes

    /// The daemon dies and starts anew on what the journal has.
    mutating func crash(reboots: Bool) {
        events.append(reboots ? "CRASH and reboot" : "CRASH")
        if let (write, _) = write, chance(50), !isJournalFull { commit(write) }
        write = nil
        for id in jobs.keys.sorted(by: { $0.value < $1.value }) {
            guard let job = jobs[id], job.stage == .calling, !isSourceDown else { continue }
            mintUnheard(job)
        }
        for id in errands.keys.sorted(by: { $0.value < $1.value }) {
            guard case .revoke(let record)? = errands[id]?.work, case .calling(let wasWritten)? = errands[id]?.stage,
                let index = record.token?.handle.flatMap({ number($0.identifier) }), chance(50)
            else { continue }
            tokens[index].isRevoked = true
            if !wasWritten { tokens[index].excuse = "revoked while the journal could not be written" }
        }
        jobs = [:]
        errands = [:]
        waiters = [:]
        mounts = [:]
        if reboots {
            bootedAt = time - .seconds(20)
            boot += 1
        }
        let isSameBoot = disk.keys.allSatisfy { writtenIn[$0] == boot }
        if !isSameBoot {
            promised = [:]
            for index in tokens.indices { tokens[index].wasRebased = true }
            for index in tokens.indices { tokens[index].clockError = wallError }
        }
        for index in pods.indices { pods[index].isKnown = false }
        table = LeaseTable(schedule: schedule)
        queue = JournalQueue()
        let records = disk.values.sorted { $0.intendedAt.steady < $1.intendedAt.steady }
        let restored = table.restore(records, isSameBoot: isSameBoot, now: now)
        reportedLost.formUnion(restored.lost.map(\.id))
        for entry in table.entries.values where entry.record.state == .superseded {
            if let index = token(of: entry.record), tokens[index].followedAt == nil { tokens[index].followedAt = time }
        }
        count(reboots ? "reboot" : "crash")
        events.append("  \(restored.live) live, \(restored.revoking) revoking, \(restored.lost.count) lost")
    }
}

extension LeaseTable.Work {
    var record: LeaseRecord {
        switch self {
        case .revoke(let record), .find(let record): record
        }
    }
    var name: String {
        switch self {
        case .revoke(let record): "revoke \(record.id)"
        case .find(let record): "find \(record.id)"
        }
    }
}
