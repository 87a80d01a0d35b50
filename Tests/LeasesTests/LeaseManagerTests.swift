// One mint for many callers, and callers who give up.

import Logging
import Support
import Synchronization
import Testing
import TokenStore
import TokenStoreTesting

@testable import Leases

struct LeaseManagerTests {
    private let clock = ManualClock()
    private let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    private func with(
        mintLimit: Duration = .seconds(60),
        _ body: (LeaseManager) async throws -> Void
    ) async throws {
        try await withLeaseManager(clock: clock, mintLimit: mintLimit, random: { 0 }, logger: logger, body)
    }

    /// A store that answers when it is told to.
    private final class Source: Sendable {
        private struct State {
            var count = 0
            var pending: [CheckedContinuation<Result<IssuedToken, TokenStoreError>, Never>] = []
        }
        private let state = Mutex(State())
        var count: Int { state.withLock { $0.count } }

        func mint() async throws(TokenStoreError) -> IssuedToken {
            let result = await withCheckedContinuation { continuation in
                state.withLock {
                    $0.count += 1
                    $0.pending.append(continuation)
                }
            }
            return try result.get()
        }

        func answer(_ result: Result<IssuedToken, TokenStoreError>) async {
            await until { state.withLock { !$0.pending.isEmpty } }
            state.withLock { $0.pending.removeFirst() }.resume(returning: result)
        }
    }

    @Test func manyCallersShareOneMint() async throws {
        let source = Source()
        let token = leaseToken("a", expiresAt: clock.now.advanced(by: .seconds(3600)))
        try await with { manager in
            try await withThrowingTaskGroup(of: LeaseManager.Answer.self) { group in
                for _ in 0..<50 { group.addTask { try await manager.lease(leaseKey(), mint: source.mint) } }
                await until { manager.waiterCount == 50 }
                await source.answer(.success(token))
                for try await answer in group { #expect(answer.lease.token == token) }
            }
            #expect(source.count == 1)
            #expect(manager.fresh(leaseKey())?.token == token)
            #expect(manager.waiterCount == 0)
        }
    }

    @Test func aCallerWhoGivesUpLeavesTheMintToTheNext() async throws {
        let source = Source()
        let token = leaseToken("a", expiresAt: clock.now.advanced(by: .seconds(3600)))
        try await with { manager in
            await withTaskGroup(of: TokenStoreError.Code?.self) { group in
                group.addTask {
                    do throws(TokenStoreError) {
                        _ = try await manager.lease(leaseKey(), mint: source.mint)
                        return nil
                    } catch { return error.code }
                }
                await until { manager.waiterCount == 1 && source.count == 1 }
                group.cancelAll()
                for await code in group { #expect(code == .cancelled) }
            }
            #expect(manager.mintingCount == 1)
            async let second = manager.lease(leaseKey(), mint: source.mint)
            await until { manager.waiterCount == 1 }
            await source.answer(.success(token))
            let answer = try await second
            #expect(answer.lease.token == token)
            #expect(source.count == 1)
        }
    }

    @Test func aFailureReachesEveryCallerAndTheNextCallTriesAgain() async throws {
        let source = Source()
        try await with { manager in
            await withTaskGroup(of: TokenStoreError.Code?.self) { group in
                for _ in 0..<3 {
                    group.addTask {
                        do throws(TokenStoreError) {
                            _ = try await manager.lease(leaseKey(), mint: source.mint)
                            return nil
                        } catch { return error.code }
                    }
                }
                await until { manager.waiterCount == 3 }
                await source.answer(.failure(TokenStoreError(.refused, "no")))
                for await code in group { #expect(code == .refused) }
            }
            async let again = manager.lease(leaseKey(), mint: source.mint)
            await source.answer(.success(leaseToken("b", expiresAt: nil)))
            _ = try await again
            #expect(source.count == 2)
        }
    }

    @Test func aFailedRefreshServesTheOldTokenAndSaysWhy() async throws {
        let source = Source()
        let token = leaseToken("a", expiresAt: clock.now.advanced(by: .seconds(3600)))
        try await with { manager in
            async let first = manager.lease(leaseKey(), mint: source.mint)
            await source.answer(.success(token))
            let answer = try await first
            #expect(answer.refreshFailure == nil)
            clock.advance(by: .seconds(2400))
            #expect(manager.fresh(leaseKey()) == nil)
            async let second = manager.lease(leaseKey(), mint: source.mint)
            await source.answer(.failure(TokenStoreError(.unavailable, "down")))
            let stale = try await second
            #expect(stale.lease.token == token)
            #expect(stale.refreshFailure == "unavailable: down")
        }
    }

    @Test func aMintThatTakesTooLongIsCancelled() async throws {
        try await with(mintLimit: .milliseconds(20)) { manager in
            let error = await #expect(throws: TokenStoreError.self) {
                try await manager.lease(leaseKey()) { () throws(TokenStoreError) in
                    do { try await Task.sleep(for: .seconds(600)) } catch {
                        throw TokenStoreError(.cancelled, "cancelled")
                    }
                    return leaseToken("never", expiresAt: nil)
                }
            }
            #expect(error?.code == .unavailable)
            #expect(error?.tokenMayExist == true)
        }
    }

    @Test func theEndOfTheManagerEndsWaitersAndMints() async throws {
        let cancelled = Box(false)
        let code = Box<TokenStoreError.Code?>(nil)
        await withTaskGroup(of: Void.self) { group in
            let (ready, go) = AsyncStream<LeaseManager>.makeStream()
            group.addTask {
                for await manager in ready {
                    do throws(TokenStoreError) {
                        _ = try await manager.lease(leaseKey()) { () throws(TokenStoreError) in
                            do { try await Task.sleep(for: .seconds(600)) } catch { cancelled.set(true) }
                            throw TokenStoreError(.cancelled, "cancelled")
                        }
                    } catch { code.set(error.code) }
                }
            }
            try? await with { manager in
                go.yield(manager)
                await until { manager.mintingCount == 1 }
                go.finish()
            }
        }
        #expect(cancelled.get())
        #expect(code.get() == .cancelled)
    }
}
