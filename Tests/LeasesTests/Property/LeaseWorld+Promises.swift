// The promises that must hold whatever happens, each under its name.

import TokenStore

@testable import Leases

extension LeaseWorld {
    /// A caller is given a lease.
    mutating func serve(_ lease: Lease, _ key: LeaseKey) {
        count("served")
        guard let index = byLease[lease.id] else { return broken("served", "a lease of no mint, \(lease.id)") }
        let token = tokens[index]
        if lease.token.secret != Secret(utf8: "t\(index)") || token.key != key {
            broken("served to its own only", "t\(index) of \(token.key.podUID) went to \(key.podUID)")
        }
        if pods.contains(where: { $0.uid == key.podUID && $0.isKnown }) {
            broken("served to the living only", "t\(index) went to \(key.podUID), which has ended")
        }
        if token.isRevoked, token.excuse == nil { broken("served alive", "t\(index) is revoked") }
        // A clock that was slow when the token came and still is can't know better.
        if let end = token.endsAt, time >= end, wallError >= .zero || token.clockError >= .zero {
            broken("served alive", "t\(index) ended \(time - end) ago")
        }
        if disk[lease.id]?.token?.secret != lease.token.secret {
            broken("served from the journal", "t\(index) is not written")
        }
        tokens[index].wasServed = true
    }

    /// A source is asked to end a token.
    mutating func checkRevocation(of index: Int, _ record: LeaseRecord) {
        let token = tokens[index]
        let what = "t\(index) of \(token.key.podUID)"
        if token.lease != record.id, record.cause == .lostAnswer || record.cause == nil {
            if token.wasServed { broken("only the lost are searched", "\(what) was served") }
            return
        }
        switch record.cause {
        case .buildEnded:
            if !pods.contains(where: { $0.uid == token.key.podUID && $0.hasEnded }) {
                broken("revoked at the end only", "\(what) runs")
            }
        case .volumeGone:
            if !goneVolumes.contains("\(token.key.podUID)/\(token.key.volume)") {
                broken("revoked at the end only", "the volume of \(what) is there")
            }
        case .asked:
            if !askedStores.contains(token.key.store) { broken("revoked at the end only", "nobody asked for \(what)") }
        case .superseded:
            guard !token.wasRebased else { return }
            guard let begin = token.followedAt else { return broken("grace", "nobody has the follower of \(what)") }
            if time - begin < schedule.grace { broken("grace", "\(what) was followed \(time - begin) ago") }
        case .mountFailed, .notJournalled, .lostAnswer, nil:
            if token.wasDelivered { broken("what a Pod holds stays", "\(what), \(record.cause?.rawValue ?? "")") }
            if mounts.values.contains(where: { $0.held.contains(record.id) }) {
                broken("what a Mount holds stays", "\(what), \(record.cause?.rawValue ?? "")")
            }
        }
    }

    /// Nothing is due before the pause is over, and something then.
    mutating func checkPause() {
        let day = Duration.seconds(86_400)
        let pause = table.pause(now: now, limit: day)
        guard pause > .zero else { return broken("no busy loop", "a pause of \(pause)") }
        var early = table
        _ = early.takeChanges()
        let before = early.tick(now: now.advanced(by: pause - .nanoseconds(1)))
        if !before.work.isEmpty || !before.expired.isEmpty || !early.changes.isEmpty {
            broken("nothing is late", "\(before.work.map(\.name)) \(early.changes.count) before \(pause) are over")
        }
        guard pause < day else { return }
        var late = table
        _ = late.takeChanges()
        let after = late.tick(now: now.advanced(by: pause))
        if after.work.isEmpty, after.expired.isEmpty, late.changes.isEmpty {
            broken("no busy loop", "nothing is due after \(pause)")
        }
    }

    /// What must be true at every moment.
    mutating func check() {
        checkCounters()
        for index in tokens.indices where lives(tokens[index]) && tokens[index].excuse == nil { checkKnown(index) }
        let ticket = pump()
        if write == nil, queue.isDone(ticket) { checkReplay() }
    }

