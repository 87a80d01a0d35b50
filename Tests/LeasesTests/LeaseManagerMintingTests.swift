// One mint for many callers, callers who give up, sources that fail.

import Support
import Synchronization
import Testing
import TokenStore
import TokenStoreTesting

@testable import Leases

struct LeaseManagerMintingTests {
    private var bench = ManagerBench()

    @Test func manyCallersShareOneMint() async throws {
        let gate = Box(false)
        bench.sources.onIssue { [sources = bench.sources] number, _ throws(TokenStoreError) in
            await until { gate.get() }
            return sources.token(number)
        }
        try await bench.run { manager in
            try await withThrowingTaskGroup(of: LeaseManager.Answer.self) { group in
                for _ in 0..<50 { group.addTask { try await manager.ask().get() } }
                await until { manager.waiterCount == 50 && bench.sources.requests.count == 1 }
                gate.set(true)
                var ids: Set<LeaseID> = []
                for try await answer in group { ids.insert(answer.lease.id) }
                #expect(ids.count == 1)
                #expect(manager.waiterCount == 0)
                #expect(manager.state.withLock { $0.table.entries.values.map(\.holders) } == [50])
            }
            #expect(bench.sources.requests.count == 1)
            #expect(manager.fresh(leaseKey())?.token.secret == Secret(utf8: "SECRET-1"))
        }
    }

