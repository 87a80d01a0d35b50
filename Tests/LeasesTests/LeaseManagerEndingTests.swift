// Ends of builds, revocations and what operators see of them.

import Support
import Testing
import TokenStore
import TokenStoreTesting

@testable import Leases

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

struct LeaseManagerEndingTests {
    private var bench = ManagerBench()

    @Test(arguments: [
        (BuildEnd.pod(uid: "pod", how: .failed), RevocationCause.buildEnded),
        (.volume(podUID: "pod", volume: "creds"), .volumeGone),
    ])
    func aBuildThatEndsDuringItsMintGetsNothing(end: BuildEnd, cause: RevocationCause) async throws {
        let gate = Box(false)
        bench.sources.onIssue { [sources = bench.sources] number, _ throws(TokenStoreError) in
            await until { gate.get() }
            return sources.token(number)
        }
        try await bench.run { manager in
            async let answer = manager.ask()
            await until { bench.sources.requests.count == 1 }
            manager.ended(end)
            // At once, not when the mint is over.
            #expect(await answer.reason == "ended: \(cause.rawValue)")
            gate.set(true)
            await until { bench.journal.records.isEmpty }
            #expect(bench.sources.revoked == ["id-SECRET-1"] && bench.journal.records.isEmpty)
            #expect(manager.fresh(leaseKey()) == nil)
            if case .pod = end {
                #expect(await manager.ask().reason == "ended: buildEnded")
            } else {
                _ = try await manager.live()
                #expect(bench.sources.requests.count == 2)
            }
        }
    }

