// Ends of builds, revocations and searches.

import Testing
import TokenStore

@testable import Leases

struct LeaseTableEndingTests {
    private var bench = TableBench()

    // MARK: Ends

    @Test mutating func theEndOfAPodRevokesAllItsTokensAndNoOthers() {
        let old = bench.live()
        bench.pass(2500)
        let new = bench.held()
        let other = bench.live(leaseKey(volume: "second"))
        let foreign = bench.live(leaseKey(pod: "other"))
        let ending = bench.table.end(.pod(uid: "pod", how: .failed), now: bench.now)
        #expect(Set(ending.revoking.map(\.id)) == [old, new, other])
        #expect(ending.leftToExpire.isEmpty && ending.mints.isEmpty)
        for id in [old, new, other] {
            #expect(bench.table.entries[id]?.record.cause == .buildEnded)
            #expect(bench.table.entries[id]?.record.endedAt == bench.now)
        }
        #expect(bench.state(foreign) == .live)
        #expect(bench.table.tracked.map(\.podUID) == ["other"])
        // It is said only once.
        #expect(bench.table.end(.pod(uid: "pod", how: .deleted), now: bench.now).isEmpty == true)
    }

    @Test mutating func aPodThatEndedNeverGetsALeaseAgain() {
        _ = bench.table.end(.pod(uid: "pod", how: .deleted), now: bench.now)
        #expect(bench.ask() == .ended)
        #expect(bench.ask(leaseKey(pod: "other")) == .mint)
        bench.pass(86_000)
        _ = bench.table.tick(now: bench.now)
        #expect(bench.ask() == .ended)
        // It is forgotten at last: nothing grows for ever.
        bench.pass(400)
        _ = bench.table.tick(now: bench.now)
        #expect(bench.table.endedPods.isEmpty)
    }

    @Test mutating func aVolumeThatIsGoneMayComeBack() {
        let id = bench.live()
        let other = bench.live(leaseKey(volume: "second"))
        let ending = bench.table.end(.volume(podUID: "pod", volume: "creds"), now: bench.now)
        #expect(ending.revoking.map(\.id) == [id])
        #expect(bench.table.entries[id]?.record.cause == .volumeGone)
        #expect(bench.state(other) == .live)
        #expect(bench.ask() == .mint)
    }

