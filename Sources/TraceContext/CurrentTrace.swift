// The trace that the current work belongs to.

package import Logging
package import Tracing

extension ServiceContext {
    private enum ParentKey: ServiceContextKey { typealias Value = TraceParent }
    private enum SpanKey: ServiceContextKey { typealias Value = any Span }

    /// The place in a trace; what is begun here belongs to it.
    package var traceParent: TraceParent? {
        get { self[ParentKey.self] }
        set { self[ParentKey.self] = newValue }
    }

    /// The span that is recorded here.
    package var span: (any Span)? {
        get { self[SpanKey.self] }
        set { self[SpanKey.self] = newValue }
    }

    /// A context with nothing but a place in a trace.
    package init(_ parent: TraceParent) {
        self = .topLevel
        traceParent = parent
    }
}

extension Logger.MetadataProvider {
    /// Adds `trace_id` to the log lines of whatever belongs to a trace.
    package static let traceID = Logger.MetadataProvider {
        guard let parent = ServiceContext.current?.traceParent else { return [:] }
        return ["trace_id": "\(parent.traceID)"]
    }
}
