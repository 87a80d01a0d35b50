// The composition root: puts the parts together and runs them until it is told to stop.

import HTTPTransfer
import Identity
import LeaseJournal
import Leases
import LogEvents
package import Logging
import MountService
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
    }

    /// Serves until the task is cancelled or a graceful shutdown of its service group begins.
    package func run() async throws { try await withTracing { try await runParts() } }

    private func runParts() async throws {
        for warning in configuration.warnings { warning.log(to: logger) }
        let journal: SQLiteJournal
        do { journal = try await openJournal() } catch is CancellationError {
            logger.log(.endedStandingBy, "ended while standing by")
            return
        }
        try await withCurlTransport(configuration.http.options(environment), logger: logger) { http in
            try await withIdentityMode(configuration.identity, environment: environment, logger: logger) { identity in
                let stores = stores(http)
                for (name, error) in stores.makeAll().sorted(by: { $0.key < $1.key }) {
                    logger.log(
                        .storeUnusable,
                        "store can't be used",
                        metadata: ["store": "\(name)", "error": "\(error)"]
                    )
                }
                try await withLeaseManager(leaseParts(journal, stores)) { leases in
                    try await withBuildEnds(configuration.builds, environment, leases, logger) { detectors in
                        try await serve(identity, leases, journal, detectors)
                    }
                }
            }
        }
        await journal.close()
        logger.log(.ended, "ended")
    }

    private func stores(_ http: any HTTPTransport) -> StoreRoom {
        let secrets = FileSecretReader(logger: logger)
        let programs = configuration.programs.runner
        return StoreRoom(configuration.stores) { [logger] name in
            var logger = logger
            logger[metadataKey: "store"] = "\(name)"
            return TokenStoreContext(
                name: name,
                clock: SystemClock(),
                http: http,
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
        _ detectors: @escaping @Sendable () -> [DetectorReport]
    ) async throws {
        let mounts = MountService(
            MountService.Parts(
                identity: identity,
                audience: configuration.identity.audience,
                policy: configuration.policy,
                leases: leases,
                clock: SystemClock(),
                versioner: ObjectVersioner(key: journal.versionKey),
                deadline: configuration.server.mountDeadline,
                largestMessage: configuration.server.maxRequestBytes,
                logger: logger
            )
        )
        let service = try ProviderService(mounts: mounts)
        let admin = AdminService(leases: leases, configuration: configuration.digest, detectors: detectors)
        try await withAdminServer(configuration.server.adminSocket, admin, logger: logger) {
            try await serveMounts(service, identity)
            if configuration.leases.atShutdown == .revoke {
                let report = await leases.revoke(.all, within: configuration.server.drain)
                logger.log(
                    .leasesRevokedAtEnd,
                    "leases revoked at the end",
                    metadata: ["revoked": "\(report.revoked)", "pending": "\(report.pending)"]
                )
            }
        }
    }

    private func serveMounts(_ service: ProviderService, _ identity: IdentityMode) async throws {
        var options = UnaryServerOptions()
        options.drainTimeout = configuration.server.drain
        options.cancelGrace = min(options.cancelGrace, configuration.server.drain / 4)
        options.endingStatus = ProviderService.endingStatus
        let listener = try UnixSocketListener.bind(path: socketPath, logger: logger)
        try await withUnaryServer(on: listener, options: options, logger: logger, handler: service.handle) { server in
            logger.log(
                .serving,
                "serving",
                metadata: [
                    "socket": "\(server.socketPath)", "version": "\(DaypassVersion.current)",
                    "configuration": "\(configuration.digest)", "stores": "\(configuration.stores.count)",
                    "grants": "\(configuration.policy.grants.count)",
                ]
            )
            async let keys: Void = prepare(identity)
            try? await gracefulShutdown()
            logger.log(.ending, "ending", metadata: ["calls_in_flight": "\(server.counts.callsInFlight)"])
            await keys
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
