// The admin endpoints as the configuration wants them.

import AdminHTTP
import Glibc
import Policy
import ServiceLifecycle
import TokenStore
import UnaryRPC

extension Daemon {
    /// Serves the admin endpoints while `body` runs, if the configuration wants them: from before the journal is had
    /// until the drain has ended.
    ///
    /// - Throws: `ListenFailure` when their address can't be had, and what `body` throws.
    func withAdminHTTP(_ body: () async throws -> Void) async throws {
        guard let settings = configuration.server.adminHTTP else { return try await body() }
        try await withAdminEndpoints(
            on: settings.listen.address,
            status: settings.status.access,
            board: admin,
            logger: logger
        ) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { [admin] in
                    try? await gracefulShutdown()
                    admin.enter(.ending)
                }
                defer { group.cancelAll() }
                try await body()
            }
        }
    }

    /// The board of a daemon that has not begun.
    static func adminBoard(
        _ configuration: NodeConfiguration,
        socketPath: String,
        _ environment: [String: String]
    ) -> AdminBoard {
        let status = ConfigurationStatus(
            file: configuration.file,
            digest: configuration.digest,
            stores: configuration.stores.count,
            grants: configuration.policy.grants.count,
            appliedAt: SystemClock().now.rfc3339
        )
        let facts = AdminBoard.Facts(
            node: nodeName(configuration.builds, environment),
            version: DaypassVersion.current
        )
        return AdminBoard(facts, configuration: { status }, version: { await versionFailure(socketPath) })
    }

    /// The node's name, or the host's.
    private static func nodeName(_ builds: BuildSettings, _ environment: [String: String]) -> String {
        if case .at(let source) = builds.pods, let name = source.nodeName { return name }
        if let name = environment["NODE_NAME"], !name.isEmpty { return name }
        var buffer = [CChar](repeating: 0, count: 256)
        gethostname(&buffer, buffer.count - 1)
        let name = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return name.isEmpty ? "this node" : name
    }

    /// Calls `Version` on a socket as the driver does, over a connection of its own: a server that accepts no more shows.
    ///
    /// - Returns: why it was not answered; `nil` when it was.
    private static func versionFailure(_ socketPath: String) async -> String? {
        var file = stat()
        guard lstat(socketPath, &file) == 0 else { return "there is no socket at \(socketPath)" }
        do {
            _ = try await withUnaryClient(socketPath: socketPath) { client in
                try await client.call("/v1alpha1.CSIDriverProvider/Version", [], timeout: .seconds(2))
            }
            return nil
        } catch {
            return "\(socketPath): \(error)"
        }
    }
}

extension AdminHTTPSettings.Listen {
    fileprivate var address: ListenAddress {
        switch self {
        case .ip4(let address, let port): .ip4(address, port: port)
        case .ip6(let address, let port): .ip6(address, port: port)
        case .unix(let path): .unix(path)
        }
    }
}

extension AdminHTTPSettings.Status {
    fileprivate var access: StatusAccess {
        switch self {
        case .loopback: .loopback
        case .all: .all
        case .off: .off
        }
    }
}
