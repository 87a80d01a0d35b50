// The table of the next daemon: what the journal makes of the leases.

import Testing
import TokenStore

@testable import Leases

struct LeaseTableRestoringTests {
    private var bench = TableBench()

    /// A lease in every state, written.
    private mutating func filled() -> [LeaseState: LeaseID] {
        let old = bench.live()
        bench.pass(2500)
        let new = bench.live()
        let revoking = bench.revoking(leaseKey(pod: "gone"))
        let lost = bench.lost(leaseKey(pod: "p2"))
        let intended = bench.intended(leaseKey(pod: "p3"))
        bench.write()
        return [.superseded: old, .live: new, .revoking: revoking, .lost: lost, .intended: intended]
    }

    private func restored(isSameBoot: Bool = true, at now: Moment) -> (LeaseTable, LeaseTable.Restored) {
        var schedule = LeaseSchedule()
        schedule.searchDelay = .zero
        var table = LeaseTable(schedule: schedule)
        let records = bench.written.values.sorted { $0.intendedAt.steady < $1.intendedAt.steady }
        let restored = table.restore(records, isSameBoot: isSameBoot, now: now)
        return (table, restored)
    }

    @Test mutating func theChangesAreWhatAJournalNeeds() {
        _ = filled()
        let whole = Dictionary(uniqueKeysWithValues: bench.table.journalled.map { ($0.id, $0) })
        #expect(bench.written == whole)
        #expect(whole.count == 5)
    }

    @Test mutating func eachStateGoesOnWhereItWas() {
        let ids = filled()
        var (table, restored) = restored(at: bench.now)
        #expect(restored.live == 1 && restored.superseded == 1 && restored.revoking == 1)
        #expect(Set(restored.lost.map(\.id)) == Set([ids[.lost], ids[.intended]].compactMap(\.self)))
        #expect(table.fresh(leaseKey(), now: bench.now)?.id == ids[.live])
        #expect(table.fresh(leaseKey(), now: bench.now)?.token == bench.table.fresh(leaseKey(), now: bench.now)?.token)
        let work = table.tick(now: bench.now).work
        #expect(Set(work.map(\.record.id)) == Set([ids[.lost], ids[.intended], ids[.revoking]].compactMap(\.self)))
        // The grace that had begun goes on.
        _ = table.revoked(ids[.revoking] ?? LeaseID(0))
        #expect(table.pause(now: bench.now, limit: .seconds(1000)) == .seconds(300))
        #expect(table.tracked.map(\.podUID) == ["pod"])
    }

    @Test mutating func onlyWhatIsOtherThanBeforeIsWrittenAgain() {
        let ids = filled()
        var (table, _) = restored(at: bench.now)
        let changes = table.takeChanges()
        #expect(changes.count == 1)
        guard case .put(let record)? = changes.first else { return }
        #expect(record.id == ids[.intended] && record.state == .lost)
    }

    @Test mutating func aReplacedTokenWhoseFollowerNobodyIsKnownToHaveGetsItsGraceNow() {
        let old = bench.live()
        bench.pass(2500)
        _ = bench.held()
        bench.write()
        bench.pass(200)
        var (table, _) = restored(at: bench.now)
        #expect(table.entries[old]?.record.endedAt == bench.now)
        #expect(table.takeChanges().count == 1)
    }

    @Test mutating func whatTheDaemonOfBeforeServedIsNotRevokedByAFailedMount() {
        let id = bench.live()
        bench.write()
        var (table, _) = restored(at: bench.now)
        _ = table.ask(leaseKey(), TableBench.ask, id: LeaseID(50), now: bench.now)
        table.abandoned([id], now: bench.now)
        #expect(table.entries[id]?.record.state == .live)
    }

    @Test(arguments: [
        // Seconds that the machine was away, by the time of day: whether the lease is fresh and usable then.
        (100.0, true, true), (2400, false, true), (3600, false, false),
    ])
    mutating func afterABootTheTimeOfDayCounts(away: Double, isFresh: Bool, isUsable: Bool) {
        _ = bench.live()
        bench.write()
        let now = Moment(wall: bench.now.wall.advanced(by: .seconds(away)), steady: .seconds(3))
        let (table, _) = restored(isSameBoot: false, at: now)
        #expect((table.fresh(leaseKey(), now: now) != nil) == isFresh)
        #expect((table.usable(leaseKey(), now: now) != nil) == isUsable)
        // From then on both clocks count again.
        let later = Moment(wall: now.wall, steady: .seconds(3 + 3600 - away))
        #expect(table.usable(leaseKey(), now: later) == nil)
    }

    @Test mutating func whatExpiredWhileTheDaemonWasAwayIsForgotten() {
        let ids = filled()
        bench.pass(4000)
        var (table, _) = restored(at: bench.now)
        let result = table.tick(now: bench.now)
        #expect(
            Set(result.expired.map(\.id)) == Set([ids[.live], ids[.superseded], ids[.revoking]].compactMap(\.self))
        )
        // Nobody looked for the lost ones yet.
        #expect(Set(result.work.map(\.record.id)) == Set([ids[.lost], ids[.intended]].compactMap(\.self)))
    }

    @Test mutating func triesBeginAnewAfterARestart() {
        let id = bench.revoking(life: nil)
        for _ in 0..<bench.table.schedule.mostTries {
            _ = bench.due()
            _ = bench.table.revocationFailed(id, TableBench.down, now: bench.now, chance: 0)
            bench.pass(301)
        }
        bench.write()
        var (table, _) = restored(at: bench.now)
        #expect(table.tick(now: bench.now).work.map(\.record.id) == [id])
    }
}
