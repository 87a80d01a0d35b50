// What is due, in which order, and how long nothing is.

import Support
import Testing
import TokenStore

@testable import Leases

struct LeaseTableTimeTests {
    private var bench = TableBench()

    @Test(arguments: [
        // The time of day jumps, then time passes: whether the lease is forgotten.
        (Int64(0), 3599.0, false), (0, 3600, true), (3600, 0, false), (3600, 3599, false), (3600, 3600, true),
        (-3600, 3600, false), (-3600, 7200, true),
    ])
    mutating func aLeaseIsOverWhenBothClocksSaySo(jump: Int64, passes: Double, isOver: Bool) {
        let id = bench.live()
        bench.jump(jump)
        bench.pass(passes)
        #expect(bench.table.tick(now: bench.now).expired.map(\.id) == (isOver ? [id] : []))
        #expect((bench.state(id) == nil) == isOver)
        if isOver { #expect(bench.table.current.isEmpty) }
    }

    @Test mutating func aTokenThatExpiredIsNotRevoked() {
        let id = bench.revoking(life: 10)
        #expect(bench.due() == [id])
        _ = bench.table.revocationFailed(id, TableBench.down, now: bench.now, chance: 0)
        bench.pass(10)
        let result = bench.table.tick(now: bench.now)
        #expect(result.work.isEmpty && result.expired.map(\.id) == [id])
        bench.write()
        #expect(bench.written.isEmpty)
    }

    @Test mutating func aRevocationThatRunsWhileItsTokenExpiresIsCountedOnce() {
        let id = bench.revoking(life: 10)
        _ = bench.due()
        bench.pass(10)
        _ = bench.table.tick(now: bench.now)
        #expect(bench.table.running == 0)
        #expect(bench.table.revoked(id) == nil)
        #expect(bench.table.revocationFailed(id, TableBench.down, now: bench.now, chance: 0) == false)
        #expect(bench.table.running == 0)
    }

    @Test(arguments: [
        // Life and handle: whether it is forgotten by its time alone.
        (3600.0 as Double?, true, true), (3600, false, true), (nil, true, false), (nil, false, true),
    ])
    mutating func whatNamesNoExpiryIsKeptWhileItCanBeRevoked(life: Double?, canRevoke: Bool, isForgotten: Bool) {
        let id = bench.live(life: life, canRevoke: canRevoke)
        #expect(bench.table.pause(now: bench.now, limit: .seconds(7200)) == .seconds(isForgotten ? 3600 : 7200))
        bench.pass(3600)
        _ = bench.table.tick(now: bench.now)
        #expect((bench.state(id) == nil) == isForgotten)
    }

    @Test(arguments: [true, false])
    mutating func aReplacedTokenGoesWhenItsGraceIsOver(canRevoke: Bool) {
        let old = bench.live(canRevoke: canRevoke)
        bench.pass(2500)
        let new = bench.live(canRevoke: canRevoke)
        #expect(bench.table.pause(now: bench.now, limit: .seconds(7200)) == .seconds(300))
        bench.pass(299.999)
        #expect(bench.due() == [])
        bench.pass(0.001)
        let result = bench.table.tick(now: bench.now)
        #expect(result.work.map(\.record.id) == (canRevoke ? [old] : []))
        #expect(result.leftToExpire.map(\.id) == (canRevoke ? [] : [old]))
        #expect(bench.table.entries[old]?.record.cause == (canRevoke ? .superseded : nil))
        #expect(bench.table.fresh(leaseKey(), now: bench.now)?.id == new)
    }

    @Test mutating func theTimeOfDayDoesNotTouchAGrace() {
        let old = bench.live()
        bench.pass(2500)
        _ = bench.live()
        bench.jump(900)
        bench.pass(299)
        #expect(bench.due() == [])
        bench.pass(1)
        #expect(bench.due() == [old])
    }

    @Test mutating func theLongestLifeIsEndedFirst() {
        let short = bench.revoking(leaseKey(pod: "a"), life: 600)
        let endless = bench.revoking(leaseKey(pod: "b"), life: nil)
        let long = bench.revoking(leaseKey(pod: "c"), life: 3600)
        let longest = bench.revoking(leaseKey(pod: "d"), life: 36_000)
        #expect(bench.due() == [endless, longest, long, short])
    }

    @Test mutating func onlySoManyRunAtOnce() {
        bench = TableBench { $0.concurrentRevocations = 2 }
        let ids = (0..<5).map { bench.revoking(leaseKey(pod: "p\($0)"), life: 3600 - Double($0)) }
        #expect(bench.due() == [ids[0], ids[1]])
        #expect(bench.due() == [])
        #expect(bench.table.running == 2)
        // There is work, but nobody to do it: nothing spins.
        #expect(bench.table.pause(now: bench.now, limit: .seconds(30)) == .seconds(30))
        _ = bench.table.revoked(ids[1])
        #expect(bench.table.pause(now: bench.now, limit: .seconds(30)) == .zero)
        #expect(bench.due() == [ids[2]])
        _ = bench.table.revocationFailed(ids[0], TableBench.down, now: bench.now, chance: 0)
        #expect(bench.due() == [ids[3]])
        _ = bench.table.revoked(ids[2])
        _ = bench.table.revoked(ids[3])
        #expect(bench.due() == [ids[4]])
        #expect(bench.table.running == 1)
    }

    /// A store that hangs holds up no other.
    @Test mutating func eachStoreHasItsOwnPlaces() {
        bench = TableBench { $0.concurrentRevocations = 2 }
        let dead = (0..<3).map { bench.revoking(leaseKey(pod: "p\($0)", store: "dead"), life: 7200 - Double($0)) }
        let other = bench.revoking(leaseKey(pod: "q", store: "github"), life: 60)
        #expect(bench.due() == [dead[0], dead[1], other])
    }

    @Test mutating func anEmptyTableWaitsForAsLongAsItMay() {
        #expect(bench.table.pause(now: bench.now, limit: .seconds(30)) == .seconds(30))
        _ = bench.intended()
        #expect(bench.table.pause(now: bench.now, limit: .seconds(30)) == .seconds(30))
        #expect(bench.due() == [])
    }
}