    @Test func aMintThatWaitsForItsTurnEndsWithItsOwnCause() async throws {
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
            async let second = manager.ask()
            await until { manager.waiterCount == 2 }
            manager.ended(.volume(podUID: "pod", volume: "creds"))
            #expect(await second.reason == "ended: volumeGone")
            // kubelet tries again while the doomed mint still waits: it hears the truth, and the next try works.
            async let third = manager.ask()
            await until { manager.waiterCount == 2 }
            gate.set(true)
            _ = try await first.get()
            #expect(await third.reason == "ended: volumeGone")
            _ = try await manager.live()
            #expect(bench.sources.requests.count == 2)
        }
    }

    @Test func theCallersOfALaterMintAreNotAnsweredByAnEarlierOne() async throws {
        let journal = ScriptedJournal()
        bench.sources.onIssue { [sources = bench.sources] number, _ throws(TokenStoreError) in
            // The first is on its way into the journal when its volume goes; nothing of it can be revoked.
            if number == 1 { journal.hold(true) }
            return sources.token(number, canRevoke: number > 1)
        }
        try await bench.run(journal) { manager in
            async let first = manager.ask()
            await until { journal.isWaiting }
            manager.ended(.volume(podUID: "pod", volume: "creds"))
            #expect(await first.reason == "ended: volumeGone")
            async let second = manager.ask()
            await until { manager.waiterCount == 1 }
            journal.hold(false)
            let lease = try await second.get().lease
            #expect(lease.token.secret == Secret(utf8: "SECRET-2"))
            #expect(manager.counts.leftToExpire == 1)
        }
    }

    @Test func aFailedRevocationIsRepeatedAndGivenUpAtLast() async throws {
        var bench = bench
        bench.schedule.mostTries = 3
        bench.sources.onRevoke { _ throws(TokenStoreError) in throw ManagerBench.down }
        try await bench.run { [bench] manager in
            _ = try await manager.live()
            manager.ended(.pod(uid: "pod", how: .deleted))
            for tries in 1...3 {
                await until { manager.counts.revocationsFailed == tries }
                #expect(manager.counts.revocationsFailed == tries && manager.counts.revoking == 1)
                bench.pass(.seconds(1 << (tries - 1)), manager)
            }
            #expect(manager.counts.givenUp == 1)
            #expect(bench.log.text.contains("token not revoked, given up"))
            bench.pass(.seconds(400), manager)
            let summary = try #require(manager.summaries.first)
            #expect(summary.isGivenUp && summary.tries == 3 && summary.failure == "unavailable: down")
            #expect(manager.counts.oldestDebtSeconds >= 400 && bench.sources.revocations.count == 3)
            // An operator mends the source and asks.
            bench.sources.onRevoke { _ throws(TokenStoreError) in }
            let report = await revoke(.all, manager)
            #expect(report.revoked == 1 && report.pending == 0 && report.failures.isEmpty)
            #expect(manager.counts.givenUp == 0 && manager.counts.revoking == 0)
        }
    }

    @Test func aReplacedTokenIsRevokedWhenItsGraceIsOver() async throws {
        try await bench.run { manager in
            let first = try await manager.live()
            bench.pass(.seconds(2500), manager)
            let second = try await manager.ask().get().lease
            #expect(manager.counts.superseded == 1)
            // Nobody has the new one yet.
            bench.pass(.seconds(310), manager)
            manager.delivered([second.id])
            bench.pass(.seconds(299), manager)
            #expect(manager.counts.superseded == 1 && bench.sources.revocations.isEmpty)
            bench.pass(.seconds(1), manager)
            await until { bench.journal.records.count == 1 }
            #expect(bench.sources.revoked == ["id-SECRET-1"])
            #expect(bench.journal.records.map(\.id) == [second.id] && first.id != second.id)
        }
    }

    @Test func whatAFailedMountMintedIsRevoked() async throws {
        try await bench.run { manager in
            let lease = try await manager.ask().get().lease
            manager.abandoned([lease.id])
            await until { bench.journal.records.isEmpty }
            #expect(bench.sources.revoked == ["id-SECRET-1"] && bench.journal.records.isEmpty)
            let next = try await manager.live()
            #expect(next.id != lease.id)
            manager.abandoned([next.id])
            #expect(manager.fresh(leaseKey())?.id == next.id)
        }
    }

    // MARK: Operators

    @Test func anOperatorHearsWhatCameOfIt() async throws {
        let gate = Box(false)
        bench.sources.onIssue { [sources = bench.sources] number, request throws(TokenStoreError) in
            if request.subject.podUID == "slow" { await until { gate.get() } }
            return sources.token(number, canRevoke: request.subject.podUID != "mute")
        }
        bench.sources.onRevoke { handle throws(TokenStoreError) in
            if handle.identifier == "id-SECRET-2" { throw ManagerBench.down }
        }
        try await bench.run { manager in
            _ = try await manager.live(leaseKey(pod: "good"))
            let stubborn = try await manager.live(leaseKey(pod: "stubborn"))
            _ = try await manager.live(leaseKey(pod: "mute"))
            async let slow = manager.ask(leaseKey(pod: "slow"))
            await until { bench.sources.requests.count == 4 }
            let report = await revoke(.all, manager)
            #expect(report.revoked == 1 && report.pending == 1)
            #expect(report.leftToExpire == 1 && report.mintsUnderWay == 1)
            #expect(report.failures == ["store github, lease \(stubborn.id): unavailable: down"])
            #expect(await slow.reason == "ended: asked")
            gate.set(true)
            await until { bench.sources.revoked.contains("id-SECRET-4") }
            #expect(bench.sources.revoked.contains("id-SECRET-4"))
            #expect(await revoke(.store("none"), manager) == RevocationReport())
        }
    }

    @Test func anOperatorWhoseTimeIsOutHearsWhatIsPending() async throws {
        let gate = Box(false)
        bench.sources.onRevoke { _ throws(TokenStoreError) in await until { gate.get() } }
        try await bench.run { manager in
            _ = try await manager.live()
            let report = await revoke(.all, manager)
            #expect(report.revoked == 0 && report.pending == 1 && report.failures.isEmpty)
            gate.set(true)
            await until { manager.counts.revoked == 1 }
            #expect(manager.counts.revoked == 1)
        }
    }

    /// Revokes, while time passes.
    private func revoke(_ selection: LeaseSelection, _ manager: LeaseManager) async -> RevocationReport {
        let report = Box<RevocationReport?>(nil)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { report.set(await manager.revoke(selection, within: .seconds(2))) }
            await until {
                bench.clock.advance(by: .milliseconds(10))
                return report.get() != nil
            }
        }
        return report.get() ?? RevocationReport()
    }

    @Test func nothingThatIsShownHoldsASecret() async throws {
        bench.sources.onRevoke { _ throws(TokenStoreError) in throw ManagerBench.down }
        bench.sources.onFind { _ throws(TokenStoreError) in throw ManagerBench.down }
        try await bench.run { manager in
            _ = try await manager.live()
            bench.pass(.seconds(2500), manager)
            _ = try await manager.live()
            bench.pass(.seconds(1), manager)
            _ = try await manager.live(leaseKey(pod: "other"))
            manager.ended(.pod(uid: "other", how: .failed))
            bench.pass(.seconds(1), manager)
            bench.sources.onIssue { _, _ throws(TokenStoreError) in
                throw TokenStoreError(.unavailable, "gone", tokenMayExist: true)
            }
            _ = await manager.ask(leaseKey(pod: "third"))
            await until { manager.counts.revocationsFailed > 0 && bench.sources.searches.count == 1 }
            let counts = manager.counts
            #expect(counts.live == 1 && counts.superseded == 1 && counts.revoking == 1 && counts.lost == 1)
            #expect(counts.minted == 3 && counts.mintsFailed == 0 && counts.answersLost == 1 && counts.buildsEnded == 1)
            let shown = String(decoding: try JSONEncoder().encode(manager.summaries), as: UTF8.self)
            #expect(manager.summaries.map(\.state) == ["superseded", "live", "revoking", "lost"])
            #expect(shown.contains("id-SECRET-1"), "handles are names, and shown")
            let all = [shown, bench.log.text, "\(manager.summaries)", String(reflecting: bench.journal.records)]
            for text in all {
                let cleaned = text.replacing("id-SECRET", with: "")
                #expect(!cleaned.contains("SECRET"), "\(cleaned.prefix(2000))")
            }
        }
    }

    @Test func aSummarySaysWhenItEndsAndWhenItIsRefreshed() async throws {
        try await bench.run { manager in
            _ = try await manager.live()
            bench.pass(.seconds(100), manager)
            let summary = try #require(manager.summaries.first)
            #expect(summary.namespace == "ns" && summary.pod == "name" && summary.podUID == "pod")
            #expect(summary.volume == "creds" && summary.token == "source" && summary.store == "github")
            #expect(summary.scope == "o/r contents:read" && summary.state == "live" && summary.age == 100)
            #expect(summary.expires == "2026-01-01T01:00:00Z" && summary.refresh == "2026-01-01T00:40:00Z")
            #expect(summary.cause == nil && summary.tries == 0 && !summary.isGivenUp)
        }
    }
}
