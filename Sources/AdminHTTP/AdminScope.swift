// The admin endpoints, for the time of a scope.

import LogEvents
package import Logging

/// Serves the endpoints while `body` runs.
///
/// - Throws: ``ListenFailure`` before `body` runs, when the address can't be had; what `body` throws.
package func withAdminEndpoints<Result: Sendable>(
    on address: ListenAddress,
    status access: StatusAccess,
    board: AdminBoard,
    options: HTTPServerOptions = HTTPServerOptions(),
    logger: Logger,
    _ body: () async throws -> Result
) async throws -> Result {
    let router = AdminRouter(board: board, access: access)
    return try await withHTTPServer(on: address, options: options, logger: logger, handler: router.answer) { bound in
        logger.log(.adminEndpoints, "admin endpoints", metadata: ["listen": "\(bound)", "status": "\(access)"])
        return try await body()
    }
}
