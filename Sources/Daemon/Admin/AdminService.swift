// The daemon's side of the admin socket.

package import Leases
import Refusals
import TokenStore
package import UnaryRPC

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Answers operators. Who may connect is the socket's matter: root and the daemon's own user.
package struct AdminService: Sendable {
    private let leases: LeaseManager
    private let configuration: @Sendable () -> String
    private let reload: @Sendable () async -> ReloadReport?
    private let detectors: @Sendable () -> [DetectorReport]

    /// - Parameters:
    ///   - configuration: the digest of the configuration in force.
    ///   - reload: reads the configuration anew; `nil` when that can't be done.
    ///   - detectors: how the detectors are.
    package init(
        leases: LeaseManager,
        configuration: @escaping @Sendable () -> String,
        reload: @escaping @Sendable () async -> ReloadReport?,
        detectors: @escaping @Sendable () -> [DetectorReport]
    ) {
        self.leases = leases
        self.configuration = configuration
        self.reload = reload
        self.detectors = detectors
    }

    /// How long a call for a revocation waits for the sources.
    static let patience = Duration.seconds(30)

    /// Answers one call.
    package func handle(_ call: UnaryCall) -> UnaryReply {
        switch call.method {
        case AdminMethod.leases: .now(encoded(report))
        case AdminMethod.revoke:
            switch Result(catching: { try JSONDecoder().decode(LeaseSelection.self, from: Data(call.message)) }) {
            case .success(let selection):
                .later { encoded(await leases.revoke(selection, within: Self.patience)) }
            case .failure: .now(.failure(RPCStatus(.invalidArgument, "the message is no selection of leases")))
            }
        case AdminMethod.reload: .later { await reloaded() }
        default: .now(.failure(RPCStatus(.unimplemented, "the admin socket knows no such method")))
        }
    }

    private func reloaded() async -> Result<[UInt8], RPCStatus> {
        guard let report = await reload() else {
            return .failure(RPCStatus(.failedPrecondition, "this daemon's configuration can't be read anew"))
        }
        return encoded(report)
    }

    private var report: AdminReport {
        AdminReport(
            version: DaypassVersion.current,
            configuration: configuration(),
            now: SystemClock().now.rfc3339,
            leases: leases.summaries,
            counts: leases.counts,
            detectors: detectors()
        )
    }

    private func encoded(_ value: some Encodable) -> Result<[UInt8], RPCStatus> {
        do { return .success(Array(try JSONEncoder().encode(value))) } catch {
            return .failure(RPCStatus(.internal, "the answer could not be encoded"))
        }
    }
}
