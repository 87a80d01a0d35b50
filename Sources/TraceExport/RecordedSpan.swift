// A span while it is recorded.

import Synchronization
import TraceContext
package import Tracing

/// A span of ``SpanTracer``. When it ends it goes into the tracer's queue; what is said of it later is dropped.
package final class RecordedSpan: Span {
    /// The most events and links that one span keeps.
    private static let mostEvents = 32

    package let context: ServiceContext
    private let place: TraceParent
    /// `nil` when it is not recorded.
    private let tracer: SpanTracer?
    private let state: Mutex<(span: EndedSpan, hasEnded: Bool)>

    init(context: ServiceContext, place: TraceParent, tracer: SpanTracer?, _ span: EndedSpan) {
        self.context = context
        self.place = place
        self.tracer = tracer
        state = Mutex((span, false))
    }

    package var isRecording: Bool { tracer != nil && !state.withLock { $0.hasEnded } }

    package var operationName: String {
        get { state.withLock { $0.span.name } }
        set { change { $0.name = newValue } }
    }

    package var attributes: SpanAttributes {
        get { state.withLock { $0.span.attributes } }
        set { change { $0.attributes = newValue } }
    }

    package func setStatus(_ status: SpanStatus) { change { $0.status = status } }

    package func addEvent(_ event: SpanEvent) {
        change { span in
            guard span.events.count < Self.mostEvents else { return }
            span.events.append(
                EndedSpan.Event(
                    name: event.name,
                    at: event.nanosecondsSinceEpoch,
                    attributes: event.attributes
                )
            )
        }
    }

    /// Keeps that there was an error, and its type. Its words may be somebody's secret.
    package func recordError<Instant: TracerInstant>(
        _ error: any Error,
        attributes: SpanAttributes,
        at instant: @autoclosure () -> Instant
    ) {
        change { $0.attributes.set("error.type", value: .string("\(type(of: error))")) }
    }

    package func addLink(_ link: SpanLink) {
        guard let other = link.context.traceParent, other.spanID != 0 else { return }
        change { if $0.links.count < Self.mostEvents { $0.links.append(other) } }
    }

    package func end<Instant: TracerInstant>(at instant: @autoclosure () -> Instant) {
        guard let tracer else { return }
        let end = instant().nanosecondsSinceEpoch
        let ended = state.withLock { state -> EndedSpan? in
            guard !state.hasEnded else { return nil }
            state.hasEnded = true
            state.span.end = max(end, state.span.start)
            return state.span
        }
        if let ended { tracer.ended(ended) }
    }

    private func change(_ body: (inout EndedSpan) -> Void) {
        guard tracer != nil else { return }
        state.withLock { if !$0.hasEnded { body(&$0.span) } }
    }
}
