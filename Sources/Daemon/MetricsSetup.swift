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
        }
        admin.setMetrics { [metrics] in metrics.exposition() }
    }

    /// Connects what a configuration brings. After a reload it is called again: no counter goes back.
    func connectMetrics(
        _ identity: IdentityMode,
        _ leases: LeaseManager,
        _ cluster: ClusterDuties,
        _ detectors: @escaping @Sendable () -> [DetectorReport]
    ) {
        let stores = configuration.stores.map(\.name)
        let figures = ConfigurationFigures(digest: configuration.digest, lastAppliedAt: SystemClock().now)
        metrics.connect { sources in
            sources.stores = { stores }
            sources.leases = { leases.counts }
            sources.gate = { leases.gate($0) }
            sources.configuration = { figures }
            sources.detectors = { detectors().map { NamedFact($0.name, $0.isWatching) } }
            sources.keysReady = { identity.hasKeys }
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

extension IdentityMode {
    /// Whether Pods can be identified: the cluster's keys are known, or not needed.
    fileprivate var hasKeys: Bool {
        switch self {
        case .driver: true
        case .serviceAccountToken(let verifier): verifier.keyStatus.keyCount > 0
        }
    }
}
