// Traces as the configuration wants them.

import HTTPTransfer
import Policy
package import TraceContext
package import TraceExport
import Tracing
package import UnaryRPC

extension Daemon {
    /// The most time that is left for spans at the end, however long the drain is.
    private static let flushLimit = Duration.seconds(2)

    /// Runs `body`, with a tracer for its tasks and theirs and with an exporter when the configuration wants them. The
    /// tracer is bound to the task, not to the process: a process may run several daemons. When `body` has ended, what was
    /// recorded is sent.
    func withTracing(_ body: @Sendable () async throws -> Void) async throws {
        guard let settings = configuration.tracing else { return try await body() }
        let tracer = SpanTracer()
        // A transport of its own: it outlives the leases, and a slow collector takes no connection from a source.
        try await withCurlTransport(configuration.http.options(environment), logger: logger) { http in
            var resource = ["service.name": "daypass", "service.version": DaypassVersion.current]
            if let node = environment["NODE_NAME"], !node.isEmpty { resource["k8s.node.name"] = node }
            let exporter = SpanExporter(
                tracer,
                http: http,
                resource: resource,
                version: DaypassVersion.current,
                logger: logger
            )
            exporter.apply(endpoint: settings.endpoint, ratio: settings.sampleRatio)
            let result: Result<Void, any Error> = await withTaskGroup(of: Void.self) { group in
                group.addTask { await exporter.run() }
                defer { group.cancelAll() }
                do { return .success(try await withTracer(tracer, body)) } catch { return .failure(error) }
            }
            await exporter.flush(within: min(configuration.server.drain, Self.flushLimit))
            try result.get()
        }
    }
}

extension SpanTracer {
    /// The place in a trace of a call that arrived: its caller's, or a new one.
    package func place(of call: UnaryCall) -> TraceParent { place(TraceParent(of: call)) }
}

extension TraceParent {
    /// The caller's place in a trace, from the call's metadata; `nil` when there is none, or what is there is no such
    /// thing. Two of them are none.
    package init?(of call: UnaryCall) {
        let headers = call.metadata.filter { $0.name == "traceparent" }
        guard headers.count == 1, let parent = TraceParent(traceparent: headers[0].value) else { return nil }
        self = parent
        let states = call.metadata.filter { $0.name == "tracestate" }.map(\.text)
        state = TraceState.checked(states.joined(separator: ",")) ?? ""
    }
}
