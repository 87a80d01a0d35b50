// Callers that need keys at the same time share one fetch.

import LoopbackCluster
import Refusals
import Testing
import TokenStore
import TokenStoreTesting

@testable import Identity

@Suite struct SharedFetchTests {
    private let source: TestKeySource
    private let keys: SharedKeys
    private let clock = ManualClock()

    init() throws {
        source = try TestKeySource(Fixture.issuer.get())
        keys = SharedKeys(source: source, timing: .init(), clock: clock, logger: Fixture.logger) {}
        source.hold()
    }

    /// The refusal's reason; the keys of the fixture have other IDs.
    private static func reason(_ keys: SharedKeys) async -> Reason? {
        do throws(Refusal) {
            _ = try await keys.key("unknown-key", .es256)
            return nil
        } catch { return error.reason }
    }

    @Test func concurrentCallersShareAFetch() async throws {
        let keys = keys
        try await withThrowingTaskGroup(of: Reason?.self) { group in
            for _ in 0..<20 { group.addTask { await Self.reason(keys) } }
            try await eventually("19 callers wait") { keys.waiterCount == 19 && source.heldCount == 1 }
            source.release()
            for try await reason in group { #expect(reason == .tokenRejected) }
        }
        #expect(source.fetches == 1)
    }

    @Test func aCallerThatGivesUpLeavesTheOthersAlone() async throws {
        let keys = keys
        let leader = Task { await Self.reason(keys) }
        try await eventually("the first caller fetches") { source.heldCount == 1 }
        let follower = Task { await Self.reason(keys) }
        let other = Task { await Self.reason(keys) }
        try await eventually("two wait") { keys.waiterCount == 2 }
        follower.cancel()
        #expect(await follower.value == .cancelled)
        #expect(keys.waiterCount == 1)
        source.release()
        #expect(await leader.value == .tokenRejected)
        #expect(await other.value == .tokenRejected)
        #expect(source.fetches == 1)
    }

    @Test func whenTheFetchingCallerGivesUpAnotherFetches() async throws {
        let keys = keys
        let leader = Task { await Self.reason(keys) }
        try await eventually("the first caller fetches") { source.heldCount == 1 }
        let follower = Task { await Self.reason(keys) }
        try await eventually("one waits") { keys.waiterCount == 1 }
        leader.cancel()
        source.release()
        #expect(await leader.value == .cancelled)
        #expect(await follower.value == .tokenRejected)
        #expect(source.fetches == 2)
    }

    @Test func whoIsCancelledBeforeItAsksDoesNotHang() async throws {
        let keys = keys
        let leader = Task { await Self.reason(keys) }
        try await eventually("the first caller fetches") { source.heldCount == 1 }
        let late = Task {
            while !Task.isCancelled { await Task.yield() }
            return await Self.reason(keys)
        }
        late.cancel()
        #expect(await late.value == .cancelled)
        source.release()
        #expect(await leader.value == .tokenRejected)
        #expect(keys.waiterCount == 0)
    }

    @Test func whileOldKeysAreFetchedAnewTheOthersGoOn() async throws {
        let issuer = try Fixture.issuer.get()
        let verifier = TokenVerifier(
            audience: "daypass",
            leeway: Fixture.leeway,
            keys: source,
            clock: clock,
            logger: Fixture.logger
        )
        source.release()
        try await verifier.prepare()
        clock.advance(by: .seconds(3600))
        source.hold()
        let token = Secret(utf8: try issuer.sign(PodToken(for: Fixture.subject, at: clock.now)))
        let first = Task { try await verifier.verify(token) }
        try await eventually("the first caller fetches") { source.heldCount == 1 }
        #expect(try verifier.verifyIfKeysKnown(token)?.subject == Fixture.subject)
        source.release()
        #expect(try await first.value.subject == Fixture.subject)
    }
}
