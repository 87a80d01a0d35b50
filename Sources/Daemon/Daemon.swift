// The composition root: puts the parts together and runs them until it is told to stop.

import AdminHTTP
import Identity
import LeaseJournal
import Leases
import LogEvents
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
    let environment: [String: String]
    let logger: Logger
    let crashHook: CrashHook
    let metrics = NodeMetricsCollector(clock: SystemClock())
    /// What the admin endpoints know of this daemon.
    let admin: AdminBoard
    /// The last refused Mounts.
    let recentRefusals = RecentRefusals()
    private let source: ConfigurationSource?

    /// Wishes for a reload of the configuration.
    package let reloads = ReloadRequests()

    /// - Parameters:
    ///   - configuration: the node's configuration, already checked.
    ///   - source: where it is read anew when it changes; `nil` when it never is.
    ///   - socketPath: where to serve.
    ///   - environment: the process's environment: proxies, and the address of the API server.
    package init(
        configuration: NodeConfiguration,
        source: ConfigurationSource?,
        socketPath: String,
        environment: [String: String],
        logger: Logger
    ) {
        self.configuration = configuration
        self.source = source
        self.socketPath = socketPath
        self.environment = environment
        self.logger = logger
        crashHook = CrashHooks.hook(environment)
        admin = Self.adminBoard(configuration, socketPath: socketPath, environment)
    }

    /// Serves until the task is cancelled or a graceful shutdown of its service group begins.
    package func run() async throws { try await withTracing { try await withAdminHTTP { try await serveNode() } } }

    private func serveNode() async throws {
        showMetrics()
        for warning in configuration.warnings { warning.log(to: logger) }
        let journal: SQLiteJournal
        let inherited: InheritedSocket?
        do { (journal, inherited) = try await openJournal() } catch is CancellationError {
            logger.log(.endedStandingBy, "ended while standing by")
            return
        }
        admin.enter(.takingOver)
        let cluster = ClusterDuties(configuration.cluster, socket: socketPath, logger)
        try await withTransports(logger) { transports in
            let maker = GenerationMaker(
                environment: environment,
                transports: transports,
                rateLimits: metrics.rateLimits,
                logger: logger
            )
            let (first, stores) = try await start(maker)
            let gates = StoreGates(limits: configuration.storeLimits, clock: .system)
            try await withLeaseManager(leaseParts(journal, stores, gates)) { leases in
                guard let inForce = first.take().map({ inForce($0, leases, journal, cluster) }) else { return }
                try await withBuildEnds(configuration.builds, environment, leases, cluster, logger) { detectors in
                    connectMetrics(inForce, leases, cluster, detectors)
                    showOnBoard(inForce, leases, detectors)
                    try await withReloads(maker, inForce, stores, leases, gates, journal, cluster) {
                        try await serve(inForce, leases, inherited, cluster, detectors)
                    }
                }
            }
        }
        await journal.close()
        logger.log(.ended, "ended")
    }

    /// The parts that the daemon starts with.
    private func start(_ maker: GenerationMaker) async throws -> (HandOver<Generation>, StoresInForce) {
        let generation = try await maker.first(configuration)
        for (name, error) in generation.failures.sorted(by: { $0.key < $1.key }) {
            logger.log(.storeUnusable, "store can't be used", metadata: ["store": "\(name)", "error": "\(error)"])
        }
        return (HandOver(generation), StoresInForce(generation.room))
    }

    private func inForce(
        _ generation: Generation,
        _ leases: LeaseManager,
        _ journal: SQLiteJournal,
        _ cluster: ClusterDuties
    ) -> ConfigurationInForce {
        let now = SystemClock().now
        let status = ReloadStatus(
            digest: generation.configuration.digest,
            appliedAt: now.rfc3339,
            appliedAtEpochSeconds: now.epochSeconds
        )
        let book = ReloadBook(generation.contents, status)
        return ConfigurationInForce(generation, mounts(generation, leases, journal, cluster), book)
    }

    /// What answers Mounts with a configuration. A new one begins without answers: those that were given before are made
    /// anew from their leases, as far as the new policy allows them.
    private func mounts(
        _ generation: Generation,
        _ leases: LeaseManager,
        _ journal: SQLiteJournal,
        _ cluster: ClusterDuties
    ) -> MountService {
        let configuration = generation.configuration
        var parts = MountService.Parts(
            identity: generation.identity.mode,
            audience: configuration.identity.audience,
            policy: configuration.policy,
            leases: leases,
            stores: generation.room,
            clock: SystemClock(),
            versioner: ObjectVersioner(key: journal.versionKey),
            deadline: configuration.server.mountDeadline,
            largestMessage: configuration.server.maxRequestBytes,
            logger: logger,
            recentRefusals: recentRefusals
        )
        parts.observe = metrics.count
        parts.notices = cluster.reporter
        return MountService(parts)
    }

    /// Follows the configuration's files while `body` runs.
    private func withReloads(
        _ maker: GenerationMaker,
        _ inForce: ConfigurationInForce,
        _ stores: StoresInForce,
        _ leases: LeaseManager,
        _ gates: StoreGates,
        _ journal: SQLiteJournal,
        _ cluster: ClusterDuties,
        _ body: () async throws -> Void
    ) async throws {
        guard let source else {
            reloads.close()
            return try await body()
        }
        let reloader = Reloader(
            Reloader.Parts(
                source: source,
                requests: reloads,
                maker: maker,
                inForce: inForce,
                stores: stores,
                leases: leases,
                gates: gates,
                started: configuration,
                mounts: { mounts($0, leases, journal, cluster) },
                clock: .system,
                logger: logger
            )
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await reloader.run() }
            defer { group.cancelAll() }
            try await body()
        }
    }

    private func serve(
        _ inForce: ConfigurationInForce,
        _ leases: LeaseManager,
        _ inherited: InheritedSocket?,
        _ cluster: ClusterDuties,
        _ detectors: @escaping @Sendable () -> [DetectorReport]
    ) async throws {
        let service = try ProviderService { inForce.mounts }
        let admin = AdminService(
            leases: leases,
            configuration: { inForce.status.digest },
            reload: reloads.reload,
            detectors: detectors
        )
        try await withAdminServer(configuration.server.adminSocket, admin, logger: logger) {
            let hasSuccessor = try await serveMounts(service, inForce, inherited, cluster)
            let configuration = inForce.configuration
            // A successor takes the leases over: the builds on this node go on.
            if configuration.leases.atShutdown == .revoke, !hasSuccessor {
                let report = await leases.revoke(.all, within: configuration.server.drain)
                logger.log(
                    .leasesRevokedAtEnd,
                    "leases revoked at the end",
                    metadata: ["revoked": "\(report.revoked)", "pending": "\(report.pending)"]
                )
            }
        }
    }

    /// Serves until the end. Returns whether a successor has the socket.
    private func serveMounts(
        _ service: ProviderService,
        _ inForce: ConfigurationInForce,
        _ inherited: InheritedSocket?,
        _ cluster: ClusterDuties
    ) async throws -> Bool {
        var options = UnaryServerOptions()
        options.drainTimes = { [grace = options.cancelGrace] in
            let drain = inForce.configuration.server.drain
            return (drain, min(grace, drain / 4))
        }
        options.endingStatus = ProviderService.endingStatus
        let succession = Succession(at: configuration.leases.handover, logger: logger)
        let (listener, isTaken) = try succession.listener(inherited, path: socketPath)
        return try await succession.withOffer(of: listener) { hasSuccessor in
            try await withUnaryServer(
                on: listener,
                options: options,
                logger: logger,
                hasSuccessor: hasSuccessor,
                handler: service.handle
            ) { server in
                logger.log(
                    .serving,
                    "serving",
                    metadata: [
                        "socket": "\(server.socketPath)", "version": "\(DaypassVersion.current)",
                        "configuration": "\(configuration.digest)", "stores": "\(configuration.stores.count)",
                        "grants": "\(configuration.policy.grants.count)", "taken_over": "\(isTaken)",
                    ]
                )
                connectMetrics(server)
                admin.enter(.serving)
                cluster.serving(inForce.identity)
                async let keys: Void = prepare(inForce.identity)
                try? await gracefulShutdown()
                logger.log(.ending, "ending", metadata: ["calls_in_flight": "\(server.counts.callsInFlight)"])
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
                    logger.log(
                        .signingKeysMissing,
                        "no signing keys yet; the first Mount tries again",
                        metadata: ["error": "\(error)"]
                    )
                }
            }
            group.addTask { try? await gracefulShutdown() }
            await group.next()
            group.cancelAll()
        }
    }
}
