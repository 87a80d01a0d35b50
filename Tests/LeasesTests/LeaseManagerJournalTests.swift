// What is written when, journals that fail, and restarts.

import Support
import Testing
import TokenStore
import TokenStoreTesting

@testable import Leases

struct LeaseManagerJournalTests {
    private let bench = ManagerBench()

    // MARK: Order

    @Test func theIntentIsWrittenBeforeTheStoreIsCalledAndTheLeaseBeforeTheAnswer() async throws {
        let atMint = Box<[LeaseRecord]>([])
        bench.sources.onIssue { [bench] number, _ throws(TokenStoreError) in
            atMint.set(bench.journal.records)
            return bench.sources.token(number)
        }
        try await bench.run { manager in
            let lease = try await manager.ask().get().lease
            #expect(atMint.get().map(\.state) == [.intended])
            #expect(atMint.get().first?.token == nil)
            #expect(atMint.get().map(\.id.tokenName) == bench.sources.requests.map(\.tokenName))
            #expect(bench.journal.records.map(\.state) == [.live])
            #expect(bench.journal.records.first?.token == lease.token)
            manager.delivered([lease.id])
        }
        #expect(
            bench.passed.get() == [.afterLoad, .beforeIntent, .afterIntent, .afterMint, .afterLease, .beforeAnswer]
        )
    }

    @Test func thatATokenHasToBeRevokedIsWrittenBeforeItsStoreIsCalled() async throws {
        let atRevocation = Box<[LeaseRecord]>([])
        bench.sources.onRevoke { [bench] _ throws(TokenStoreError) in atRevocation.set(bench.journal.records) }
        try await bench.run { manager in
            _ = try await manager.live()
            bench.passed.set([])
            manager.ended(.pod(uid: "pod", how: .succeeded))
            await until { bench.journal.records.isEmpty }
            #expect(atRevocation.get().map(\.state) == [.revoking])
            #expect(atRevocation.get().map(\.cause) == [.buildEnded])
            #expect(bench.passed.get() == [.beforeRevoking, .afterRevoking, .afterRevocation])
            #expect(bench.sources.revoked == ["id-SECRET-1"] && manager.counts.revoked == 1)
        }
    }

    // MARK: Failures

    @Test func whatCannotBeWrittenIsNotMinted() async throws {
        try await bench.run { manager in
            bench.journal.fail(ManagerBench.full)
            let answer = await manager.ask()
            guard case .failure(.journal(let failure)) = answer else {
                Issue.record("\(answer)")
                return
            }
            #expect(failure == ManagerBench.full)
            #expect(bench.sources.requests.isEmpty)
            #expect(!manager.counts.isJournalCurrent && manager.counts.journalFailures > 0)
            #expect(bench.log.text.contains("the journal can't be written; no token is minted until it can"))
            bench.journal.fail(nil)
            _ = try await manager.live()
            #expect(manager.counts.isJournalCurrent)
            #expect(bench.journal.records.map(\.state) == [.live])
            #expect(bench.log.lines.filter { $0.contains("the journal is written again") }.count == 1)
        }
    }

    @Test func aTokenThatCannotBeWrittenIsRevokedAndTheOldOneIsServed() async throws {
        try await bench.run { manager in
            let first = try await manager.live()
            bench.sources.onIssue { [bench] number, _ throws(TokenStoreError) in
                bench.journal.fail(ManagerBench.full)
                return bench.sources.token(number)
            }
            bench.pass(.seconds(2500), manager)
            let stale = try await manager.ask().get()
            #expect(stale.lease == first)
            #expect(stale.refreshFailure == "the journal can't be written: no space is left; make room")
            await until { bench.sources.revoked == ["id-SECRET-2"] }
            #expect(bench.sources.revoked == ["id-SECRET-2"])
            // What the journal has by now is the old lease and the intent: enough for a restart.
            #expect(bench.journal.records.map(\.state) == [.live, .intended])
            bench.journal.fail(nil)
            bench.pass(.seconds(5), manager)
            await until { bench.journal.records.count == 1 }
            #expect(bench.journal.records.map(\.id) == [first.id])
            #expect(bench.journal.records.map(\.state) == [.live])
        }
    }

    @Test func aRevocationDoesNotWaitForAJournalThatFails() async throws {
        try await bench.run { manager in
            _ = try await manager.live()
            bench.journal.fail(ManagerBench.full)
            manager.ended(.pod(uid: "pod", how: .deleted))
            await until { bench.sources.revoked.count == 1 }
            #expect(bench.sources.revoked == ["id-SECRET-1"])
            #expect(bench.journal.records.map(\.state) == [.live])
        }
        // The manager ends while the journal is full: the next daemon revokes once more.
        bench.journal.fail(nil)
        try await bench.run { manager in
            manager.ended(.pod(uid: "pod", how: .deleted))
            await until { bench.journal.records.isEmpty }
            #expect(bench.sources.revoked.count == 2)
        }
    }

    @Test func aJournalThatCanBeWrittenAgainIsWrittenByItself() async throws {
        try await bench.run { manager in
            _ = try await manager.live()
            bench.journal.fail(ManagerBench.full)
            manager.ended(.pod(uid: "pod", how: .deleted))
            await until { manager.counts.revoking == 0 && !manager.counts.isJournalCurrent }
            bench.journal.fail(nil)
            // Nothing new happens; time passes.
            await until {
                bench.pass(.seconds(1), manager)
                return manager.counts.isJournalCurrent
            }
            #expect(bench.journal.records.isEmpty && manager.counts.isJournalCurrent)
        }
    }

    @Test func aJournalThatFailedIsWrittenOnceMoreAtTheEnd() async throws {
        try await bench.run { manager in
            _ = try await manager.live()
            bench.journal.fail(ManagerBench.full)
            manager.ended(.pod(uid: "pod", how: .deleted))
            // The removal of the record was tried, too: nothing is left to write but the failed rest.
            await until { manager.counts.revoking == 0 && manager.hasGivenUpWriting }
            bench.journal.fail(nil)
        }
        #expect(bench.journal.records.isEmpty)
    }

    @Test func aLostFileIsWrittenAnewAtOnce() async throws {
        let journal = ScriptedJournal()
        try await bench.run(journal) { manager in
            let first = try await manager.live()
            try await journal.memory.replaceAll([])
            journal.failNext(JournalFailure(.lost, "the file is gone"))
            let second = try await manager.live(leaseKey(pod: "other"))
            #expect(journal.rewriteCount == 1)
            #expect(Set(journal.memory.records.map(\.id)) == [first.id, second.id])
            #expect(journal.memory.records.allSatisfy { $0.state == .live })
            #expect(bench.log.text.contains("the journal is written anew"))
            #expect(manager.counts.journalFailures == 0)
        }
    }

    // MARK: Restarts

    @Test func aRestartServesTheSameLeaseWithoutAMint() async throws {
        let first = try await bench.run { manager in try await manager.live() }
        #expect(bench.journal.records.map(\.state) == [.live])
        try await bench.run { manager in
            #expect(manager.counts.restored == 1)
            #expect(manager.fresh(leaseKey()) == first)
            let again = try await manager.live()
            #expect(again.id == first.id && again.token == first.token)
            #expect(bench.sources.requests.count == 1)
            await until { !manager.builds.volumes.isEmpty }
            #expect(manager.builds.volumes.map(\.podUID) == ["pod"])
        }
    }

    @Test(arguments: [true, false])
    func anIntentThatACrashLeftIsReportedFoundAndRevoked(canFind: Bool) async throws {
        let left = Box<MemoryJournal?>(nil)
        bench.sources.onIssue { [bench] number, _ throws(TokenStoreError) in
            // The daemon is killed now: this is what it leaves.
            left.set(try? await bench.copy())
            return bench.sources.token(number)
        }
        try await bench.run { manager in _ = try await manager.live() }
        let name = bench.sources.requests.first?.tokenName ?? ""
        bench.sources.onFind { asked throws(TokenStoreError) in
            canFind ? (asked == name ? [RevocationHandle(identifier: "found")] : []) : nil
        }
        let journal = try #require(left.get())
        #expect(journal.records.map(\.state) == [.intended])
        try await bench.run(journal) { manager in
            #expect(manager.counts.answersLost == 1)
            #expect(bench.log.text.contains("token_name") && bench.log.text.contains(name))
            await until { bench.sources.searches == [name] }
            if canFind {
                await until { journal.records.isEmpty }
                #expect(bench.sources.revoked == ["found"])
                #expect(journal.records.isEmpty && manager.summaries.isEmpty)
            } else {
                await until { bench.log.text.contains("can't find tokens by name") }
                #expect(manager.counts.lost == 1 && bench.sources.revoked.isEmpty)
                bench.pass(.seconds(3600), manager)
                await until { manager.counts.lost == 0 && journal.records.isEmpty }
                #expect(manager.summaries.isEmpty && journal.records.isEmpty)
            }
        }
    }

    @Test func whatWasBeingRevokedIsRevokedByTheNextDaemon() async throws {
        bench.sources.onRevoke { _ throws(TokenStoreError) in throw ManagerBench.down }
        try await bench.run { manager in
            _ = try await manager.live()
            manager.ended(.pod(uid: "pod", how: .deleted))
            await until { manager.counts.revocationsFailed == 1 }
        }
        #expect(bench.journal.records.map(\.state) == [.revoking])
        bench.sources.onRevoke { _ throws(TokenStoreError) in }
        try await bench.run { _ in await until { bench.journal.records.isEmpty } }
        #expect(bench.journal.records.isEmpty && bench.sources.revoked == ["id-SECRET-1"])
    }

    @Test func aJournalThatCannotBeReadEndsTheManagerBeforeItBegins() async throws {
        struct Unreadable: LeaseJournal {
            func load() async throws(JournalFailure) -> JournalContents { throw ManagerBench.full }
            func apply(_ changes: [JournalChange]) async throws(JournalFailure) {}
            func replaceAll(_ records: [LeaseRecord]) async throws(JournalFailure) {}
        }
        let failure = await #expect(throws: JournalFailure.self) {
            try await bench.run(Unreadable()) { _ in Issue.record("it began") }
        }
        #expect(failure == ManagerBench.full)
    }

    // MARK: The end

    @Test(arguments: [true, false])
    func theEndCancelsMintsAndWritesWhatIsKnown(brings: Bool) async throws {
        bench.sources.onIssue { [bench] number, _ throws(TokenStoreError) in
            try? await Task.sleep(for: .seconds(600))
            if brings { return bench.sources.token(number) }
            throw TokenStoreError(.cancelled, "cancelled", tokenMayExist: true)
        }
        let reason = Box<String?>(nil)
        await withTaskGroup(of: Void.self) { group in
            let (managers, go) = AsyncStream<LeaseManager>.makeStream()
            group.addTask { for await manager in managers { reason.set(await manager.ask().reason) } }
            try? await bench.run { manager in
                go.yield(manager)
                await until { bench.sources.requests.count == 1 }
                go.finish()
            }
        }
        #expect(reason.get() == "cancelled: the daemon is ending")
        #expect(bench.journal.records.map(\.state) == [brings ? .live : .lost])
    }

    @Test func theEndOfACancelledDaemonWritesEverything() async throws {
        let isMinting = Box(false)
        bench.sources.onIssue { [bench] number, _ throws(TokenStoreError) in
            isMinting.set(true)
            try? await Task.sleep(for: .seconds(600))
            return bench.sources.token(number)
        }
        // The daemon's own task is cancelled, and everything under it.
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [bench] in
                _ = try? await bench.run { manager in
                    _ = await manager.ask()
                }
            }
            await until { isMinting.get() }
            group.cancelAll()
        }
        #expect(bench.journal.records.map(\.state) == [.live])
        #expect(bench.journal.records.first?.token?.secret == Secret(utf8: "SECRET-1"))
        // The next daemon has it.
        try await bench.run { manager in
            #expect(manager.fresh(leaseKey())?.token.secret == Secret(utf8: "SECRET-1"))
        }
    }

    @Test func nobodyIsServedAfterTheEnd() async throws {
        let manager = try await bench.run { manager in manager }
        #expect(await manager.ask().reason == "cancelled: the daemon is ending")
        #expect(bench.sources.requests.isEmpty)
    }
}
