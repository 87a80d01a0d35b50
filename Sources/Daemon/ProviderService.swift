// The two methods of the provider API on the wire, and the only table from refusals to gRPC codes.

package import MountService
import ProviderAPI
package import Refusals
import SwiftProtobuf
package import UnaryRPC

/// Answers the calls that arrive on the provider's socket.
package struct ProviderService: Sendable {
    private let mounts: @Sendable () -> MountService
    private let version: [UInt8]

    /// - Parameter mounts: who answers Mounts now; asked for each call.
    /// - Throws: when the answer of `Version` can't be encoded.
    package init(mounts: @escaping @Sendable () -> MountService) throws {
        self.mounts = mounts
        // Encoded once: the driver's health check holds a lock while it waits for this answer.
        version = try V1alpha1_VersionResponse.with {
            $0.version = "v1alpha1"
            $0.runtimeName = "daypass"
            $0.runtimeVersion = DaypassVersion.current
        }.serializedBytes()
    }

    /// Answers one call.
    package func handle(_ call: UnaryCall) -> UnaryReply {
        switch call.method {
        case "/v1alpha1.CSIDriverProvider/Mount":
            switch mounts().mount(call.message, callerDeadline: call.deadline) {
            case .now(let result): .now(result.mapError(Self.status))
            case .later(let work): .later { await work().mapError(Self.status) }
            }
        case "/v1alpha1.CSIDriverProvider/Version": .now(.success(version))
        default:
            .now(.failure(RPCStatus(.unimplemented, "daypass serves v1alpha1.CSIDriverProvider only")))
        }
    }

    /// The answer to calls that the daemon's end keeps from being handled.
    package static let endingStatus = status(
        Refusal(.shuttingDown, "the daemon is ending", fix: "kubelet tries again by itself")
    )

    /// The status of a refusal. kubelet takes every one of these codes as final: after UNAVAILABLE, RESOURCE_EXHAUSTED,
    /// ABORTED, DEADLINE_EXCEEDED or CANCELLED it would keep the empty directory, and the Pod could start on it.
    package static func status(_ refusal: Refusal) -> RPCStatus {
        let code: RPCStatus.Code =
            switch refusal.reason.kind {
            case .invalid: .invalidArgument
            case .unauthenticated: .unauthenticated
            case .denied: .permissionDenied
            case .notFound: .notFound
            case .unprepared: .failedPrecondition
            case .transient, .defect: .internal
            }
        return RPCStatus(code, refusal.description)
    }
}
