// Mounts and mints: what the manager does for them, step by step.

import TokenStore

@testable import Leases

extension LeaseWorld {
    static let subject = Subject(namespace: "ns", serviceAccount: "sa", podName: "name", podUID: "")

    func key(_ pod: String, _ volume: Int, _ token: Int, _ repository: String) -> LeaseKey {
        // Each token of each volume has a store of its own kind.
        let kinds = Kind.allCases
        let kind = kinds[(volume * 2 + token + (Int(pod.dropFirst(4)) ?? 0)) % kinds.count]
        return leaseKey(
            pod: pod,
            volume: "v\(volume)",
            token: "t\(token)",
            store: kind.rawValue,
            repository: repository
        )
    }

    // MARK: Mounts

    mutating func beginMount() {
        // Now and then a Pod that has ended asks once more: kubelet is late, too.
        let alive = pods.filter { !$0.hasEnded }
        guard let pod = (chance(5) ? pods : alive).randomElement(using: &random) else { return }
        let volume = Int.random(in: 0...1, using: &random)
        // Now and then a class is changed, and the same token of the volume has another scope.
        let repository = chance(4) ? "o/other" : "o/r"
        let keys = (0...(chance(50) ? 0 : 1)).map { key(pod.uid, volume, $0, repository) }
        nextMount += 1
        let number = nextMount
        events.append("mount \(number) of \(pod.uid) v\(volume), \(keys.count) tokens in \(repository)")
        mounts[number] = Mount(pod: pod.uid, keys: keys)
        for (index, key) in keys.enumerated() { ask(number, index, key, pod) }
    }

    private mutating func ask(_ mount: Int, _ index: Int, _ key: LeaseKey, _ pod: Pod) {
        let id = newID()
        var subject = Self.subject
        subject.podUID = pod.uid
        switch table.ask(key, LeaseAsk(subject: subject, targetPath: "/\(pod.uid)/\(key.volume)"), id: id, now: now) {
        case .serve(let lease):
            serve(lease, key)
            mounts[mount]?.outcomes[index] = .lease(lease)
        case .ended:
            if !pod.isKnown { broken("served", "\(pod.uid) was refused as ended, and nobody said so") }
            mounts[mount]?.outcomes[index] = .failed
        case .join(let mint):
            if jobs[mint] == nil { broken("one mint", "a caller joins mint \(mint), which nobody makes") }
            waiters[mint, default: [:]][mount] = index
        case .mint:
            if let lease = promised[key], lease.isFresh(at: now) {
                broken("no second mint", "lease \(lease.id) of \(key.podUID) is fresh, and another is minted")
            }
            events.append("  mint \(id) for \(key.store)")
            waiters[id, default: [:]][mount] = index
            jobs[id] = Job(id: id, key: key)
        }
    }

    /// Ends a Mount: answered, failed, or given up by its caller.
    mutating func finishMount() {
        guard let number = mounts.filter({ $0.value.isReady }).keys.sorted().randomElement(using: &random),
            let mount = mounts.removeValue(forKey: number)
        else { return }
        let outcomes = mount.outcomes.values
        if outcomes.contains(.failed) {
            events.append("mount \(number) failed")
            if !mount.held.isEmpty { count("abandoned") }
            table.abandoned(mount.held, now: now)
        } else if outcomes.contains(.cancelled) || chance(8) {
            events.append("mount \(number) released")
            table.released(mount.held)
        } else {
            events.append("mount \(number) answered")
            deliver(mount)
        }
    }

    /// The caller goes: it waits for nothing any more.
    mutating func cancelMount(answersStale: Bool) {
        guard let number = mounts.keys.sorted().randomElement(using: &random), var mount = mounts[number] else {
            return
        }
        for mint in waiters.keys { leave(mint, number) }
        if !answersStale {
            for index in mount.keys.indices where mount.outcomes[index] == nil { mount.outcomes[index] = .cancelled }
            mounts[number] = mount
            events.append("mount \(number) cancelled")
            return
        }
        // Its time is out: what still lives is answered with.
        mounts[number] = nil
        table.released(mount.held)
        mount.outcomes = [:]
        for (index, key) in mount.keys.enumerated() {
            guard let lease = table.hold(key, now: now) else { break }
            serve(lease, key)
            mount.outcomes[index] = .lease(lease)
        }
        events.append("mount \(number) out of time, \(mount.isReady ? "answered" : "refused")")
        if mount.isReady { deliver(mount) } else { table.released(mount.held) }
    }

    private mutating func leave(_ mint: LeaseID, _ mount: Int) {
        waiters[mint]?[mount] = nil
        if waiters[mint]?.isEmpty == true { waiters[mint] = nil }
    }

    private mutating func deliver(_ mount: Mount) {
        table.delivered(mount.held, now: now)
        for outcome in mount.outcomes.values {
            guard case .lease(let lease) = outcome, let index = byLease[lease.id] else { continue }
            let isFirst = !tokens[index].wasDelivered
            count("delivered")
            tokens[index].wasDelivered = true
            let key = tokens[index].key
            if isFirst {
                for other in tokens.indices where tokens[other].key.isSamePlace(as: key) && other < index {
                    if tokens[other].followedAt == nil { tokens[other].followedAt = time }
                }
            }
            // One that is being replaced is promised to nobody.
            if table.entries[lease.id]?.record.state == .live { promised[key] = lease }
        }
    }