    @Test func aCallerWhoGivesUpLeavesTheMintToTheNext() async throws {
        let gate = Box(false)
        bench.sources.onIssue { [sources = bench.sources] number, _ throws(TokenStoreError) in
            await until { gate.get() }
            return sources.token(number)
        }
        try await bench.run { manager in
            await withTaskGroup(of: String?.self) { group in
                group.addTask { await manager.ask().reason }
                await until { bench.sources.requests.count == 1 }
                group.cancelAll()
                for await reason in group { #expect(reason == "cancelled: the caller gave up") }
            }
            #expect(manager.counts.intended == 1 && manager.waiterCount == 0)
            async let second = manager.ask()
            await until { manager.waiterCount == 1 }
            gate.set(true)
            let answer = try await second.get()
            #expect(answer.lease.token.secret == Secret(utf8: "SECRET-1"))
            #expect(bench.sources.requests.count == 1)
        }
    }

    @Test func aMintThatNobodyWaitsForIsStillFoundByTheNextCaller() async throws {
        let gate = Box(false)
        bench.sources.onIssue { [sources = bench.sources] number, _ throws(TokenStoreError) in
            await until { gate.get() }
            return sources.token(number)
        }
        try await bench.run { manager in
            await withTaskGroup(of: Void.self) { group in
                group.addTask { _ = await manager.ask() }
                await until { bench.sources.requests.count == 1 }
                group.cancelAll()
            }
            gate.set(true)
            await until { manager.counts.live == 1 }
            await until { bench.journal.records.first?.state == .live }
            #expect(bench.journal.records.map(\.state) == [.live])
            let lease = try await manager.live()
            #expect(lease.token.secret == Secret(utf8: "SECRET-1"))
            #expect(bench.sources.requests.count == 1 && bench.sources.revocations.isEmpty)
        }
    }

    @Test func aMintThatNobodyWaitsForBeforeItsTurnIsNotMade() async throws {
        var bench = bench
        bench.limits = StoreLimits(rate: 1000, burst: 1000, concurrent: 1)
        let gate = Box(false)
        bench.sources.onIssue { [sources = bench.sources] number, _ throws(TokenStoreError) in
            await until { gate.get() }
            return sources.token(number)
        }
        try await bench.run { [bench] manager in
            async let first = manager.ask(leaseKey(pod: "first"))
            await until { bench.sources.requests.count == 1 }
            await withTaskGroup(of: Void.self) { group in
                group.addTask { _ = await manager.ask(leaseKey(pod: "second")) }
                await until { manager.waiterCount == 2 }
                group.cancelAll()
            }
            gate.set(true)
            _ = try await first.get()
            await until { manager.counts.intended == 0 }
            #expect(manager.counts.intended == 0 && bench.sources.requests.count == 1)
            // The next try begins anew.
            _ = try await manager.live(leaseKey(pod: "second"))
            #expect(bench.sources.requests.count == 2)
        }
    }

    @Test func aFailureReachesEveryCallerAndTheNextCallTriesAgain() async throws {
        let gate = Box(false)
        bench.sources.onIssue { [sources = bench.sources] number, _ throws(TokenStoreError) in
            await until { gate.get() }
            if number == 1 { throw TokenStoreError(.refused, "no") }
            return sources.token(number)
        }
        try await bench.run { manager in
            await withTaskGroup(of: String?.self) { group in
                for _ in 0..<3 { group.addTask { await manager.ask().reason } }
                await until { manager.waiterCount == 3 && bench.sources.requests.count == 1 }
                gate.set(true)
                for await reason in group { #expect(reason == "refused: no") }
            }
            await until { bench.journal.records.isEmpty }
            #expect(bench.journal.records.isEmpty)
            #expect(manager.counts.mintsFailed == 1 && manager.counts.answersLost == 0)
            _ = try await manager.live()
            #expect(bench.sources.requests.count == 2)
        }
    }

    @Test func aFailedRefreshServesTheOldTokenAndSaysWhy() async throws {
        try await bench.run { manager in
            let first = try await manager.live()
            bench.sources.onIssue { _, _ throws(TokenStoreError) in throw ManagerBench.down }
            bench.pass(.seconds(2400), manager)
            #expect(manager.fresh(leaseKey()) == nil)
            let stale = try await manager.ask().get()
            #expect(stale.lease == first)
            #expect(stale.refreshFailure == "unavailable: down")
            #expect(manager.counts.servedStale == 1)
            bench.pass(.seconds(1200), manager)
            #expect(await manager.ask().reason == "unavailable: down")
        }
    }

    /// The store knows best: it had not asked for a token yet.
    @Test func aMintThatIsCancelledBeforeTheSourceWasAskedLeavesNothing() async throws {
        var bench = bench
        bench.mintLimit = .milliseconds(20)
        bench.sources.onIssue { _, _ throws(TokenStoreError) in
            try? await Task.sleep(for: .seconds(600))
            throw TokenStoreError(.cancelled, "cancelled")
        }
        try await bench.run { manager in
            let reason = await manager.ask().reason
            #expect(reason?.contains("the store did not finish") == true)
            #expect(manager.counts.lost == 0 && manager.summaries.isEmpty)
        }
    }

    @Test func aMintThatTakesTooLongIsCancelledAndItsAnswerIsLost() async throws {
        var bench = bench
        bench.mintLimit = .milliseconds(20)
        bench.sources.onIssue { _, _ throws(TokenStoreError) in
            try? await Task.sleep(for: .seconds(600))
            throw TokenStoreError(.cancelled, "cancelled", tokenMayExist: true)
        }
        try await bench.run { [bench] manager in
            let reason = await manager.ask().reason
            #expect(reason?.contains("the store did not finish") == true)
            #expect(manager.counts.lost == 1 && manager.counts.answersLost == 1 && manager.counts.mintsFailed == 0)
            #expect(bench.log.text.contains("a token may exist that nobody has"))
            // The source can't tell, which is said; it stays in the list.
            await until { bench.log.text.contains("can't find tokens by name") }
            #expect(bench.sources.searches == [bench.sources.requests.first?.tokenName])
            #expect(manager.summaries.map(\.state) == ["lost"])
        }
    }

    @Test func aTokenThatComesAfterTheLimitIsStillGood() async throws {
        var bench = bench
        bench.mintLimit = .milliseconds(20)
        bench.sources.onIssue { [sources = bench.sources] number, _ throws(TokenStoreError) in
            try? await Task.sleep(for: .seconds(600))
            return sources.token(number)
        }
        try await bench.run { manager in _ = try await manager.live() }
        #expect(bench.sources.revocations.isEmpty)
    }

    @Test func aTokenThatComesDeadIsRefusedAndRevoked() async throws {
        bench.sources.onIssue { [sources = bench.sources] number, _ throws(TokenStoreError) in
            sources.token(number, life: .seconds(-5))
        }
        try await bench.run { manager in
            let reason = await manager.ask().reason
            #expect(reason?.hasPrefix("malformedAnswer: the token that came had expired") == true)
            await until { bench.sources.revoked == ["id-SECRET-1"] && bench.journal.records.isEmpty }
            #expect(bench.sources.revoked == ["id-SECRET-1"] && bench.journal.records.isEmpty)
        }
    }

    @Test func theMapOfVolumesFollowsTheLeases() async throws {
        try await bench.run { manager in
            _ = try await manager.live()
            await until { !manager.builds.volumes.isEmpty }
            let volume = TrackedVolume(
                podUID: "pod",
                namespace: "ns",
                podName: "name",
                volume: "creds",
                targetPath: "/pod"
            )
            #expect(manager.builds.volumes == [volume])
            manager.ended(.pod(uid: "pod", how: .succeeded))
            await until { manager.builds.volumes.isEmpty }
            #expect(manager.builds.volumes.isEmpty)
        }
    }
}
