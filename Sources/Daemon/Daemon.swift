// The composition root: puts the parts together and runs them until it is told to stop.

import AdminHTTP
import HTTPTransfer
import Identity
import LeaseJournal
import Leases
package import Logging
import MountService
import NodeMetrics
package import Policy
import Refusals
import Rendering
import ServiceLifecycle
import TokenStore
import UnaryRPC

/// The daemon: one socket, one configuration.
///
/// It ends when the task is cancelled or a graceful shutdown begins; calls in flight may end within the drain time.
package struct Daemon: Sendable {
    /// Where the driver looks for the provider `daypass` (the chart's default, and the first place it should be).
    package static let standardSocket = "/var/run/secrets-store-csi-providers/daypass.sock"

    let configuration: NodeConfiguration
    private let socketPath: String
    private let environment: [String: String]
    let logger: Logger
    let crashHook: CrashHook
    let metrics = NodeMetricsCollector(clock: SystemClock())
    /// What the admin endpoints know of this daemon.
    let admin: AdminBoard
    /// The last refused Mounts.
    let recentRefusals = RecentRefusals()

    /// - Parameters:
    ///   - configuration: the node's configuration, already checked.
    ///   - socketPath: where to serve.
    ///   - environment: the process's environment: proxies, and the address of the API server.
    package init(
        configuration: NodeConfiguration,
        socketPath: String,
        environment: [String: String],
        logger: Logger
    ) {
        self.configuration = configuration
        self.socketPath = socketPath
        self.environment = environment
        self.logger = logger
        crashHook = CrashHooks.hook(environment)
        admin = Self.adminBoard(configuration, socketPath: socketPath, environment)
    }

    /// Serves until the task is cancelled or a graceful shutdown of its service group begins.
    package func run() async throws { try await withAdminHTTP { try await serveNode() } }

    private func serveNode() async throws {
        showMetrics()
        for warning in configuration.warnings { warning.log(to: logger) }
        let journal: SQLiteJournal
        let inherited: InheritedSocket?
        do { (journal, inherited) = try await openJournal() } catch is CancellationError {
            logger.info("ended while standing by")
            return
        }
        admin.enter(.takingOver)
        try await withCurlTransport(configuration.http.options(environment), logger: logger) { http in
            try await withIdentityMode(configuration.identity, environment: environment, logger: logger) { identity in
                let stores = stores(http)
                for (name, error) in stores.makeAll().sorted(by: { $0.key < $1.key }) {
                    logger.error("store can't be used", metadata: ["store": "\(name)", "error": "\(error)"])
                }
                try await withLeaseManager(leaseParts(journal, stores)) { leases in
                    let cluster = ClusterDuties(configuration.cluster, socket: socketPath, logger)
                    try await withBuildEnds(configuration.builds, environment, leases, cluster, logger) { detectors in
                        showOnBoard(configuration, identity, stores, leases, detectors)
                        try await serve(identity, leases, journal, inherited, cluster, detectors)
                    }
                }
            }
        }
        await journal.close()
        logger.info("ended")
    }

    private func stores(_ http: any HTTPTransport) -> StoreRoom {
        let secrets = FileSecretReader(logger: logger)
        let programs = configuration.programs.runner
        return StoreRoom(configuration.stores) { [logger, metrics] name in
            var logger = logger
            logger[metadataKey: "store"] = "\(name)"
            return TokenStoreContext(
                name: name,
                clock: SystemClock(),
                http: metrics.rateLimits.watching(http, store: name),
                secrets: secrets,
                programs: programs,
                logger: logger
            )
        }
    }

    private func serve(
        _ identity: IdentityMode,
        _ leases: LeaseManager,
        _ journal: SQLiteJournal,
        _ inherited: InheritedSocket?,
        _ cluster: ClusterDuties,
        _ detectors: @escaping @Sendable () -> [DetectorReport]
    ) async throws {
        var parts = MountService.Parts(
            identity: identity,
            audience: configuration.identity.audience,
            policy: configuration.policy,
            leases: leases,
            clock: SystemClock(),
            versioner: ObjectVersioner(key: journal.versionKey),
            deadline: configuration.server.mountDeadline,
            largestMessage: configuration.server.maxRequestBytes,
            logger: logger,
            recentRefusals: recentRefusals
        )
        parts.observe = metrics.count
        parts.notices = cluster.reporter
        connectMetrics(identity, leases, cluster, detectors)
        let service = try ProviderService(mounts: MountService(parts))
        let admin = AdminService(leases: leases, configuration: configuration.digest, detectors: detectors)
        try await withAdminServer(configuration.server.adminSocket, admin, logger: logger) {
            let hasSuccessor = try await serveMounts(service, identity, inherited, cluster)
            // A successor takes the leases over: the builds on this node go on.
            if configuration.leases.atShutdown == .revoke, !hasSuccessor {
                let report = await leases.revoke(.all, within: configuration.server.drain)
                logger.info(
                    "leases revoked at the end",
                    metadata: ["revoked": "\(report.revoked)", "pending": "\(report.pending)"]
                )
            }
        }
    }

    /// Serves until the end. Returns whether a successor has the socket.
    private func serveMounts(
        _ service: ProviderService,
        _ identity: IdentityMode,
        _ inherited: InheritedSocket?,
        _ cluster: ClusterDuties
    ) async throws -> Bool {
        var options = UnaryServerOptions()
        options.drainTimeout = configuration.server.drain
        options.cancelGrace = min(options.cancelGrace, configuration.server.drain / 4)
        options.endingStatus = ProviderService.endingStatus
        let succession = Succession(at: configuration.leases.handover, logger: logger)
        let listener = try succession.listener(inherited, path: socketPath)
        return try await succession.withOffer(of: listener) { hasSuccessor in
            try await withUnaryServer(
                on: listener,
                options: options,
                logger: logger,
                hasSuccessor: hasSuccessor,
                handler: service.handle
            ) { server in
                logger.info(
                    "serving",
                    metadata: [
                        "socket": "\(server.socketPath)", "version": "\(DaypassVersion.current)",
                        "configuration": "\(configuration.digest)", "stores": "\(configuration.stores.count)",
                        "grants": "\(configuration.policy.grants.count)",
                        "taken_over": "\(inherited != nil)",
                    ]
                )
                connectMetrics(server)
                admin.enter(.serving)
                cluster.serving(identity)
                async let keys: Void = prepare(identity)
                try? await gracefulShutdown()
                logger.info("ending", metadata: ["calls_in_flight": "\(server.counts.callsInFlight)"])
                await keys
            }
            return hasSuccessor()
        }
    }

    /// Fetches the cluster's keys ahead of the first Mount.
    private func prepare(_ identity: IdentityMode) async {
        guard case .serviceAccountToken(let verifier) = identity else { return }
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                do throws(Refusal) { try await verifier.prepare() } catch {
                    logger.warning("no signing keys yet; the first Mount tries again", metadata: ["error": "\(error)"])
                }
            }
            group.addTask { try? await gracefulShutdown() }
            await group.next()
            group.cancelAll()
        }
    }
}