    @Test(arguments: [
        (LeaseSelection.all, 3), (.store("github"), 2), (.store("none"), 0), (.pod(namespace: "ns", name: "name"), 3),
        (.pod(namespace: "ns", name: "other"), 0), (.pod(namespace: "other", name: "name"), 0),
    ])
    mutating func anOperatorRevokesWhatIsMeant(selection: LeaseSelection, count: Int) {
        _ = [bench.live(), bench.live(leaseKey(pod: "p2")), bench.live(leaseKey(store: "push"))]
        let ending = bench.table.revoke(selection, now: bench.now)
        #expect(ending.revoking.count == count)
        #expect(bench.table.entries.values.filter { $0.record.cause == .asked }.count == count)
        // The build runs on: it gets new tokens.
        if count > 0 { #expect(bench.ask() == .mint) }
    }

    @Test mutating func aMintUnderWayIsDoomed() {
        let id = bench.intended()
        let ending = bench.table.end(.pod(uid: "pod", how: .deleted), now: bench.now)
        #expect(ending.mints == [id] && ending.revoking.isEmpty)
        bench.pass(1)
        bench.table.minted(id, bench.token(id), now: bench.now, chance: 0)
        #expect(bench.table.entries[id]?.record.cause == .buildEnded)
        #expect(bench.table.settled(id, holders: 1) == nil)
        #expect(bench.table.current.isEmpty && bench.table.minting.isEmpty)
        #expect(bench.due() == [id])
        bench.write()
        #expect(bench.written[id]?.state == .revoking)
    }

    @Test mutating func aDoomedMintThatFailsLeavesNothing() {
        let id = bench.intended()
        _ = bench.table.end(.pod(uid: "pod", how: .deleted), now: bench.now)
        #expect(bench.table.failed(id, tokenMayExist: false, now: bench.now) == nil)
        #expect(bench.table.entries.isEmpty && bench.table.minting.isEmpty)
    }

    @Test mutating func aDoomedRefreshDoesNotTouchWhatWasRevokedBefore() {
        let old = bench.live()
        bench.pass(2500)
        let new = bench.intended()
        _ = bench.table.revoke(.all, now: bench.now)
        #expect(bench.state(old) == .revoking)
        bench.table.minted(new, bench.token(new), now: bench.now, chance: 0)
        #expect(bench.state(new) == .revoking && bench.state(old) == .revoking)
        #expect(bench.table.settled(new, holders: 0) == nil)
        #expect(bench.ask() == .mint)
    }

    @Test mutating func aTokenOnItsWayIntoTheJournalIsRevokedAndGivenToNobody() {
        let old = bench.live()
        bench.pass(2500)
        let new = bench.minted()
        let ending = bench.table.end(.volume(podUID: "pod", volume: "creds"), now: bench.now)
        #expect(ending.mints == [new])
        #expect(Set(ending.revoking.map(\.id)) == [old, new])
        // Its key is not free before that mint is over.
        #expect(bench.ask() == .join(new))
        #expect(bench.table.settled(new, holders: 1) == nil)
        #expect(bench.ask() == .mint)
    }

    @Test mutating func whatCannotBeRevokedIsLeftToExpire() {
        let id = bench.live(canRevoke: false)
        let ending = bench.table.end(.pod(uid: "pod", how: .deleted), now: bench.now)
        #expect(ending.leftToExpire.map(\.id) == [id] && ending.revoking.isEmpty)
        #expect(bench.table.entries.isEmpty && bench.table.current.isEmpty)
        bench.write()
        #expect(bench.written.isEmpty)
    }

    @Test mutating func whatCannotBeRevokedAndIsOnItsWayIntoTheJournalLeavesTheKeyFree() {
        let id = bench.minted(canRevoke: false)
        let ending = bench.table.end(.volume(podUID: "pod", volume: "creds"), now: bench.now)
        #expect(ending.mints == [id] && ending.leftToExpire.map(\.id) == [id])
        #expect(bench.ask() == .mint)
        let next = bench.table.minting[leaseKey()]
        // The end of the old mint does not touch the new one.
        #expect(bench.table.settled(id, holders: 0) == nil)
        #expect(bench.table.minting[leaseKey()] == next)
    }

    @Test mutating func lostIntentsStayLostWhenTheBuildEnds() {
        let id = bench.lost()
        #expect(bench.table.end(.pod(uid: "pod", how: .deleted), now: bench.now).isEmpty == true)
        #expect(bench.state(id) == .lost)
    }

    // MARK: Revocations

    @Test mutating func aRevokedTokenIsGone() {
        let id = bench.revoking()
        #expect(bench.due() == [id])
        #expect(bench.table.running == 1)
        #expect(bench.table.revoked(id)?.id == id)
        #expect(bench.table.entries.isEmpty && bench.table.running == 0)
        bench.write()
        #expect(bench.written.isEmpty)
    }

    @Test mutating func aFailedRevocationIsTriedAgainLaterAndLater() {
        let id = bench.revoking(life: 36_000)
        for (tries, pause) in [(1, 1.0), (2, 2), (3, 4), (4, 8)] {
            #expect(bench.due() == [id])
            #expect(bench.table.revocationFailed(id, TableBench.down, now: bench.now, chance: 0) == false)
            #expect(bench.table.entries[id]?.tries == tries && bench.table.running == 0)
            #expect(bench.table.entries[id]?.failure == "unavailable: down")
            bench.pass(pause - 0.001)
            #expect(bench.due() == [])
            bench.pass(0.001)
        }
    }

    @Test mutating func itIsGivenUpAtLastAndWokenByAnOperator() {
        let id = bench.revoking(life: nil)
        var gaveUp: [Bool] = []
        for _ in 0..<bench.table.schedule.mostTries {
            #expect(bench.due() == [id])
            gaveUp.append(bench.table.revocationFailed(id, TableBench.down, now: bench.now, chance: 0))
            bench.pass(301)
        }
        #expect(gaveUp.dropLast().allSatisfy { !$0 } && gaveUp.last == true)
        bench.pass(100_000)
        #expect(bench.due() == [])
        #expect(bench.table.pause(now: bench.now, limit: .seconds(30)) == .seconds(30))
        #expect(bench.table.revoke(.store("other"), now: bench.now).isEmpty == true)
        #expect(bench.due() == [])
        #expect(bench.table.revoke(.store("github"), now: bench.now).isEmpty == true)
        #expect(bench.due() == [id])
        #expect(bench.table.revocationFailed(id, TableBench.down, now: bench.now, chance: 0) == false)
        #expect(bench.table.entries[id]?.tries == 1)
    }

    @Test(arguments: [
        // The source's wish in seconds from now, and the pause that comes of it.
        (90, 90.0), (0, 1), (-50, 1), (100_000, 1200),
    ])
    mutating func aSourceThatNamesATimeIsBelievedWithinReason(wish: Int64, pause: Double) {
        let id = bench.revoking(life: 36_000)
        _ = bench.due()
        let error = TokenStoreError(.rateLimited, "wait", retryAt: bench.now.wall.advanced(by: .seconds(wish)))
        _ = bench.table.revocationFailed(id, error, now: bench.now, chance: 0)
        #expect(bench.table.pause(now: bench.now, limit: .seconds(5000)) == .seconds(pause))
    }

    // MARK: Searches

    @Test mutating func whatIsFoundIsRevoked() {
        let id = bench.lost()
        bench.write()
        #expect(bench.due() == [id])
        var next: UInt64 = 100
        let found = bench.table.found(
            id,
            [RevocationHandle(identifier: "a"), RevocationHandle(identifier: "b")],
            now: bench.now
        ) {
            next += 1
            return LeaseID(next)
        }
        #expect(found.map { $0.token?.handle?.identifier } == ["a", "b"])
        #expect(found.allSatisfy { $0.state == .revoking && $0.cause == .lostAnswer })
        #expect(bench.state(id) == nil && bench.table.running == 0)
        bench.write()
        #expect(Set(bench.written.keys) == [LeaseID(101), LeaseID(102)])
        #expect(Set(bench.due()) == [LeaseID(101), LeaseID(102)])
        // Nobody knows when they end: they are not forgotten before they are revoked.
        for id in [LeaseID(101), LeaseID(102)] {
            _ = bench.table.revocationFailed(id, TableBench.down, now: bench.now, chance: 0)
        }
        bench.pass(1_000_000)
        #expect(bench.due().count == 2)
    }

    @Test mutating func whereNothingIsFoundNothingWasMinted() {
        let id = bench.lost()
        _ = bench.due()
        #expect(bench.table.found(id, [], now: bench.now, newID: { LeaseID(1) }).isEmpty == true)
        #expect(bench.table.entries.isEmpty && bench.table.running == 0)
    }

    @Test mutating func whereNobodyCanTellItIsReportedForAWhile() {
        let id = bench.lost()
        _ = bench.due()
        #expect(bench.table.found(id, nil, now: bench.now, newID: { LeaseID(1) }).isEmpty == true)
        #expect(bench.table.running == 0)
        bench.pass(3599)
        let early = bench.table.tick(now: bench.now)
        #expect(early.work.isEmpty && early.expired.isEmpty)
        #expect(bench.table.pause(now: bench.now, limit: .seconds(30)) == .seconds(1))
        bench.pass(1)
        #expect(bench.table.tick(now: bench.now).expired.map(\.id) == [id])
        #expect(bench.table.entries.isEmpty)
    }

    /// The source may still be at work on a token whose answer was lost: what it does not find yet may come.
    @Test mutating func aLostTokenIsNotLookedForAtOnce() {
        bench = TableBench { $0.searchDelay = .seconds(30) }
        let id = bench.lost()
        #expect(bench.due() == [])
        bench.pass(29)
        #expect(bench.due() == [])
        bench.pass(1)
        #expect(bench.due() == [id])
    }

    @Test mutating func aSearchThatFailsIsTriedAgainAndNotForgottenMeanwhile() {
        let id = bench.lost()
        #expect(bench.due() == [id])
        #expect(bench.table.searchFailed(id, TableBench.down, now: bench.now, chance: 0) == false)
        #expect(bench.table.pause(now: bench.now, limit: .seconds(30)) == .seconds(1))
        bench.pass(4000)
        let result = bench.table.tick(now: bench.now)
        #expect(result.work.map(\.record.id) == [id] && result.expired.isEmpty)
    }

    @Test mutating func whatWasNeverLookedForIsNotForgotten() {
        let id = bench.lost()
        bench.pass(10_000)
        let result = bench.table.tick(now: bench.now)
        #expect(result.work.map(\.record.id) == [id] && result.expired.isEmpty)
    }
}
