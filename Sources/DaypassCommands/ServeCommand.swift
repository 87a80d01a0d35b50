// `daypass serve`: runs the provider until it is told to stop.

import ArgumentParser
import Daemon
import LogEvents
import Logging
import Policy
import ServiceLifecycle
import TokenStores
import UnixSignals

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// `daypass serve`.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serve the provider API on a Unix socket.",
        discussion: """
            Reads the node's configuration, binds the socket and answers the driver's calls. SIGTERM and SIGINT end it: \
            calls in flight have the time of server.drain to end, and are cancelled then; new ones are refused with \
            ShuttingDown.

            The configuration and the files that it names are watched: what changes is put in force without a restart, \
            whole or not at all. SIGHUP reads them at once; daypass reload does, too, and says what came of it.

            Exit code 0: it was told to end. 1: the configuration has errors. 2: the configuration can't be read, or \
            the socket can't be served.

            Example:
              daypass serve --config /etc/daypass/daypass.yaml
            """
    )

    @Option(help: ArgumentHelp("The node's configuration.", valueName: "file"))
    var config: String

    @Option(
        help: ArgumentHelp(
            "Where to serve; overrides server.socket of the configuration. (default: \(Daemon.standardSocket))",
            valueName: "path"
        )
    )
    var socket: String?

    @Option(help: "The form of log lines: json, text, or auto (text on a terminal).")
    var logFormat: LogFormat = .auto

    @Option(help: "The least level of log lines: trace, debug, info, notice, warning, error or critical.")
    var logLevel: LogLevel = .info

    func run() async throws {
        ProcessLimits.forbidCoreDumps()
        let configuration = try ConfigurationFile.load(config)
        let logger = logFormat.logger(
            level: logLevel.level,
            environment: ProcessInfo.processInfo.environment
        )
        let daemon = Daemon(
            configuration: configuration,
            source: ConfigurationSource(config, kinds: StoreKinds.all),
            socketPath: socket ?? configuration.server.socket ?? Daemon.standardSocket,
            environment: ProcessInfo.processInfo.environment,
            logger: logger
        )
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [
                    .init(service: Serving(daemon: daemon), successTerminationBehavior: .gracefullyShutdownGroup)
                ],
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: Logger(label: "lifecycle", factory: { _ in SwiftLogNoOpLogHandler() })
            )
        )
        do {
            try await group.run()
        } catch {
            logger.log(.daemonFailed, "the daemon can't go on", metadata: ["error": "\(error)"])
            throw Exit.unusable
        }
    }
}

/// The daemon as a member of a service group.
private struct Serving: Service {
    let daemon: Daemon
    func run() async throws {
        // The sequence takes the signal's place from here on: SIGHUP ends nobody who stands by either.
        let hangups = await UnixSignalsSequence(trapping: .sighup)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [daemon] in
                for await _ in hangups { daemon.reloads.ask() }
            }
            defer { group.cancelAll() }
            try await daemon.run()
        }
    }
}
