// A store that points elsewhere, and a Pod whose scope changes.

import Support
import Testing
import TokenStore

@testable import Leases

struct StorePlaceTests {
    /// A volume has one token of a name: a narrower one takes the place of the wide one, which has its grace period.
    @Test func anotherScopeReplacesTheTokenOfItsPlace() {
        var bench = TableBench()
        let wide = bench.live(leaseKey(repository: "o/wide"))
        bench.pass(1)
        let narrow = bench.live(leaseKey(repository: "o/narrow"))
        #expect(bench.table.entries[wide]?.record.state == .superseded)
        #expect(bench.table.fresh(leaseKey(repository: "o/wide"), now: bench.now) == nil)
        #expect(bench.table.fresh(leaseKey(repository: "o/narrow"), now: bench.now)?.id == narrow)
        bench.pass(299)
        #expect(bench.due() == [])
        bench.pass(1)
        #expect(bench.due() == [wide])
    }

    @Test func aNewTokenThatNobodyGotLeavesTheOldOneInItsPlace() {
        var bench = TableBench()
        let wide = bench.live(leaseKey(repository: "o/wide"))
        bench.pass(1)
        let narrow = bench.held(leaseKey(repository: "o/narrow"))
        bench.table.abandoned([narrow], now: bench.now)
        #expect(bench.table.fresh(leaseKey(repository: "o/wide"), now: bench.now)?.id == wide)
        #expect(bench.due() == [narrow])
    }

    /// Two scopes are on their way at once: the one that is settled last replaces what came before it.
    @Test func ofTwoScopesAtOnceOneIsLeft() {
        var bench = TableBench()
        let first = bench.minted(leaseKey(repository: "o/first"))
        bench.pass(1)
        let second = bench.minted(leaseKey(repository: "o/second"))
        _ = bench.table.settled(first, holders: 1)
        #expect(bench.state(first) == .live)
        _ = bench.table.settled(second, holders: 1)
        #expect(bench.state(first) == .superseded && bench.state(second) == .live)
        #expect(bench.table.usable(leaseKey(repository: "o/first"), now: bench.now) == nil)
    }

    /// Both were answered with while a third is on its way, which comes to nothing: both stay.
    @Test func allThatWereOnlyAboutToBeReplacedStay() {
        var bench = TableBench()
        let late = bench.minted(leaseKey(repository: "o/late"))
        bench.pass(1)
        let early = bench.live(leaseKey(repository: "o/early"))
        _ = bench.table.settled(late, holders: 1)
        bench.pass(1)
        let third = bench.minted(leaseKey(repository: "o/third"))
        #expect(bench.state(late) == .superseded && bench.state(early) == .superseded)
        bench.table.unsettled(third, .notJournalled, now: bench.now)
        #expect(bench.state(late) == .live && bench.state(early) == .live)
        #expect(bench.table.usable(leaseKey(repository: "o/late"), now: bench.now)?.id == late)
        #expect(bench.table.usable(leaseKey(repository: "o/early"), now: bench.now)?.id == early)
    }

    /// A store of the same name at another address must not see the tokens of the old one.
    @Test func aTokenIsNotShownToAStoreThatMoved() async throws {
        let bench = ManagerBench()
        var key = leaseKey()
        key.origin = "https://old.example"
        bench.sources.setOrigin("https://old.example")
        let journal = MemoryJournal()
        try await bench.run(journal) { manager in
            let ask = LeaseAsk(subject: TableBench.ask.subject, targetPath: "")
            let answer = try await manager.lease(key, ask, within: .seconds(20))
            manager.delivered([answer.lease.id])
        }
        bench.sources.setOrigin("https://new.example")
        try await bench.run(journal) { manager in
            var moved = key
            moved.origin = "https://new.example"
            #expect(manager.fresh(moved) == nil)
            manager.ended(.pod(uid: key.podUID, how: .deleted))
            await until { manager.counts.leftToExpire == 1 }
            #expect(manager.counts.leftToExpire == 1 && bench.sources.revocations.isEmpty)
            #expect(manager.summaries.isEmpty)
        }
    }
}
