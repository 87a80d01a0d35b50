// A node without sockets: a real lease manager whose sources do what a test says, and the collector connected to it.

import Leases
import Logging
import MountService
import NodeMetrics
import Refusals
import Support
import Synchronization
import TokenStore
import TokenStoreTesting

/// Token sources by name; each does what was said last.
final class BenchSources: TokenSources {
    enum Behaviour: Sendable {
        case mints
        /// Its tokens can't be revoked.
        case mintsForGood
        case refuses
        case loses
    }

    private let clock: ManualClock
    private let state = Mutex<(behaviours: [String: Behaviour], revokes: Bool, number: Int)>(([:], true, 0))

    init(clock: ManualClock) { self.clock = clock }

    func behave(_ store: String, _ behaviour: Behaviour) { state.withLock { $0.behaviours[store] = behaviour } }
    func setRevokes(_ revokes: Bool) { state.withLock { $0.revokes = revokes } }

    func issue(_ request: TokenRequest, from store: String) async throws(TokenStoreError) -> IssuedToken {
        let (behaviour, number) = state.withLock { state in
            state.number += 1
            return (state.behaviours[store] ?? .mints, state.number)
        }
        switch behaviour {
        case .mints, .mintsForGood: break
        case .refuses: throw TokenStoreError(.unavailable, "down")
        case .loses: throw TokenStoreError(.unavailable, "gone", tokenMayExist: true)
        }
        // It takes a while by the leases' clock.
        clock.advance(by: .milliseconds(200))
        let handle = RevocationHandle(identifier: "\(number)", secret: Secret(utf8: "SECRET-\(number)"))
        return IssuedToken(
            username: "u",
            secret: Secret(utf8: "SECRET-\(number)"),
            expiresAt: clock.now.advanced(by: .seconds(3600)),
            grantedScope: TokenScope(),
            handle: behaviour == .mintsForGood ? nil : handle
        )
    }

    func revoke(_ handle: RevocationHandle, in store: String) async throws(TokenStoreError) {
        guard state.withLock({ $0.revokes }) else { throw TokenStoreError(.unavailable, "down") }
    }

    func find(
        _ tokenName: String,
        scope: TokenScope,
        in store: String
    ) async throws(TokenStoreError) -> [RevocationHandle]? { nil }
}

/// A node's leases and its collector.
struct NodeBench: Sendable {
    let clock: ManualClock
    let sources: BenchSources
    let leases: LeaseManager
    let collector: NodeMetricsCollector

    static func with(_ body: (NodeBench) async throws -> Void) async throws {
        let clock = ManualClock()
        let sources = BenchSources(clock: clock)
        let parts = LeaseManager.Parts(
            clock: .manual(clock),
            journal: MemoryJournal(),
            sources: sources,
            gates: .manual(clock),
            logger: CollectedLog().logger
        )
        try await withLeaseManager(parts) { leases in
            var process = ProcessFigures.now
            // The machine of a test may have no limit.
            process.memoryLimitBytes = 128 << 20
            let figures = process
            let collector = NodeMetricsCollector(clock: clock) { figures }
            let bench = NodeBench(clock: clock, sources: sources, leases: leases, collector: collector)
            bench.connect(["github", "quay"])
            try await body(bench)
        }
    }

    /// Connects everything, as a daemon does with each configuration.
    func connect(_ stores: [String], digest: String = "abc123") {
        let figures = ConfigurationFigures(digest: digest, lastAppliedAt: clock.now, applied: 1, unchanged: 2)
        collector.connect { [leases] sources in
            sources.version = "1.2.3"
            sources.stores = { stores }
            sources.leases = { leases.counts }
            sources.gate = { leases.gate($0) }
            sources.configuration = { figures }
            sources.checks = { [NamedFact("socket", true), NamedFact("journal", true)] }
            sources.detectors = { [NamedFact("pod watch", true), NamedFact("target paths", false)] }
            sources.keysReady = { true }
            sources.mountsInFlight = { 2 }
            sources.refusedConnections = { 4 }
            sources.logLinesLost = { (audit: 2, others: 5) }
            sources.unansweredPods = { 0 }
            sources.podEvents = { [PodEventFigure(reason: "RefreshFailed", outcome: "written", count: 3)] }
        }
    }

    /// Asks for a lease as a Mount does.
    @discardableResult
    func mount(_ pod: String, store: String = "github") async -> Bool {
        let scope = TokenScope(repositories: ["o/r"], permissions: ["contents": .read])
        let key = LeaseKey(podUID: pod, volume: "creds", token: "source", store: store, scope: scope)
        let subject = Subject(namespace: "ns-\(pod)", serviceAccount: "sa", podName: pod, podUID: pod)
        let ask = LeaseAsk(subject: subject, targetPath: "/\(pod)", grant: "grant")
        guard let answer = try? await leases.lease(key, ask, within: .seconds(600)) else { return false }
        leases.delivered([answer.lease.id])
        return true
    }

    /// A scrape as a test reads it: values by name and labels as they are printed.
    func scrape() -> [String: Double] {
        var values: [String: Double] = [:]
        for line in collector.exposition().split(separator: "\n") where !line.hasPrefix("#") {
            guard let space = line.lastIndex(of: " ") else { continue }
            values[String(line[..<space])] = Double(line[line.index(after: space)...])
        }
        return values
    }

    /// Makes something of everything happen, so that each metric has a value.
    func live() async {
        await mount("pod-1")
        await mount("pod-2")
        await mount("pod-3", store: "quay")
        sources.behave("quay", .refuses)
        await mount("pod-4", store: "quay")
        sources.behave("quay", .loses)
        await mount("pod-5", store: "quay")
        sources.behave("quay", .mintsForGood)
        await mount("pod-6", store: "quay")
        leases.ended(.pod(uid: "pod-6", how: .deleted))
        leases.ended(.pod(uid: "pod-2", how: .succeeded))
        await until { leases.counts.revoked == 1 }
        // Due for a refresh: one succeeds, one does not.
        clock.advance(by: .seconds(3000))
        await mount("pod-1")
        sources.behave("quay", .refuses)
        await mount("pod-3", store: "quay")
        // A debt.
        sources.setRevokes(false)
        leases.ended(.pod(uid: "pod-1", how: .failed))
        await until { leases.counts.revocationsFailed >= 1 }
        for _ in 0..<100 { collector.count(.fresh, .microseconds(200)) }
        collector.count(.issued, .milliseconds(300))
        collector.count(.stale, .milliseconds(900))
        collector.count(.refused(.notGranted), .microseconds(50))
        collector.count(.refused(.storeUnavailable), .seconds(2))
        let transport = ScriptedTransport()
        transport.then(200, headers: [HTTPField("X-RateLimit-Remaining", "4987")])
        _ = try? await collector.rateLimits.watching(transport, store: "github").send(HTTPCall("GET", "https://a.b/"))
    }
}
