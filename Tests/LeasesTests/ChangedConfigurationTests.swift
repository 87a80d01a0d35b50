// What leases and gates make of a configuration that changes while they are there.

import Support
import Synchronization
import Testing
import TokenStore
import TokenStoreTesting

@testable import Leases

struct ChangedConfigurationTests {
    /// A lease is revoked by the store of its ask, whatever has the name by then.
    @Test func theStoreOfTheAskMintsAndRevokes() async throws {
        let bench = ManagerBench()
        let former = ScriptedSources(clock: bench.clock)
        bench.sources.setOrigin("https://new.example")
        try await bench.run { manager in
            let ask = LeaseAsk(subject: TableBench.ask.subject, targetPath: "", source: former)
            let answer = try await manager.lease(leaseKey(), ask, within: .seconds(20))
            manager.delivered([answer.lease.id])
            manager.ended(.pod(uid: leaseKey().podUID, how: .deleted))
            await until { former.revoked.count == 1 }
        }
        #expect(former.requests.count == 1 && former.revoked.count == 1)
        #expect(bench.sources.requests.isEmpty && bench.sources.revocations.isEmpty)
    }

    /// A token whose answer was lost is looked for, and revoked, where it was asked for.
    @Test func theStoreOfTheAskFindsWhatWasLost() async throws {
        let bench = ManagerBench()
        let former = ScriptedSources(clock: bench.clock)
        former.onIssue { _, _ throws(TokenStoreError) in
            throw TokenStoreError(.unavailable, "lost", tokenMayExist: true)
        }
        former.onFind { _ in [RevocationHandle(identifier: "found")] }
        try await bench.run { manager in
            let ask = LeaseAsk(subject: TableBench.ask.subject, targetPath: "", source: former)
            await #expect(throws: LeaseFailure.self) {
                _ = try await manager.lease(leaseKey(), ask, within: .seconds(20))
            }
            await until { former.revoked == ["found"] }
        }
        #expect(former.revoked == ["found"] && bench.sources.searches.isEmpty)
    }

    @Test func aShorterGraceCountsForWhatWasReplacedBefore() async throws {
        let bench = ManagerBench()
        try await bench.run { manager in
            for repository in ["o/wide", "o/narrow"] {
                let answer = try await manager.lease(
                    leaseKey(repository: repository),
                    TableBench.ask,
                    within: .seconds(20)
                )
                manager.delivered([answer.lease.id])
                bench.clock.advance(by: .seconds(1))
            }
            #expect(manager.counts.superseded == 1)
            manager.setGrace(.zero)
            await until { bench.sources.revoked.count == 1 }
            #expect(manager.counts.superseded == 0)
        }
    }

    // MARK: Gates

    /// Missing turns stay missing, as far as the new bucket has so many, and come back at the new rate.
    @Test func aBucketThatChanges() {
        var bucket = TokenBucket(rate: 1, burst: 4)
        for _ in 1...4 {
            let isTaken = bucket.take(at: .zero)
            #expect(isTaken)
        }
        bucket.change(rate: 10, burst: 4, at: .zero)
        #expect(bucket.time(ofTurn: 1, from: .zero) == .milliseconds(100))
        #expect(bucket.time(ofTurn: 4, from: .zero) == .milliseconds(400))
        bucket.change(rate: 2, burst: 1, at: .zero)
        #expect(bucket.time(ofTurn: 1, from: .zero) == .milliseconds(500))
        bucket.change(rate: 1, burst: 8, at: .seconds(100))
        #expect(bucket.time(ofTurn: 8, from: .seconds(100)) == .seconds(100))
    }

    /// Who waits has the new limits at once; what runs stays.
    @Test func aGateThatChanges() {
        var limits = StoreLimits.wide
        limits.concurrent = 1
        var gate = StoreGateState(limits)
        #expect(gate.enter(1, namespace: "a", deadline: .seconds(60), at: .zero).map(\.id) == [1])
        #expect(gate.enter(2, namespace: "a", deadline: .seconds(60), at: .zero).isEmpty)
        limits.concurrent = 2
        #expect(gate.change(limits, isOtherSource: false, at: .seconds(1)).map(\.id) == [2])
        limits.concurrent = 1
        #expect(gate.change(limits, isOtherSource: false, at: .seconds(1)).isEmpty && gate.running == 2)
    }

    /// What was heard of the former source says nothing of another one; a store whose limits change stays what it was.
    @Test(arguments: [true, false]) func whatIsKnownOfTheSource(_ isOther: Bool) {
        var limits = StoreLimits.wide
        limits.breakerFailures = 1
        limits.breakerPause = .seconds(50)
        var gate = StoreGateState(limits)
        _ = gate.enter(1, namespace: "a", deadline: .seconds(60), at: .zero)
        _ = gate.leave(.failed("down"), at: .zero)
        _ = gate.change(limits, isOtherSource: isOther, at: .seconds(1))
        let decisions = gate.enter(2, namespace: "a", deadline: .seconds(10), at: .seconds(2))
        #expect(decisions.map { $0.refusal == nil } == [isOther])
    }
}
