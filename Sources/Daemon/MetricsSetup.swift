// The metrics of the daemon: which part each figure is asked of.

import AdminHTTP
import ClusterEvents
import Identity
import Leases
import NodeMetrics
import Policy
import TokenStore
import UnaryRPC

extension Daemon {
    /// Shows the metrics on the admin endpoints: what there is of them before the daemon has its leases.
    func showMetrics() {
        metrics.connect { [admin] sources in
            sources.version = DaypassVersion.current
            sources.checks = { admin.lastResults.map { NamedFact($0.name.rawValue, $0.outcome != .failed) } }
            sources.logLinesLost = {
                let lost = LogOutput.standardError.lost
                return (audit: lost.auditLines, others: lost.lines - lost.auditLines)
            }
        }
        admin.setMetrics { [metrics] in metrics.exposition() }
    }

    /// Connects what there is once the leases are. What a reload can change is asked for at each scrape.
    func connectMetrics(
        _ inForce: ConfigurationInForce,
        _ leases: LeaseManager,
        _ cluster: ClusterDuties,
        _ detectors: @escaping @Sendable () -> [DetectorReport]
    ) {
        metrics.connect { sources in
            sources.stores = { inForce.configuration.stores.map(\.name) }
            sources.leases = { leases.counts }
            sources.gate = { leases.gate($0) }
            sources.configuration = { ConfigurationFigures(inForce.status) }
            sources.detectors = { detectors().map { NamedFact($0.name, $0.isWatching) } }
            sources.keysReady = { inForce.keyStatus.map { $0.keyCount > 0 } ?? true }
            sources.unansweredPods = { cluster.reporter.unansweredPods }
            sources.podEvents = {
                cluster.reporter.eventCounts.map {
                    PodEventFigure(reason: $0.reason.rawValue, outcome: $0.outcome.rawValue, count: $0.count)
                }
            }
        }
    }

    /// Connects the server of the provider's socket.
    func connectMetrics(_ server: UnaryServer) {
        metrics.connect { sources in
            sources.mountsInFlight = { server.counts.callsInFlight }
            sources.refusedConnections = { server.counts.refusedConnections }
        }
    }
}

extension ConfigurationFigures {
    fileprivate init(_ status: ReloadStatus) {
        self.init(
            digest: status.digest,
            lastReloadSuccessful: status.isCurrent,
            lastAppliedAt: UTCInstant(epochSeconds: status.appliedAtEpochSeconds),
            applied: status.applied,
            unchanged: status.unchanged,
            refused: status.refused
        )
    }
}
