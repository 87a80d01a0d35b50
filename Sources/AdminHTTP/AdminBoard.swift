// What the endpoints know of the daemon. The parts of the daemon write on it as they come up.

import Synchronization
package import TokenStore

/// The board between the daemon and its endpoints: the phase, the checks, and ways to ask for metrics and status.
///
/// The endpoints answer from the first moment on. What is not on the board yet is said to be starting.
package final class AdminBoard: Sendable {
    /// Calls `Version` on the node's socket, over a new connection, and gives up in about two seconds.
    ///
    /// - Returns: why it was not answered, in one line; `nil` when it was.
    package typealias VersionCall = @Sendable () async -> String?

    /// What does not change.
    package struct Facts: Sendable {
        /// The node's name; the host's where the node's is not known.
        package var node: String
        /// Daypass's version.
        package var version: String
        /// The time of day.
        package var clock: any WallClock
        /// How long a check may take.
        package var checkTimeout: Duration = .seconds(3)
        /// How long a result is given again, so that callers can't make work.
        package var freshness: Duration = .seconds(1)
        /// How long a start may take before the daemon counts as stuck.
        package var startLimit: Duration = .seconds(120)

        package init(node: String, version: String, clock: any WallClock = SystemClock()) {
            self.node = node
            self.version = version
            self.clock = clock
        }
    }

    private struct State {
        var phase = DaemonPhase.starting
        var since = ContinuousClock.now
        var checks: [CheckName: Check] = [:]
        var lastResults: [CheckResult] = []
        var configuration: @Sendable () -> ConfigurationStatus
        var inside: (@Sendable () -> InsideStatus)?
        var metrics: (@Sendable () -> String)?
    }

    let facts: Facts
    let startedAt: UTCInstant
    private let callVersion: VersionCall
    private let state: Mutex<State>
    private let socket: SingleFlight<String?>
    private let results: SingleFlight<[CheckResult]>
    private let scrape: SingleFlight<String>

    /// - Parameters:
    ///   - configuration: the configuration in force, and what became of the last reload.
    ///   - version: calls `Version` on the node's socket.
    package init(
        _ facts: Facts,
        configuration: @escaping @Sendable () -> ConfigurationStatus,
        version: @escaping VersionCall
    ) {
        self.facts = facts
        startedAt = facts.clock.now
        callVersion = version
        state = Mutex(State(configuration: configuration))
        socket = SingleFlight(freshness: facts.freshness)
        results = SingleFlight(freshness: facts.freshness)
        scrape = SingleFlight(freshness: facts.freshness)
    }

    // MARK: What the daemon writes

    /// The daemon has come to this phase. One that has passed is not gone back to.
    package func enter(_ phase: DaemonPhase) {
        state.withLock { state in
            guard phase > state.phase else { return }
            state.phase = phase
            state.since = .now
        }
    }

    /// Adds a check, or puts another one in its place. `configuration` and `socket` need none.
    package func set(_ name: CheckName, _ check: @escaping Check) { state.withLock { $0.checks[name] = check } }

    /// What `/metrics` answers with: Prometheus text, version 0.0.4.
    package func setMetrics(_ text: @escaping @Sendable () -> String) { state.withLock { $0.metrics = text } }

    /// Where the configuration's status comes from, when it changes its source.
    package func setConfiguration(_ status: @escaping @Sendable () -> ConfigurationStatus) {
        state.withLock { $0.configuration = status }
    }

    /// What the status page shows of leases, stores and Mounts.
    package func setInside(_ status: @escaping @Sendable () -> InsideStatus) { state.withLock { $0.inside = status } }

    // MARK: What the endpoints read

    /// The phase as it is now.
    package var phase: DaemonPhase { state.withLock { $0.phase } }

    /// The results of the last look at the checks, for metrics: a scrape looks at them first. Empty before the first.
    package var lastResults: [CheckResult] { state.withLock { $0.lastResults } }

    /// Whether the last look at the checks found none that fails.
    static func isReady(_ results: [CheckResult], _ phase: DaemonPhase) -> Bool {
        phase != .ending && !results.contains { $0.outcome == .failed }
    }

    var configuration: ConfigurationStatus { state.withLock { $0.configuration }() }
    var inside: InsideStatus? { state.withLock { $0.inside }?() }

    /// Why the node's socket does not answer; `nil` when it does.
    func socketFailure() async -> String? {
        await socket.value { [callVersion, facts] in
            await within(facts.checkTimeout) { await callVersion() }
                ?? "no answer within \(facts.checkTimeout.components.seconds) s"
        }
    }

    /// Whether the daemon lives: `nil`, or why it should be started anew.
    func deathCause() async -> String? {
        let (phase, since) = state.withLock { ($0.phase, $0.since) }
        switch phase {
        // Calls that take long are ended by the drain, and kubelet is ending the container already.
        case .standingBy, .ending: return nil
        case .starting, .takingOver:
            guard since.duration(to: .now) > facts.startLimit else { return nil }
            return "starting for more than \(facts.startLimit.components.seconds) s"
        case .serving: return await socketFailure().map { "the node's socket does not answer: \($0)" }
        }
    }

    /// Looks at all checks, in their order. At the end of the daemon the last results stay.
    func checkResults() async -> [CheckResult] {
        if phase == .ending { return lastResults }
        return await results.value { [self] in
            let new = await look()
            state.withLock { $0.lastResults = new }
            return new
        }
    }

    /// The text of the metrics, with the checks as they are now; `nil` before there are any. It is made once for all who
    /// ask at a time, and given again while it is fresh: it takes locks that Mounts take, too.
    func metrics() async -> String? {
        guard let text = state.withLock({ $0.metrics }) else { return nil }
        return await scrape.value {
            _ = await checkResults()
            return text()
        }
    }

    private func look() async -> [CheckResult] {
        let (checks, phase) = state.withLock { ($0.checks, $0.phase) }
        return await withTaskGroup(of: CheckResult.self) { group in
            for name in CheckName.allCases {
                let check = checks[name] ?? standardCheck(name, phase)
                group.addTask { [facts] in
                    let verdict = await within(facts.checkTimeout) { await check() }
                    return CheckResult(
                        name,
                        verdict ?? .failed("it took longer than \(facts.checkTimeout.components.seconds) s")
                    )
                }
            }
            var results: [CheckName: CheckResult] = [:]
            for await result in group { results[result.name] = result }
            return CheckName.allCases.compactMap { results[$0] }
        }
    }

    private func standardCheck(_ name: CheckName, _ phase: DaemonPhase) -> Check {
        switch name {
        case .configuration:
            let status = configuration
            return { status.verdict }
        case .socket:
            return { [self] in
                if let failure = await socketFailure() { return .failed(failure) }
                return .ok(phase == .standingBy ? "another daemon answers" : "")
            }
        case .keys, .journal, .stores:
            return { phase == .standingBy ? .ok("not looked at while standing by") : .failed("the daemon is starting") }
        }
    }
}
