// Holds the leases of a node: one mint at a time for each, and the callers who wait for it.

package import Logging
import Synchronization
package import TokenStore

/// The leases of a node.
///
/// A mint runs in a task of the manager, not of the caller: a caller who gives up leaves the mint running, and its next
/// try joins it or finds its result. Use ``withLeaseManager(clock:schedule:mintLimit:random:logger:_:)``.
package final class LeaseManager: Sendable {
    /// Mints a token for a key.
    package typealias Mint = @Sendable () async throws(TokenStoreError) -> IssuedToken

    /// What a caller gets.
    package struct Answer: Sendable, Equatable {
        /// The lease.
        package let lease: Lease
        /// Why the lease is an old one although it was due for a refresh; `nil` for a fresh one.
        package let refreshFailure: String?
    }

    fileprivate struct Job: Sendable {
        let key: LeaseKey
        let mint: Mint
    }

    private typealias Waiter = CheckedContinuation<Result<Answer, TokenStoreError>, Never>

    private struct State {
        var table = LeaseTable()
        var waiters: [LeaseKey: [UInt64: Waiter]] = [:]
        var nextWaiter: UInt64 = 1
        var cancelled: Set<UInt64> = []
        var isClosed = false
    }

    private let state = Mutex(State())
    private let jobs: AsyncStream<Job>.Continuation
    private let clock: any WallClock
    private let schedule: LeaseSchedule
    private let mintLimit: Duration
    private let random: @Sendable () -> Double
    private let logger: Logger

    fileprivate init(
        jobs: AsyncStream<Job>.Continuation,
        clock: any WallClock,
        schedule: LeaseSchedule,
        mintLimit: Duration,
        random: @escaping @Sendable () -> Double,
        logger: Logger
    ) {
        self.jobs = jobs
        self.clock = clock
        self.schedule = schedule
        self.mintLimit = mintLimit
        self.random = random
        self.logger = logger
    }

    /// The number of leases that are held.
    package var liveCount: Int { state.withLock { $0.table.liveCount } }
    /// The number of mints under way.
    package var mintingCount: Int { state.withLock { $0.table.mintingCount } }
    /// The number of callers who wait for a mint.
    package var waiterCount: Int { state.withLock { $0.waiters.values.reduce(0) { $0 + $1.count } } }

    /// The lease of a key if it is fresh: no wait, no I/O.
    package func fresh(_ key: LeaseKey) -> Lease? {
        let now = clock.now
        return state.withLock { $0.table.fresh(key, now: now) }
    }

    /// The lease of a key while its token lives, for a caller who can't wait for the refresh any longer.
    package func usable(_ key: LeaseKey) -> Lease? {
        let now = clock.now
        return state.withLock { $0.table.usable(key, now: now) }
    }

    /// The lease of a key; mints a token when there is none or a refresh is due, or joins the mint under way.
    ///
    /// - Throws: ``TokenStoreError`` of the mint when no living token is left, or `cancelled` when the caller's task is
    ///   cancelled or the manager has ended.
    package func lease(_ key: LeaseKey, mint: @escaping Mint) async throws(TokenStoreError) -> Answer {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: Waiter) in
                begin(key, mint: mint, waiter: id, continuation)
            }
        } onCancel: {
            cancel(key, waiter: id)
        }
        // A cancellation that came after the answer left its mark behind.
        state.withLock { _ = $0.cancelled.remove(id) }
        return try result.get()
    }

    private func begin(
        _ key: LeaseKey,
        mint: @escaping Mint,
        waiter id: UInt64,
        _ continuation: Waiter
    ) {
        let now = clock.now
        let (immediate, job) = state.withLock { state -> (Result<Answer, TokenStoreError>?, Job?) in
            if state.cancelled.remove(id) != nil { return (.failure(Self.callerGone), nil) }
            if state.isClosed { return (.failure(Self.ended), nil) }
            switch state.table.ask(key, now: now) {
            case .serve(let lease): return (.success(Answer(lease: lease, refreshFailure: nil)), nil)
            case .join:
                state.waiters[key, default: [:]][id] = continuation
                return (nil, nil)
            case .mint:
                state.waiters[key, default: [:]][id] = continuation
                return (nil, Job(key: key, mint: mint))
            }
        }
        if let job { jobs.yield(job) }
        if let immediate { continuation.resume(returning: immediate) }
    }

    private func cancel(_ key: LeaseKey, waiter id: UInt64) {
        let continuation = state.withLock { state in
            let continuation = state.waiters[key]?.removeValue(forKey: id)
            if state.waiters[key]?.isEmpty == true { state.waiters[key] = nil }
            // The handler may run before the continuation is there; `begin` finds the mark then.
            if continuation == nil { state.cancelled.insert(id) }
            return continuation
        }
        continuation?.resume(returning: .failure(Self.callerGone))
    }

    fileprivate func perform(_ job: Job) async {
        var result: Result<IssuedToken, TokenStoreError> = await withinLimit(job.mint)
        let now = clock.now
        if case .success(let token) = result, let end = token.expiresAt, end <= now {
            result = .failure(Self.stillborn)
        }
        let chance = random()
        let outcome = result
        let (answer, waiters) = state.withLock { state in
            let answer: Result<Answer, TokenStoreError>
            switch outcome {
            case .success(let token):
                let lease = state.table.minted(job.key, token, now: now, schedule: schedule, chance: chance)
                answer = .success(Answer(lease: lease, refreshFailure: nil))
            case .failure(let error):
                if let old = state.table.failed(job.key, now: now) {
                    answer = .success(Answer(lease: old, refreshFailure: error.description))
                } else {
                    answer = .failure(error)
                }
            }
            return (answer, state.waiters.removeValue(forKey: job.key) ?? [:])
        }
        for waiter in waiters.values { waiter.resume(returning: answer) }
    }

    /// Runs a mint; cancels it when it takes longer than any store should.
    private func withinLimit(_ mint: @escaping Mint) async -> Result<IssuedToken, TokenStoreError> {
        await withTaskGroup(of: Result<IssuedToken, TokenStoreError>?.self) { group in
            group.addTask {
                do throws(TokenStoreError) { return .success(try await mint()) } catch { return .failure(error) }
            }
            group.addTask { [mintLimit] in
                try? await Task.sleep(for: mintLimit, clock: .continuous)
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            if let first { return first }
            // The limit came first. The mint is cancelled now; a token that it brings all the same is still good.
            if case .some(.some(.success(let token))) = await group.next() { return .success(token) }
            return .failure(
                TokenStoreError(
                    .unavailable,
                    "the store did not finish within \(mintLimit.components.seconds) s",
                    tokenMayExist: true
                )
            )
        }
    }

    fileprivate func close() {
        let waiters = state.withLock { state in
            state.isClosed = true
            let all = state.waiters.values.flatMap(\.values)
            state.waiters = [:]
            return all
        }
        for waiter in waiters { waiter.resume(returning: .failure(Self.ended)) }
    }

    private static var stillborn: TokenStoreError {
        TokenStoreError(
            .malformedAnswer,
            "the token that came has expired already",
            fix: "compare the clocks of the node and the source"
        )
    }
    private static var callerGone: TokenStoreError { TokenStoreError(.cancelled, "the caller gave up") }
    private static var ended: TokenStoreError { TokenStoreError(.cancelled, "the daemon is ending") }
}

/// Runs `body` with a lease manager; the mints that still run when it returns are cancelled.
///
/// - Parameters:
///   - mintLimit: the longest that one mint may take before it is cancelled.
///   - random: gives numbers from 0 up to 1, for the spread of refreshes.
package func withLeaseManager<Result: Sendable>(
    clock: any WallClock,
    schedule: LeaseSchedule = LeaseSchedule(),
    mintLimit: Duration = .seconds(60),
    random: @escaping @Sendable () -> Double = { Double.random(in: 0..<1) },
    logger: Logger,
    _ body: (LeaseManager) async throws -> Result
) async throws -> Result {
    let (stream, continuation) = AsyncStream<LeaseManager.Job>.makeStream()
    let manager = LeaseManager(
        jobs: continuation,
        clock: clock,
        schedule: schedule,
        mintLimit: mintLimit,
        random: random,
        logger: logger
    )
    return try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
            await withDiscardingTaskGroup { mints in
                for await job in stream { mints.addTask { await manager.perform(job) } }
            }
        }
        defer {
            manager.close()
            continuation.finish()
            group.cancelAll()
        }
        return try await body(manager)
    }
}
