// The two methods of the provider API on the wire, and the only table from refusals to gRPC codes.

package import MountService
import ProviderAPI
package import Refusals
import SwiftProtobuf
import TraceContext
import TraceExport
import Tracing
package import UnaryRPC

/// Answers the calls that arrive on the provider's socket.
package struct ProviderService: Sendable {
    private let mounts: @Sendable () -> MountService
    private let version: [UInt8]
    private let tracer: SpanTracer?

    /// - Parameter mounts: who answers Mounts now; asked for each call.
    /// - Throws: when the answer of `Version` can't be encoded.
    package init(mounts: @escaping @Sendable () -> MountService) throws {
        self.mounts = mounts
        tracer = .current
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
        case "/v1alpha1.CSIDriverProvider/Mount": mount(call)
        case "/v1alpha1.CSIDriverProvider/Version": .now(.success(version))
        default:
            .now(.failure(RPCStatus(.unimplemented, "daypass serves v1alpha1.CSIDriverProvider only")))
        }
    }

    /// Answers a Mount, in the caller's trace or in a new one. An answer that is there at once is given without a look at
    /// either, unless spans are recorded.
    private func mount(_ call: UnaryCall) -> UnaryReply {
        let place = tracer.flatMap { $0.isEnabled ? $0.place(of: call) : nil }
        if let tracer, let place, place.isSampled { return recorded(call, tracer, place) }
        func trace() -> ServiceContext {
            var place = place ?? TraceParent(of: call) ?? TraceParent(traceID: .random())
            place.isSampled = false
            return ServiceContext(place)
        }
        switch mounts().mount(call.message, callerDeadline: call.deadline, trace: trace) {
        case .now(let result): return .now(result.mapError(Self.status))
        case .later(let work):
            let trace = trace()
            return .later { await ServiceContext.$current.withValue(trace) { await work().mapError(Self.status) } }
        }
    }

    /// A Mount with a span.
    private func recorded(_ call: UnaryCall, _ tracer: SpanTracer, _ place: TraceParent) -> UnaryReply {
        let span = tracer.startSpan("Mount", context: ServiceContext(place), ofKind: .server)
        span.attributes.set("rpc.system", value: "grpc")
        span.attributes.set("rpc.service", value: "v1alpha1.CSIDriverProvider")
        span.attributes.set("rpc.method", value: "Mount")
        var trace = span.context
        trace.span = span
        switch mounts().mount(call.message, callerDeadline: call.deadline, trace: { trace }) {
        case .now(let result): return .now(Self.end(span, result, outcome: "fresh"))
        case .later(let work):
            let context = trace
            return .later {
                await ServiceContext.$current.withValue(context) { Self.end(span, await work(), outcome: "issued") }
            }
        }
    }

    /// - Parameter outcome: what an answer is, unless that was said before.
    private static func end(
        _ span: RecordedSpan,
        _ result: Result<[UInt8], Refusal>,
        outcome: String
    ) -> Result<[UInt8], RPCStatus> {
        defer { span.end() }
        var attributes = span.attributes
        let answer = result.mapError(Self.status)
        var code = RPCStatus.Code.ok
        if case .failure(let refusal) = result {
            attributes.set("daypass.outcome", value: "refused")
            attributes.set("daypass.reason", value: .string(refusal.reason.code))
            attributes.set("error.type", value: .string(refusal.reason.code))
            span.setStatus(SpanStatus(code: .error))
        } else if attributes.get("daypass.outcome") == nil {
            attributes.set("daypass.outcome", value: .string(outcome))
        }
        if case .failure(let status) = answer { code = status.code }
        attributes.set("rpc.grpc.status_code", value: .int64(Int64(code.rawValue)))
        span.attributes = attributes
        return answer
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
