// A lease manager with everything scripted: the clock, the sources, the journal.

import Logging
import Support
import Synchronization
import Testing
import TokenStore
import TokenStoreTesting

@testable import Leases

/// Token sources that do what a test says, and remember what they were asked.
final class ScriptedSources: TokenSources {
    typealias Issue = @Sendable (Int, TokenRequest) async throws(TokenStoreError) -> IssuedToken
    typealias Revoke = @Sendable (RevocationHandle) async throws(TokenStoreError) -> Void
    typealias Find = @Sendable (String) async throws(TokenStoreError) -> [RevocationHandle]?

    private struct State {
        var requests: [TokenRequest] = []
        var revocations: [String] = []
        var revoked: [String] = []
        var searches: [String] = []
        var issue: Issue?
        var revoke: Revoke?
        var find: Find?
        var origin: String?
    }

    private let clock: ManualClock
    private let state = Mutex(State())

    init(clock: ManualClock) { self.clock = clock }

    /// All mints that were asked for.
    var requests: [TokenRequest] { state.withLock { $0.requests } }
    /// The handles of all revocations that were asked for.
    var revocations: [String] { state.withLock { $0.revocations } }
    /// The handles of those that succeeded.
    var revoked: [String] { state.withLock { $0.revoked } }
    /// The names that were looked for.
    var searches: [String] { state.withLock { $0.searches } }

    /// Where the stores' tokens are good from now on.
    func setOrigin(_ origin: String) { state.withLock { $0.origin = origin } }
    func origin(of store: String) -> String? { state.withLock { $0.origin } }

    func onIssue(_ issue: @escaping Issue) { state.withLock { $0.issue = issue } }
    func onRevoke(_ revoke: @escaping Revoke) { state.withLock { $0.revoke = revoke } }
    func onFind(_ find: @escaping Find) { state.withLock { $0.find = find } }

    /// The token of the nth mint.
    func token(_ number: Int, life: Duration = .seconds(3600), canRevoke: Bool = true) -> IssuedToken {
        leaseToken("SECRET-\(number)", expiresAt: clock.now.advanced(by: life), canRevoke: canRevoke)
    }

    func issue(_ request: TokenRequest, from store: String) async throws(TokenStoreError) -> IssuedToken {
        let (number, issue) = state.withLock { state in
            state.requests.append(request)
            return (state.requests.count, state.issue)
        }
        if let issue { return try await issue(number, request) }
        return token(number)
    }

    func revoke(_ handle: RevocationHandle, in store: String) async throws(TokenStoreError) {
        let revoke = state.withLock { state in
            state.revocations.append(handle.identifier)
            return state.revoke
        }
        try await revoke?(handle)
        state.withLock { $0.revoked.append(handle.identifier) }
    }

    func find(
        _ tokenName: String,
        scope: TokenScope,
        in store: String
    ) async throws(TokenStoreError) -> [RevocationHandle]? {
        let find = state.withLock { state in
            state.searches.append(tokenName)
            return state.find
        }
        return try await find?(tokenName)
    }
}

/// A journal whose writes a test holds or breaks.
final class ScriptedJournal: LeaseJournal {
    let memory = MemoryJournal()
    private let held = Mutex(false)
    private let waiting = Mutex(0)
    private let failures = Mutex<[JournalFailure]>([])
    private let rewrites = Mutex(0)

    /// How often everything was written anew.
    var rewriteCount: Int { rewrites.withLock { $0 } }
    /// Whether a write waits.
    var isWaiting: Bool { waiting.withLock { $0 } > 0 }

    /// Makes writes wait, or go on.
    func hold(_ holds: Bool) { held.withLock { $0 = holds } }
    /// Makes the next changes fail.
    func failNext(_ failure: JournalFailure) { failures.withLock { $0.append(failure) } }

    func load() async throws(JournalFailure) -> JournalContents { try await memory.load() }

    func apply(_ changes: [JournalChange]) async throws(JournalFailure) {
        waiting.withLock { $0 += 1 }
        await until { !held.withLock { $0 } }
        waiting.withLock { $0 -= 1 }
        let failure = failures.withLock { $0.isEmpty ? nil : $0.removeFirst() }
        if let failure { throw failure }
        try await memory.apply(changes)
    }

    func replaceAll(_ records: [LeaseRecord]) async throws(JournalFailure) {
        rewrites.withLock { $0 += 1 }
        try await memory.replaceAll(records)
    }
}

/// The parts of one test.
struct ManagerBench: Sendable {
    let clock = ManualClock()
    let sources: ScriptedSources
    let journal = MemoryJournal()
    let log = CollectedLog()
    /// The places that were passed, in order.
    let passed = Box<[CrashPoint]>([])
    var limits = StoreLimits.wide
    var schedule = Self.eager
    var mintLimit = Duration.seconds(60)

    /// The usual times, but lost tokens are looked for at once.
    private static var eager: LeaseSchedule {
        var schedule = LeaseSchedule()
        schedule.searchDelay = .zero
        return schedule
    }

    static let full = JournalFailure(.full, "no space is left", fix: "make room")
    static let down = TokenStoreError(.unavailable, "down")

    init() { sources = ScriptedSources(clock: clock) }

    /// Runs `body` with a manager on a journal.
    func run<Result: Sendable>(
        _ journal: (any LeaseJournal)? = nil,
        _ body: (LeaseManager) async throws -> Result
    ) async throws -> Result {
        var parts = LeaseManager.Parts(
            clock: .manual(clock),
            journal: journal ?? self.journal,
            sources: sources,
            gates: .manual(clock, limits: limits),
            logger: log.logger
        )
        parts.schedule = schedule
        parts.mintLimit = mintLimit
        parts.random = { 0 }
        parts.hook = { [passed] point in passed.update { $0.append(point) } }
        return try await withLeaseManager(parts, body)
    }

    /// A journal with what is in this one now: what a daemon that was killed now leaves.
    func copy() async throws -> MemoryJournal {
        let copy = MemoryJournal()
        try await copy.replaceAll(journal.records)
        return copy
    }

    /// Lets time pass, also for who has not begun to sleep yet.
    func pass(_ duration: Duration, _ manager: LeaseManager) {
        clock.advance(by: duration)
        manager.bell.ring()
    }
}

extension LeaseManager {
    /// Asks for a lease; says why there is none.
    func ask(_ key: LeaseKey = leaseKey()) async -> Result<Answer, LeaseFailure> {
        let subject = Subject(namespace: "ns", serviceAccount: "sa", podName: "name", podUID: key.podUID)
        let ask = LeaseAsk(subject: subject, targetPath: "/\(key.podUID)", grant: "grant")
        do throws(LeaseFailure) { return .success(try await lease(key, ask, within: .seconds(600))) } catch {
            return .failure(error)
        }
    }

    /// Whether the last write has failed, and none is made before time has passed.
    var hasGivenUpWriting: Bool {
        state.withLock { state in
            var queue = state.queue
            return state.retryJournalAt != nil && queue.next([], isRetry: false) == nil
        }
    }

    /// A lease that a Mount was answered with.
    func live(_ key: LeaseKey = leaseKey()) async throws -> Lease {
        let lease = try await ask(key).get().lease
        delivered([lease.id])
        return lease
    }
}

extension Result where Failure == LeaseFailure {
    /// Why there is no lease, in one line; `nil` when there is one.
    var reason: String? { if case .failure(let failure) = self { failure.text } else { nil } }
}