    private mutating func checkCounters() {
        let busy = table.entries.values.filter(\.isBusy).count
        let byStore = Dictionary(grouping: table.entries.values.filter(\.isBusy), by: \.record.key.store)
        let most = byStore.values.map(\.count).max() ?? 0
        if busy != table.running || !(0...schedule.concurrentRevocations).contains(most) {
            broken("counters", "\(busy) run, and \(table.running) are counted")
        }
        var held: [LeaseID: Int] = [:]
        for mount in mounts.values { for id in mount.held { held[id, default: 0] += 1 } }
        for (id, entry) in table.entries {
            if entry.holders != held[id, default: 0] {
                broken("counters", "\(id) has \(held[id, default: 0]) holders, counted are \(entry.holders)")
            }
            let isMinting = entry.record.state == .intended || !entry.isSettled && entry.record.state == .live
            if isMinting, jobs[id] == nil { broken("no leak", "\(id) is \(entry.record.state), and nobody mints it") }
            if isMinting, table.minting[entry.record.key] != id {
                broken("one mint", "\(id) is not the mint of its key")
            }
            if entry.isBusy, errands[id] == nil { broken("no leak", "\(id) is busy with nothing") }
        }
        for (key, id) in table.current {
            let state = table.entries[id]?.record.state
            let isReplaced = state == .superseded && table.minting.keys.contains { $0.isSamePlace(as: key) }
            if state != .live, !isReplaced { broken("no leak", "the current \(id) is \(state?.rawValue ?? "gone")") }
        }
        for (_, id) in table.minting where jobs[id] == nil { broken("no leak", "nobody makes mint \(id)") }
        for id in waiters.keys where jobs[id] == nil { broken("nobody waits for ever", "for mint \(id)") }
    }

    /// A token that lives is in the table; one that was served is in the journal, too.
    private mutating func checkKnown(_ index: Int) {
        let token = tokens[index]
        let isInTable =
            table.entries[token.lease] != nil
            || table.entries.values.contains { $0.record.token?.handle?.identifier == "t\(index)" }
        if !isInTable { broken("no orphan", "t\(index) lives, and the table does not know it") }
        if token.wasServed, disk[token.lease]?.token == nil {
            broken("the journal has it", "t\(index) was served, and is not in the journal")
        }
    }

    /// The journal holds what the table would write anew.
    private mutating func checkReplay() {
        let whole = table.journalled
        for record in whole where disk[record.id] != record { broken("replay", "\(record.id) differs") }
        if whole.count != disk.count { broken("replay", "\(disk.count) written, \(whole.count) belong there") }
    }

    // MARK: The end

    /// Everything becomes well, and all Pods end: nothing may be left.
    mutating func conclude() {
        events.append("all becomes well, and all Pods end")
        wallError = .zero
        isJournalFull = false
        isSourceDown = false
        for index in pods.indices { pods[index].hasEnded = true }
        advance(.seconds(30))
        for round in 0..<600 where violation == nil {
            settleDown()
            for uid in Set(table.tracked.map(\.podUID)).sorted() { hearOfEnd(uid) }
            tick()
            settleDown()
            check()
            let left = tokens.indices.filter { lives(tokens[$0]) && tokens[$0].excuse == nil && !isLost($0) }
            if left.isEmpty { break }
            if round > 300, table.entries.values.contains(where: \.isGivenUp) { askedToRevoke(.all) }
            if round == 599 { broken("nothing outlives", "\(left.map { "t\($0)" }) live on") }
            advance(max(table.pause(now: now, limit: .seconds(30)), .milliseconds(1)))
        }
        for _ in 0..<40 where violation == nil {
            // What was given up and has no end of its own waits for an operator.
            if table.entries.values.contains(where: { $0.isGivenUp && $0.record.state == .revoking }) {
                askedToRevoke(.all)
            }
            advance(.seconds(7200))
            tick()
            settleDown()
            check()
        }
        guard violation == nil else { return }
        if !table.entries.isEmpty || !table.current.isEmpty || !table.minting.isEmpty || !table.endedPods.isEmpty {
            let states = table.entries.values.map { "\($0.record.id) \($0.record.state) given up: \($0.isGivenUp)" }
            broken("no leak", "left in the table: \(states), \(table.endedPods.count) Pods")
        }
        if !disk.isEmpty || table.running != 0 { broken("no leak", "left in the journal: \(disk.count)") }
    }

    private func isLost(_ index: Int) -> Bool {
        guard let entry = table.entries[tokens[index].lease], entry.record.state == .lost else { return false }
        let kind = kind(tokens[index].key.store)
        return kind != .named && kind != .endless && reportedLost.contains(entry.record.id)
    }

    /// Whatever runs comes to its end.
    private mutating func settleDown() {
        for _ in 0..<2000 {
            guard !jobs.isEmpty || !errands.isEmpty || !mounts.isEmpty || write != nil || !queue.isDone(pump()) else {
                return
            }
            startWrite()
            finishWrite()
            stepJob()
            stepErrand()
            finishMount()
        }
        broken("nobody waits for ever", "\(jobs.count) mints, \(errands.count) errands, \(mounts.count) Mounts")
    }
}
