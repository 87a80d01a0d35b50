// One scrape: everything that is counted and everything that is asked, as Prometheus text.

import Leases
package import MountService
import Synchronization
package import TokenStore

/// All metrics of a node. One for the life of the process: a reload of the configuration connects other parts to it, and
/// no counter goes back.
package final class NodeMetricsCollector: Sendable {
    /// What Mounts are counted with.
    private let mounts = MountMetrics()
    /// What the answers of sources are read with.
    package let rateLimits: RateLimits
    private let sources = Mutex(NodeMetricsSources())
    private let process: @Sendable () -> ProcessFigures

    /// The value of the field `Content-Type` with ``exposition()``.
    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// - Parameter process: looks at the process.
    package init(clock: any WallClock, process: @escaping @Sendable () -> ProcessFigures = { ProcessFigures.now }) {
        rateLimits = RateLimits(clock: clock)
        self.process = process
    }

    /// Counts a Mount that ended: for `MountService.Parts.observe`.
    package func count(_ outcome: MountOutcome, _ took: Duration) { mounts.count(outcome, took) }

    /// Connects parts of the daemon, or takes them away.
    package func connect(_ change: (inout NodeMetricsSources) -> Void) { sources.withLock { change(&$0) } }

    /// A scrape.
    package func exposition() -> String {
        let sources = sources.withLock { $0 }
        let process = process()
        // Once: the leases, their debt and the journal are of one moment.
        let leases = sources.leases?()
        var text = ExpositionText()
        write(sources, isJournalCurrent: leases?.isJournalCurrent, to: &text)
        text.write(NodeMetric.mounts, mounts.counts)
        text.write(NodeMetric.mountDuration, mounts.times)
        text.write(NodeMetric.mountsInFlight, sources.mountsInFlight?())
        Stores(leases, configured: sources.stores(), gate: sources.gate, remaining: rateLimits.remaining)
            .write(to: &text)
        text.write(NodeMetric.unansweredPods, sources.unansweredPods?())
        text.write(
            NodeMetric.podEvents,
            sources.podEvents?().map { (labels: [$0.reason, $0.outcome], value: Double($0.count)) } ?? []
        )
        process.write(to: &text)
        return text.text
    }

    private func write(_ sources: NodeMetricsSources, isJournalCurrent: Bool?, to text: inout ExpositionText) {
        text.write(NodeMetric.buildInfo, [([sources.version], 1)])
        if let configuration = sources.configuration?() {
            text.write(NodeMetric.configurationInfo, [([configuration.digest], 1)])
            text.write(
                NodeMetric.configurationReloads,
                [
                    (["applied"], Double(configuration.applied)), (["unchanged"], Double(configuration.unchanged)),
                    (["refused"], Double(configuration.refused)),
                ]
            )
            text.write(NodeMetric.lastReloadSuccessful, configuration.lastReloadSuccessful)
            text.write(NodeMetric.lastApplied, configuration.lastAppliedAt.sinceEpoch / .seconds(1))
        }
        text.write(NodeMetric.checkReady, sources.checks?().map(\.sample) ?? [])
        text.write(NodeMetric.keysReady, sources.keysReady?())
        text.write(NodeMetric.journalWritable, isJournalCurrent)
        text.write(NodeMetric.buildEndWatching, sources.detectors?().map(\.sample) ?? [])
        text.write(NodeMetric.refusedConnections, sources.refusedConnections?())
        if let lost = sources.logLinesLost?() {
            text.write(NodeMetric.logLinesLost, [(["true"], Double(lost.audit)), (["false"], Double(lost.others))])
        }
    }
}

extension NamedFact {
    fileprivate var sample: (labels: [String], value: Double) { ([name], holds ? 1 : 0) }
}
