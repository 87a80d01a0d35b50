// What is counted for each store, and that the sums are of the stores.

import Foundation
import Support
import Testing
import TokenStore
import TokenStoreTesting

@testable import Leases

struct StoreCountsTests {
    private let bench = ManagerBench()

    @Test func eachMintIsOneOfThree() async throws {
        bench.sources.onIssue { [sources = bench.sources] number, _ throws(TokenStoreError) in
            switch number {
            case 1: return sources.token(number)
            case 2: throw TokenStoreError(.refused, "no")
            default: throw TokenStoreError(.unavailable, "gone", tokenMayExist: true)
            }
        }
        try await bench.run { manager in
            _ = try await manager.live(leaseKey(store: "a"))
            _ = await manager.ask(leaseKey(pod: "second", store: "b"))
            _ = await manager.ask(leaseKey(pod: "third", store: "b"))
            let counts = manager.counts
            let (a, b) = (try #require(counts.byStore["a"]), try #require(counts.byStore["b"]))
            #expect(counts.byStore.count == 2)
            #expect(a.minted == 1 && a.mintsFailed == 0 && a.answersLost == 0 && a.live == 1)
            #expect(b.minted == 0 && b.mintsFailed == 1 && b.answersLost == 1 && b.lost == 1)
            #expect(a.mintTimes.counts.reduce(0, +) == 1 && b.mintTimes.counts.reduce(0, +) == 2)
            #expect(counts.minted == 1 && counts.mintsFailed == 1 && counts.answersLost == 1)
            #expect(counts.live == 1 && counts.lost == 1)
        }
    }

    @Test func refreshesAndOldTokensAreCountedForEachCallerOnce() async throws {
        try await bench.run { manager in
            _ = try await manager.live()
            #expect(manager.counts.refreshed == 0)
            bench.pass(.seconds(2500), manager)
            _ = try await manager.live()
            #expect(manager.counts.refreshed == 1 && manager.counts.refreshesFailed == 0)
            let gate = Box(false)
            bench.sources.onIssue { _, _ throws(TokenStoreError) in
                await until { gate.get() }
                throw ManagerBench.down
            }
            bench.pass(.seconds(2500), manager)
            await withDiscardingTaskGroup { group in
                for _ in 0..<3 { group.addTask { _ = await manager.ask() } }
                await until { manager.waiterCount == 3 }
                gate.set(true)
            }
            let counts = manager.counts
            #expect(counts.refreshed == 1 && counts.refreshesFailed == 1 && counts.servedStale == 3)
            // One who can't wait is counted as well, but not while the lease is fresh.
            let lease = try #require(manager.usable(leaseKey()))
            #expect(manager.counts.servedStale == 4)
            manager.released([lease.id])
            // Nothing to fall back on: no refresh.
            _ = await manager.ask(leaseKey(pod: "other"))
            #expect(manager.counts.refreshesFailed == 1 && manager.counts.mintsFailed == 2)
        }
    }

    @Test func aFreshLeaseIsNoOldToken() async throws {
        try await bench.run { manager in
            _ = try await manager.live()
            _ = try #require(manager.usable(leaseKey()))
            #expect(manager.counts.servedStale == 0)
        }
    }

    @Test func theTimeOfAMintIsThatOfItsSource() async throws {
        bench.sources.onIssue { [clock = bench.clock, sources = bench.sources] number, _ throws(TokenStoreError) in
            clock.advance(by: .milliseconds(700))
            return sources.token(number)
        }
        try await bench.run { manager in
            _ = try await manager.live()
            let times = try #require(manager.counts.byStore["github"]).mintTimes
            #expect(times.totalMicroseconds == 700_000)
            let size = try #require(MintTimes.limits.firstIndex(of: 1000))
            #expect(times.counts[size] == 1)
        }
    }

    @Test func theDebtAndTheNextEndAreOfTheirStores() async throws {
        bench.sources.onRevoke { _ throws(TokenStoreError) in throw ManagerBench.down }
        try await bench.run { manager in
            _ = try await manager.live(leaseKey(pod: "a", store: "a"))
            bench.pass(.seconds(600), manager)
            _ = try await manager.live(leaseKey(pod: "b", store: "b"))
            _ = try await manager.live(leaseKey(pod: "c", store: "b"))
            let before = manager.counts.byStore
            #expect(before["a"]?.nextExpirySeconds == 3000 && before["b"]?.nextExpirySeconds == 3600)
            manager.ended(.pod(uid: "c", how: .deleted))
            await until { manager.counts.revocationsFailed >= 1 }
            bench.pass(.seconds(90), manager)
            let counts = manager.counts
            #expect(counts.byStore["b"]?.revoking == 1 && counts.byStore["a"]?.revoking == 0)
            #expect(counts.byStore["b"]?.oldestDebtSeconds == 90 && counts.oldestDebtSeconds == 90)
            #expect(counts.byStore["b"]?.nextExpirySeconds == 3510)
            #expect((counts.byStore["b"]?.revocationsFailed ?? 0) >= 1)
            manager.ended(.pod(uid: "a", how: .deleted))
            #expect(manager.counts.byStore["a"]?.nextExpirySeconds == nil)
        }
    }

    @Test func tokensThatNobodyRefreshesAreExpiring() async throws {
        try await bench.run { manager in
            let forgotten = try await manager.live(leaseKey(pod: "a"))
            manager.delivered([forgotten.id])
            func expiring() -> Int? { manager.counts.byStore["github"]?.expiring }
            bench.pass(.seconds(2000), manager)
            #expect(expiring() == 0)
            // Other builds of the store get theirs; at 3000 s the refresh was due for ten minutes, with any jitter.
            bench.pass(.seconds(1001), manager)
            let other = try await manager.live(leaseKey(pod: "b"))
            manager.delivered([other.id])
            #expect(expiring() == 1)
            let refreshed = try await manager.live(leaseKey(pod: "a"))
            manager.delivered([refreshed.id])
            #expect(expiring() == 0)
        }
    }

    /// Life, what is left, and how long the refresh has been due; in seconds.
    @Test(arguments: [
        (3600, 1800, -600, false), (3600, 1000, 600, false), (3600, 1000, 601, true), (3600, 299, 100, true),
        (3600, 299, -1, false), (3600, 300, 1, false), (28_800, 9000, 601, true), (300, 200, 1, false),
        (300, 51, 150, false), (300, 49, 150, true), (1200, 250, 200, false), (1200, 199, 300, true),
        (3600, 0, 1200, true),
    ])
    func whatIsLate(_ life: Int, _ left: Int, _ overdue: Int, _ isLate: Bool) {
        var outlook = LeaseOutlook(
            id: LeaseID(1),
            subject: Subject(namespace: "n", serviceAccount: "s", podName: "p", podUID: "u"),
            volume: "v",
            token: "t",
            store: "s",
            isCurrent: true,
            expiresAt: UTCInstant(epochSeconds: 1),
            life: .seconds(life),
            remaining: .seconds(left),
            overdue: .seconds(overdue)
        )
        #expect(outlook.isLate == isLate)
        outlook.isCurrent = false
        #expect(!outlook.isLate)
        outlook.isCurrent = true
        outlook.expiresAt = nil
        #expect(!outlook.isLate)
    }

    @Test func sizesOfTimesIncludeTheirEnds() {
        var times = MintTimes()
        for limit in MintTimes.limits { times.add(.milliseconds(limit)) }
        times.add(.seconds(3600))
        times.add(.seconds(-1))
        #expect(times.counts == [2] + [Int](repeating: 1, count: MintTimes.limits.count))
        #expect(times.totalMicroseconds == (MintTimes.limits.reduce(0, +) + 3_600_000) * 1000)
    }

    @Test func countsSurviveTheirJSON() async throws {
        try await bench.run { manager in
            _ = try await manager.live()
            let counts = manager.counts
            let json = try JSONEncoder().encode(counts)
            #expect(try JSONDecoder().decode(LeaseCounts.self, from: json) == counts)
        }
    }
}