    /// What is kept of an answer is given again, without asking.
    mutating func republish() {
        guard
            let key = promised.keys.sorted(by: { ($0.podUID, $0.volume, $0.token) < ($1.podUID, $1.volume, $1.token) })
                .randomElement(using: &random),
            let lease = table.fresh(key, now: now)
        else { return }
        events.append("republish \(lease.id)")
        serve(lease, key)
    }

    // MARK: Mints

    mutating func stepJob() {
        guard let id = jobs.keys.sorted(by: { $0.value < $1.value }).randomElement(using: &random), let job = jobs[id]
        else { return }
        switch job.stage {
        case .queued: leaveQueue(job)
        case .intending, .settling: break
        case .intended(let isWritten):
            if isWritten { jobs[id]?.stage = .calling } else { endMint(job, "intent not written") }
            let calls = jobs.values.filter { $0.key == job.key && $0.stage == .calling }.count
            if calls > 1 { broken("one mint", "\(calls) calls for \(job.key.podUID)") }
            if isWritten, disk[id] == nil { broken("intent first", "the intent of \(id) is not in the journal") }
        case .calling: callStore(job)
        case .settled(let isWritten): settle(job, isWritten)
        }
    }

    private mutating func leaveQueue(_ job: Job) {
        if chance(5) { return endMint(job, "no turn") }
        guard waiters[job.id] != nil else {
            events.append("mint \(job.id) dropped")
            table.dropped(job.id)
            jobs[job.id] = nil
            return
        }
        guard table.intend(job.id, now: now) != nil else {
            events.append("mint \(job.id) comes too late")
            jobs[job.id] = nil
            return answer(job.id, .failed)
        }
        let ticket = pump()
        jobs[job.id]?.stage = queue.isDone(ticket) ? .intended(isWritten: true) : .intending(ticket)
    }

    private mutating func callStore(_ job: Job) {
        if isSourceDown || chance(15) {
            let isLost = chance(40)
            if isLost, !isSourceDown { mintUnheard(job) }
            if isLost { reportedLost.insert(job.id) }
            return endMint(job, isLost ? "answer lost" : "refused", tokenMayExist: isLost)
        }
        let token = mintToken(job)
        events.append("mint \(job.id) brings t\(token.number)")
        promised = promised.filter { !$0.key.isSamePlace(as: job.key) }
        table.minted(job.id, issued(token), now: now, chance: 0)
        let ticket = pump()
        jobs[job.id]?.stage = queue.isDone(ticket) ? .settled(isWritten: true) : .settling(ticket)
    }

    /// Perhaps the source mints a token that nobody hears of: at once, or when it comes to it.
    mutating func mintUnheard(_ job: Job) {
        if chance(40) { return }
        if chance(50) { return _ = mintToken(job) }
        late.append((job, time + .seconds(Int.random(in: 1...29, using: &random))))
    }

    private mutating func settle(_ job: Job, _ isWritten: Bool) {
        guard isWritten, !table.cameDead(job.id, now: now) else {
            events.append("mint \(job.id) \(isWritten ? "came dead" : "not written")")
            count(isWritten ? "came dead" : "lease not written")
            table.unsettled(job.id, isWritten ? .mountFailed : .notJournalled, now: now)
            jobs[job.id] = nil
            return answerOld(job)
        }
        jobs[job.id] = nil
        guard let lease = table.settled(job.id, holders: waiters[job.id]?.count ?? 0) else {
            events.append("mint \(job.id) ended meanwhile")
            return answer(job.id, .failed)
        }
        events.append("mint \(job.id) settled")
        // One of another scope that came at the same time is replaced now.
        promised = promised.filter { !$0.key.isSamePlace(as: job.key) }
        for _ in waiters[job.id] ?? [:] { serve(lease, job.key) }
        answer(job.id, .lease(lease))
    }

    mutating func endMint(_ job: Job, _ why: String, tokenMayExist: Bool = false) {
        events.append("mint \(job.id) failed: \(why)")
        count("mint failed: \(why)")
        _ = table.failed(job.id, tokenMayExist: tokenMayExist, now: now)
        jobs[job.id] = nil
        answerOld(job)
    }

    private mutating func answerOld(_ job: Job) {
        guard let old = table.usable(job.key, now: now) else { return answer(job.id, .failed) }
        let count = waiters[job.id]?.count ?? 0
        table.entries[old.id]?.holders += count
        if count > 0 {
            serve(old, job.key)
            self.count("stale")
        }
        answer(job.id, .lease(old))
    }

    private mutating func answer(_ mint: LeaseID, _ outcome: Outcome) {
        for (mount, index) in waiters.removeValue(forKey: mint) ?? [:] { mounts[mount]?.outcomes[index] = outcome }
    }
}
