// The admin socket, for the time of a scope.

import Glibc
import Logging
import UnaryRPC

/// Serves operators on a socket of mode 0600 while `body` runs. The socket's folder is made when it is missing.
func withAdminServer<Result: Sendable>(
    _ path: String,
    _ service: AdminService,
    logger: Logger,
    _ body: () async throws -> Result
) async throws -> Result {
    let folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
    if !folder.isEmpty { _ = mkdir(folder, 0o700) }
    var options = UnaryServerOptions()
    options.drainTimeout = .seconds(2)
    options.cancelGrace = .milliseconds(500)
    let listener = try UnixSocketListener.bind(path: path, logger: logger)
    return try await withUnaryServer(on: listener, options: options, logger: logger, handler: service.handle) { _ in
        try await body()
    }
}
