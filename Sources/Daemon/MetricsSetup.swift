// The metrics of the daemon: which part each figure is asked of.

import Identity
import Leases
import NodeMetrics
import Policy
import TokenStore
import UnaryRPC

extension Daemon {
    /// Connects what a configuration brings. After a reload it is called again: no counter goes back.
    func connectMetrics(
        _ identity: IdentityMode,
        _ leases: LeaseManager,
        _ detectors: @escaping @Sendable () -> [DetectorReport]
    ) {
        let stores = configuration.stores.map(\.name)
        let figures = ConfigurationFigures(digest: configuration.digest, lastAppliedAt: SystemClock().now)
        metrics.connect { sources in
            sources.version = DaypassVersion.current
            sources.stores = { stores }
            sources.leases = { leases.counts }
            sources.gate = { leases.gate($0) }
            sources.configuration = { figures }
            sources.detectors = { detectors().map { NamedFact($0.name, $0.isWatching) } }
            sources.keysReady = { identity.hasKeys }
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
