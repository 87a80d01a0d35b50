// From the intent to the Mount that got the lease.

import Testing
import TokenStore

@testable import Leases

struct LeaseTableMintingTests {
    private var bench = TableBench()

    // MARK: Asking

    @Test mutating func theFirstMintsTheSecondJoinsAndLaterOnesAreServed() {
        #expect(bench.ask() == .mint)
        let mint = bench.table.minting[leaseKey()]
        #expect(bench.ask() == mint.map { .join($0) })
        let id = mint ?? LeaseID(0)
        _ = bench.table.intend(id, now: bench.now)
        bench.table.minted(id, bench.token(id), now: bench.now, chance: 0)
        // What is not in the journal is given to nobody.
        #expect(bench.ask() == .join(id))
        #expect(bench.table.fresh(leaseKey(), now: bench.now) == nil)
        #expect(bench.table.usable(leaseKey(), now: bench.now) == nil)
        let lease = bench.table.settled(id, holders: 2)
        #expect(lease?.id == id)
        #expect(bench.ask() == lease.map { .serve($0) })
        #expect(bench.table.entries[id]?.holders == 3)
        #expect(bench.table.minting.isEmpty)
    }

    @Test mutating func otherPodsVolumesTokensStoresAndScopesAreOtherLeases() {
        _ = bench.live()
        for key in [
            leaseKey(pod: "other"), leaseKey(volume: "other"), leaseKey(token: "other"), leaseKey(store: "other"),
            leaseKey(repository: "o/other"),
        ] { #expect(bench.ask(key) == .mint, "\(key)") }
    }

    @Test mutating func aNewPathOfTheVolumeIsWrittenDown() {
        let id = bench.live()
        bench.write()
        let moved = LeaseAsk(subject: TableBench.ask.subject, targetPath: "/other")
        _ = bench.table.ask(leaseKey(), moved, id: LeaseID(99), now: bench.now)
        bench.write()
        #expect(bench.written[id]?.targetPath == "/other")
        #expect(bench.table.tracked.map(\.targetPath) == ["/other"])
    }

    @Test mutating func aRefreshIsOneMintAndTheOldTokenIsServedUntilTheNewIsWritten() {
        let old = bench.live()
        bench.pass(2399)
        #expect(bench.table.fresh(leaseKey(), now: bench.now)?.id == old)
        bench.pass(1)
        #expect(bench.table.fresh(leaseKey(), now: bench.now) == nil)
        let new = bench.minted()
        #expect(bench.state(old) == .superseded)
        #expect(bench.ask() == .join(new))
        #expect(bench.table.usable(leaseKey(), now: bench.now)?.id == old)
        #expect(bench.table.settled(new, holders: 1)?.id == new)
        #expect(bench.table.usable(leaseKey(), now: bench.now)?.id == new)
    }

    @Test mutating func aTokenIsReplacedWhenItsStoreWishes() {
        _ = bench.ask()
        let id = bench.table.minting[leaseKey()] ?? LeaseID(0)
        _ = bench.table.intend(id, now: bench.now)
        var token = leaseToken("renewed-by-others", expiresAt: nil, canRevoke: false)
        token.refreshAfter = .seconds(300)
        bench.table.minted(id, token, now: bench.now, chance: 0)
        _ = bench.table.settled(id, holders: 1)
        bench.pass(299)
        #expect(bench.table.fresh(leaseKey(), now: bench.now)?.id == id)
        bench.pass(1)
        #expect(bench.ask() == .mint)
        // It lives on: when the store has nothing, it is still there.
        #expect(bench.table.usable(leaseKey(), now: bench.now)?.id == id)
    }

    // MARK: Intents

    @Test mutating func anIntentIsWrittenWhenTheMintsTurnHasCome() {
        _ = bench.ask()
        bench.write()
        #expect(bench.written.isEmpty && bench.table.journalled.isEmpty)
        let id = bench.table.minting[leaseKey()] ?? LeaseID(0)
        #expect(bench.table.intend(id, now: bench.now)?.state == .intended)
        bench.write()
        #expect(bench.written[id]?.state == .intended)
        #expect(bench.written[id]?.token == nil)
    }

    @Test mutating func aMintThatWasNotMadeLeavesNothing() {
        _ = bench.ask()
        bench.table.dropped(bench.table.minting[leaseKey()] ?? LeaseID(0))
        #expect(bench.table.entries.isEmpty && bench.table.minting.isEmpty)
        #expect(bench.ask() == .mint)
    }

    @Test(arguments: [
        BuildEnd.pod(uid: "pod", how: .succeeded), .volume(podUID: "pod", volume: "creds"),
    ])
    mutating func anIntentOfABuildThatEndedMeanwhileIsNotMade(end: BuildEnd) {
        _ = bench.ask()
        let id = bench.table.minting[leaseKey()] ?? LeaseID(0)
        #expect(bench.table.end(end, now: bench.now).mints == [id])
        #expect(bench.table.intend(id, now: bench.now) == nil)
        #expect(bench.table.entries.isEmpty && bench.table.minting.isEmpty)
    }

    // MARK: Mints that fail

    @Test mutating func aFailedMintLeavesNothingBehind() {
        let id = bench.intended()
        #expect(bench.table.failed(id, tokenMayExist: false, now: bench.now) == nil)
        #expect(bench.table.entries.isEmpty)
        bench.write()
        #expect(bench.written.isEmpty)
        #expect(bench.ask() == .mint)
    }

    @Test mutating func aMintWhoseAnswerIsLostIsRememberedAndTheNextOneIsAnother() {
        let id = bench.lost()
        #expect(bench.state(id) == .lost)
        #expect(bench.ask() == .mint)
        bench.write()
        #expect(bench.written[id]?.state == .lost)
        #expect(bench.due() == [id])
    }

    @Test mutating func aFailedRefreshGivesTheOldTokenWhileItLives() {
        let old = bench.live()
        bench.pass(3000)
        let first = bench.intended()
        #expect(bench.table.failed(first, tokenMayExist: true, now: bench.now)?.id == old)
        bench.pass(599)
        let second = bench.intended()
        #expect(bench.table.failed(second, tokenMayExist: false, now: bench.now)?.id == old)
        bench.pass(1)
        let third = bench.intended()
        #expect(bench.table.failed(third, tokenMayExist: false, now: bench.now) == nil)
    }

    @Test mutating func aTokenThatCouldNotBeWrittenIsRevokedAndTheOldOneComesBack() {
        let old = bench.live()
        bench.pass(2500)
        let new = bench.minted()
        bench.table.unsettled(new, .notJournalled, now: bench.now)
        #expect(bench.table.entries[new]?.record.cause == .notJournalled)
        #expect(bench.state(old) == .live)
        #expect(bench.table.usable(leaseKey(), now: bench.now)?.id == old)
        #expect(bench.ask() == .mint)
        #expect(bench.due() == [new])
        bench.write()
        #expect(bench.written[old]?.state == .live)
    }

    @Test mutating func aTokenThatCameDeadIsRevokedUntilItsSourceSaysSo() {
        let id = bench.minted(life: -5)
        #expect(bench.table.cameDead(id, now: bench.now))
        bench.table.unsettled(id, .mountFailed, now: bench.now)
        #expect(bench.due() == [id])
        _ = bench.table.revocationFailed(id, TableBench.down, now: bench.now, chance: 0)
        bench.pass(1)
        #expect(bench.due() == [id])
        #expect(bench.table.revoked(id)?.id == id)
        #expect(bench.table.entries.isEmpty)
    }

    @Test mutating func aTokenThatEndsWhileItIsWrittenCameDead() {
        let id = bench.minted(life: 10)
        #expect(!bench.table.cameDead(id, now: bench.now))
        bench.pass(10)
        #expect(bench.table.cameDead(id, now: bench.now))
        // A mint that is not over is not forgotten under its callers.
        #expect(bench.table.tick(now: bench.now).expired.isEmpty)
        #expect(bench.state(id) == .live)
    }

    // MARK: What became of a Mount

    @Test mutating func theGraceOfAReplacedTokenBeginsWithTheFirstAnswer() {
        let old = bench.live()
        bench.pass(2500)
        let new = bench.held()
        bench.pass(1000)
        #expect(bench.due() == [])
        #expect(bench.state(old) == .superseded)
        bench.table.delivered([new], now: bench.now)
        bench.pass(50)
        // A second answer changes nothing.
        _ = bench.ask()
        bench.table.delivered([new], now: bench.now)
        #expect(bench.table.entries[old]?.record.endedAt == bench.now.advanced(by: .seconds(-50)))
    }

    @Test mutating func whatWasReplacedInTurnDoesNotEndItself() {
        let first = bench.held()
        bench.pass(2500)
        let second = bench.minted()
        // The Mount of the first is answered only now.
        bench.table.delivered([first], now: bench.now)
        #expect(bench.table.entries[first]?.record.endedAt == nil)
        bench.table.unsettled(second, .notJournalled, now: bench.now)
        #expect(bench.state(first) == .live)
    }

    @Test mutating func aChainOfReplacedTokensEndsTogether() {
        let first = bench.live(life: 36_000)
        bench.pass(30_000)
        let second = bench.held(life: 1000)
        bench.table.released([second])
        bench.pass(800)
        let third = bench.held()
        #expect(bench.state(first) == .superseded && bench.state(second) == .superseded)
        bench.table.delivered([third], now: bench.now)
        #expect(bench.table.entries[first]?.record.endedAt == bench.now)
        #expect(bench.table.entries[second]?.record.endedAt == bench.now)
    }

    @Test mutating func aFailedMountRevokesWhatNobodyElseHas() {
        let old = bench.live()
        bench.pass(2500)
        let new = bench.held()
        bench.table.abandoned([new], now: bench.now)
        #expect(bench.table.entries[new]?.record.cause == .mountFailed)
        #expect(bench.state(old) == .live)
        #expect(bench.table.usable(leaseKey(), now: bench.now)?.id == old)
        #expect(bench.due() == [new])
    }

    @Test mutating func aFailedMountLeavesWhatAnotherOneHas() {
        let id = bench.held()
        _ = bench.ask()
        bench.table.abandoned([id], now: bench.now)
        #expect(bench.state(id) == .live)
        bench.table.released([id])
        // Nobody holds it now; the next try finds it.
        #expect(bench.state(id) == .live)
        #expect(bench.table.entries[id]?.holders == 0)
    }

    @Test mutating func aFailedMountLeavesWhatWasOnceAnsweredWith() {
        let id = bench.live()
        _ = bench.ask()
        bench.table.abandoned([id], now: bench.now)
        #expect(bench.state(id) == .live)
    }

    @Test mutating func aFailedMountLeavesWhatCannotBeRevoked() {
        let id = bench.held(canRevoke: false)
        bench.table.abandoned([id], now: bench.now)
        #expect(bench.table.fresh(leaseKey(), now: bench.now)?.id == id)
    }

    @Test mutating func aStaleAnswerHoldsItsLease() {
        let id = bench.held()
        bench.table.released([id])
        bench.pass(3000)
        #expect(bench.table.hold(leaseKey(), now: bench.now)?.id == id)
        #expect(bench.table.entries[id]?.holders == 1)
        bench.table.delivered([id], now: bench.now)
        _ = bench.table.hold(leaseKey(), now: bench.now)
        bench.table.abandoned([id], now: bench.now)
        #expect(bench.state(id) == .live)
        bench.pass(600)
        #expect(bench.table.hold(leaseKey(), now: bench.now) == nil)
    }

    @Test mutating func whatIsGoneIsNoBody() {
        // Events about leases that are gone meanwhile change nothing.
        let gone = LeaseID(77)
        bench.table.delivered([gone], now: bench.now)
        bench.table.released([gone])
        bench.table.abandoned([gone], now: bench.now)
        bench.table.unsettled(gone, .notJournalled, now: bench.now)
        bench.table.minted(gone, bench.token(gone), now: bench.now, chance: 0)
        #expect(bench.table.settled(gone, holders: 1) == nil)
        #expect(bench.table.intend(gone, now: bench.now) == nil)
        #expect(bench.table.revoked(gone) == nil)
        #expect(bench.table.revocationFailed(gone, TableBench.down, now: bench.now, chance: 0) == false)
        #expect(bench.table.found(gone, [], now: bench.now, newID: { LeaseID(1) }).isEmpty == true)
        #expect(bench.table.entries.isEmpty && bench.table.changes.isEmpty && bench.table.running == 0)
    }

    // MARK: Clocks

    @Test(arguments: [
        // The time of day jumps; whether the lease is fresh and usable then.
        (Int64(0), true, true), (2400, false, true), (3600, false, false), (-3600, true, true),
    ])
    mutating func whatIsServedLivesByBothClocks(jump: Int64, isFresh: Bool, isUsable: Bool) {
        _ = bench.live()
        bench.jump(jump)
        #expect((bench.table.fresh(leaseKey(), now: bench.now) != nil) == isFresh)
        #expect((bench.table.usable(leaseKey(), now: bench.now) != nil) == isUsable)
    }

    @Test mutating func aClockThatWasSetBackDoesNotStretchALife() {
        _ = bench.live()
        bench.jump(-3600)
        bench.pass(2400)
        #expect(bench.table.fresh(leaseKey(), now: bench.now) == nil)
        bench.pass(1199)
        #expect(bench.table.usable(leaseKey(), now: bench.now) != nil)
        bench.pass(1)
        #expect(bench.table.usable(leaseKey(), now: bench.now) == nil)
    }

    @Test mutating func aTokenWithoutAnExpiryIsRefreshedAfterAnAssumedLife() {
        let id = bench.live(life: nil)
        bench.pass(2399)
        #expect(bench.table.fresh(leaseKey(), now: bench.now)?.id == id)
        bench.pass(1)
        #expect(bench.table.fresh(leaseKey(), now: bench.now) == nil)
        #expect(bench.ask() == .mint)
    }
}
