// The operator's side of the admin socket.

package import Leases
import UnaryRPC

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Asks a daemon on its admin socket.
package struct AdminClient: Sendable {
    /// Where the daemon listens unless its configuration says otherwise.
    package static let standardSocket = "/run/daypass/admin.sock"

    private let socketPath: String

    package init(socketPath: String) { self.socketPath = socketPath }

    /// The daemon's leases.
    ///
    /// - Throws: ``RPCStatus`` when no daemon answers, `DecodingError` when it is one of another version.
    package func leases() async throws -> AdminReport {
        try await call(AdminMethod.leases, [], timeout: .seconds(10))
    }

    /// Has leases revoked, and waits for it.
    ///
    /// - Throws: ``RPCStatus`` when no daemon answers, `DecodingError` when it is one of another version.
    package func revoke(_ selection: LeaseSelection) async throws -> RevocationReport {
        try await call(
            AdminMethod.revoke,
            Array(try JSONEncoder().encode(selection)),
            timeout: AdminService.patience + .seconds(10)
        )
    }

    /// Has the configuration read anew, and waits for what comes of it.
    ///
    /// - Throws: ``RPCStatus`` when no daemon answers, or it can't read its configuration anew; `DecodingError` when it is
    ///   one of another version.
    package func reload() async throws -> ReloadReport {
        try await call(AdminMethod.reload, [], timeout: .seconds(60))
    }

    private func call<Answer: Decodable>(
        _ method: String,
        _ message: [UInt8],
        timeout: Duration
    ) async throws -> Answer {
        let bytes = try await withUnaryClient(socketPath: socketPath) { client in
            try await client.call(method, message, timeout: timeout)
        }
        return try JSONDecoder().decode(Answer.self, from: Data(bytes))
    }
}
