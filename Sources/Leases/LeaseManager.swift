// Holds the leases of a node: one mint at a time for each, the callers who wait for it, and what outlives them.

package import Logging
import Synchronization
import TokenStore
import Tracing

/// The leases of a node.
///
/// A mint runs in a task of the manager, not of the caller: a caller who gives up leaves the mint running, and its next
/// try joins it or finds its result. Intents are in the journal before a store is called, and tokens before they are
/// answered with. Use ``withLeaseManager(_:_:)``.
package final class LeaseManager: Sendable {
    /// What the manager works with.
    package struct Parts: Sendable {
        package var clock: LeaseClock
        package var journal: any LeaseJournal
        package var sources: any TokenSources
        package var gates: StoreGates
        package var schedule = LeaseSchedule()
        /// The longest that one mint may take before it is cancelled.
        package var mintLimit: Duration = .seconds(60)
        /// The longest that one revocation or search may take before it is cancelled.
        package var revocationLimit: Duration = .seconds(30)
        /// How long mints under way may go on when the manager ends.
        package var mintGrace: Duration = .zero
        /// Gives numbers from 0 up to 1, for the spread of refreshes and retries.
        package var random: @Sendable () -> Double = { Double.random(in: 0..<1) }
        /// Gives the names of new leases.
        package var newID: @Sendable () -> LeaseID = { LeaseID(UInt64.random(in: .min ... .max)) }
        package var hook: CrashHook = { _ in }
        package var logger: Logger

        package init(
            clock: LeaseClock,
            journal: any LeaseJournal,
            sources: any TokenSources,
            gates: StoreGates,
            logger: Logger
        ) {
            self.clock = clock
            self.journal = journal
            self.sources = sources
            self.gates = gates
            self.logger = logger
        }
    }

    /// What a caller gets.
    package struct Answer: Sendable, Equatable {
        /// The lease. The caller holds it until it says what became of its Mount.
        package let lease: Lease
        /// Why the lease is an old one although it was due for a refresh; `nil` for a fresh one.
        package let refreshFailure: String?
        /// Whether it waited for a mint.
        package var waited = true
    }

    /// A mint to be made.
    struct Job: Sendable {
        let id: LeaseID
        let key: LeaseKey
        let ask: LeaseAsk
        let patience: Duration
        /// The trace of the caller who came first.
        let trace: ServiceContext?
    }

    typealias Waiter = CheckedContinuation<Result<Answer, LeaseFailure>, Never>

    struct State: Sendable {
        var table: LeaseTable
        var queue = JournalQueue()
        /// What is counted for no store; those of the stores are in ``stores``.
        var counts = LeaseCounts()
        /// What was done, by store: configured ones, and those of leases in the journal.
        var stores: [String: StoreLeaseCounts] = [:]
        /// Who waits for a mint. By the mint, not by its key: a later mint of the key has waiters of its own.
        var waiters: [LeaseID: [UInt64: Waiter]] = [:]
        var nextWaiter: UInt64 = 1
        var cancelled: Set<UInt64> = []
        var isClosed = false
        var isWriterStopped = false
        /// When a failed write of the journal is tried again although nothing new is there.
        var retryJournalAt: Duration?
    }

    /// What the manager's tasks do.
    enum Order: Sendable {
        case mint(Job)
        case work(LeaseTable.Work)
    }

    let parts: Parts
    let log: LeaseLog
    let state: Mutex<State>
    let orders: AsyncStream<Order>.Continuation
    /// Wakes the task that writes the journal.
    let writerBell = Bell()
    /// Wakes the task that does what is due.
    let bell = Bell()

    /// The volumes for which leases are held, for the detectors of a build's end.
    package let builds = TrackedBuilds()

    init(_ parts: Parts, orders: AsyncStream<Order>.Continuation) {
        self.parts = parts
        self.orders = orders
        log = LeaseLog(logger: parts.logger)
        state = Mutex(State(table: LeaseTable(schedule: parts.schedule)))
    }

    /// Changes how long replaced tokens live on. Those that were replaced already are judged anew.
    package func setGrace(_ grace: Duration) { change { state, _ in state.table.schedule.grace = grace } }

    /// The number of callers who wait for a mint.
    package var waiterCount: Int { state.withLock { $0.waiters.values.reduce(0) { $0 + $1.count } } }

    /// How many leases there are, and what was done.
    package var counts: LeaseCounts {
        let now = parts.clock.now
        return state.withLock { state in
            var counts = state.counts
            counts.byStore = state.stores
            state.table.count(into: &counts.byStore, now: now)
            counts.isJournalCurrent = state.queue.failure == nil
            counts.sumUp()
            return counts
        }
    }

    /// All leases, without secrets; the oldest first.
    package var summaries: [LeaseSummary] {
        let now = parts.clock.now
        // A copy: texts are made outside of the lock.
        let table = state.withLock { $0.table }
        return table.summaries(now: now)
    }

    /// The lease of a key if it is fresh: no wait, no I/O.
    package func fresh(_ key: LeaseKey) -> Lease? {
        let now = parts.clock.now
        return state.withLock { $0.table.fresh(key, now: now) }
    }

    /// The lease of a key while its token lives, for a caller who can't wait for the refresh any longer. The caller
    /// holds it, as one of ``lease(_:_:within:)``.
    package func usable(_ key: LeaseKey) -> Lease? {
        let now = parts.clock.now
        return state.withLock { state in
            guard let lease = state.table.hold(key, now: now) else { return nil }
            if !lease.isFresh(at: now) { state.stores[key.store, default: .init()].servedStale += 1 }
            return lease
        }
    }

    /// The lease of a key; mints a token when there is none or a refresh is due, or joins the mint under way.
    ///
    /// The caller then says what became of its Mount: ``delivered(_:)``, ``released(_:)`` or ``abandoned(_:)``.
    ///
    /// - Parameter within: how long the caller will wait.
    /// - Throws: ``LeaseFailure`` when no living token is left, when the build has ended, or when the caller's task is
    ///   cancelled.
    package func lease(
        _ key: LeaseKey,
        _ ask: LeaseAsk,
        within patience: Duration
    ) async throws(LeaseFailure) -> Answer {
        let waiter = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: Waiter) in
                begin(key, ask, patience, waiter: waiter, continuation)
            }
        } onCancel: {
            cancel(waiter)
        }
        // A cancellation that came after the answer left its mark behind.
        state.withLock { _ = $0.cancelled.remove(waiter) }
        return try result.get()
    }

    private func begin(
        _ key: LeaseKey,
        _ ask: LeaseAsk,
        _ patience: Duration,
        waiter: UInt64,
        _ continuation: Waiter
    ) {
        let now = parts.clock.now
        let id = parts.newID()
        var mustWrite = false
        let (immediate, job) = state.withLock { state -> (Result<Answer, LeaseFailure>?, Job?) in
            if state.cancelled.remove(waiter) != nil { return (.failure(Self.callerGone), nil) }
            if state.isClosed { return (.failure(Self.ending), nil) }
            let answer = state.table.ask(key, ask, id: id, now: now)
            let changes = state.table.takeChanges()
            _ = state.queue.add(changes)
            mustWrite = !changes.isEmpty
            switch answer {
            case .serve(let lease): return (.success(Answer(lease: lease, refreshFailure: nil, waited: false)), nil)
            case .ended: return (.failure(.ended(.buildEnded)), nil)
            case .join(let mint):
                state.waiters[mint, default: [:]][waiter] = continuation
                return (nil, nil)
            case .mint:
                state.waiters[id, default: [:]][waiter] = continuation
                state.table.entries[id]?.source = ask.source ?? parts.sources.kept(key.store, origin: key.origin)
                return (nil, Job(id: id, key: key, ask: ask, patience: patience, trace: .current))
            }
        }
        if mustWrite { writerBell.ring() }
        if let job {
            orders.yield(.mint(job))
            bell.ring()
        }
        if let immediate { continuation.resume(returning: immediate) }
    }

    private func cancel(_ waiter: UInt64) {
        let continuation = state.withLock { state in
            var continuation: Waiter?
            if let mint = state.waiters.first(where: { $0.value[waiter] != nil })?.key {
                continuation = state.waiters[mint]?.removeValue(forKey: waiter)
                if state.waiters[mint]?.isEmpty == true { state.waiters[mint] = nil }
            }
            // The handler may run before the continuation is there; `begin` finds the mark then.
            if continuation == nil { state.cancelled.insert(waiter) }
            return continuation
        }
        continuation?.resume(returning: .failure(Self.callerGone))
    }

    // MARK: What became of a Mount

    /// A Mount was answered with these leases.
    package func delivered(_ leases: [LeaseID]) {
        parts.hook(.beforeAnswer)
        change { $0.table.delivered(leases, now: $1) }
    }

    /// A Mount ended without an answer, though not because of a store: kubelet's next try finds the leases.
    package func released(_ leases: [LeaseID]) { change { state, _ in state.table.released(leases) } }

    /// A Mount failed because one of its tokens did. Those that nobody else was given are revoked.
    package func abandoned(_ leases: [LeaseID]) { change { $0.table.abandoned(leases, now: $1) } }

    // MARK: Changes

    /// Changes the state, hands what has to be written to the journal, and wakes whom it concerns.
    ///
    /// - Parameter wakes: whether something may be due earlier than before.
    @discardableResult
    func change<Result>(wakes: Bool = true, _ body: (inout State, Moment) -> Result) -> Result {
        let now = parts.clock.now
        let (result, mustWrite) = state.withLock { state in
            let result = body(&state, now)
            let changes = state.table.takeChanges()
            _ = state.queue.add(changes)
            return (result, !changes.isEmpty)
        }
        if mustWrite { writerBell.ring() }
        if wakes { bell.ring() }
        return result
    }

    func close() {
        let waiters = state.withLock { state in
            state.isClosed = true
            let all = state.waiters.values.flatMap(\.values)
            state.waiters = [:]
            return all
        }
        for waiter in waiters { waiter.resume(returning: .failure(Self.ending)) }
    }

    static var callerGone: LeaseFailure { .store(TokenStoreError(.cancelled, "the caller gave up")) }
    static var ending: LeaseFailure { .store(TokenStoreError(.cancelled, "the daemon is ending")) }
}
