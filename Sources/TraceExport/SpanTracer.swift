// The tracer: decides what is recorded, and keeps what has ended until it is exported.

import Synchronization
package import TraceContext
package import Tracing

/// Records spans of the traces that are sampled.
///
/// Who calls decides: a caller's flag is honoured. Of traces that begin here a part is recorded, by their ids. While it
/// is off it records nothing, and to ask is one load of an atomic.
package final class SpanTracer: Tracer {
    /// The tracer of the current task; `nil` when there is none, or another one.
    package static var current: SpanTracer? { InstrumentationSystem.instrument as? SpanTracer }

    private let isOn = Atomic<Bool>(false)
    /// Trace ids below this are recorded, out of 2^63.
    private let threshold = Atomic<UInt64>(0)
    let queue: Mutex<SpanQueue>

    /// - Parameter capacity: how many ended spans may wait for their export.
    package init(capacity: Int = 2048) { queue = Mutex(SpanQueue(capacity: capacity)) }

    /// Whether anything is recorded at all.
    package var isEnabled: Bool { isOn.load(ordering: .relaxed) }

    /// Turns it on, or off with `nil`.
    ///
    /// - Parameter ratio: the part of the traces that begin here to be recorded, from 0 to 1.
    package func sample(_ ratio: Double?) {
        let part = min(max(ratio ?? 0, 0), 1)
        threshold.store(part >= 1 ? 1 << 63 : UInt64(part * 0x1p63), ordering: .relaxed)
        isOn.store(ratio != nil, ordering: .relaxed)
        if ratio == nil { queue.withLock { $0.clear() } }
    }

    /// The place in a trace for a call: the caller's, or a new one.
    package func place(_ caller: TraceParent?) -> TraceParent {
        guard var place = caller else {
            let id = TraceID.random()
            return TraceParent(traceID: id, isSampled: isEnabled && samples(id))
        }
        place.isSampled = place.isSampled && isEnabled
        return place
    }

    private func samples(_ id: TraceID) -> Bool { id.low >> 1 < threshold.load(ordering: .relaxed) }

    /// Begins a span. One that is not recorded has `isRecording` false.
    package func startSpan<Instant: TracerInstant>(
        _ operationName: String,
        context: @autoclosure () -> ServiceContext,
        ofKind kind: SpanKind,
        at instant: @autoclosure () -> Instant,
        function: String,
        file fileID: String,
        line: UInt
    ) -> RecordedSpan {
        var context = context()
        let parent = context.traceParent
        var place = parent ?? self.place(nil)
        guard isEnabled, place.isSampled else {
            context.traceParent = place
            return RecordedSpan(
                context: context,
                place: place,
                tracer: nil,
                EndedSpan(place, operationName, kind, 0, 0)
            )
        }
        place.spanID = .random(in: 1 ... .max)
        context.traceParent = place
        let start = instant().nanosecondsSinceEpoch
        let span = EndedSpan(place, operationName, kind, parent?.spanID ?? 0, start)
        return RecordedSpan(context: context, place: place, tracer: self, span)
    }

    func ended(_ span: EndedSpan) { queue.withLock { $0.add(span) } }

    package func forceFlush() {}

    package func extract<Carrier, Extract: Extractor>(
        _ carrier: Carrier,
        into context: inout ServiceContext,
        using extractor: Extract
    ) where Extract.Carrier == Carrier {
        let header = extractor.extract(key: "traceparent", from: carrier)
        guard var parent = header.flatMap({ TraceParent(traceparent: $0.utf8) }) else { return }
        parent.state = extractor.extract(key: "tracestate", from: carrier).flatMap(TraceState.checked) ?? ""
        context.traceParent = parent
    }

    package func inject<Carrier, Inject: Injector>(
        _ context: ServiceContext,
        into carrier: inout Carrier,
        using injector: Inject
    ) where Inject.Carrier == Carrier {
        guard let parent = context.traceParent, parent.spanID != 0 else { return }
        injector.inject(parent.traceparent, forKey: "traceparent", into: &carrier)
        if !parent.state.isEmpty { injector.inject(parent.state, forKey: "tracestate", into: &carrier) }
    }
}

extension EndedSpan {
    fileprivate init(_ place: TraceParent, _ name: String, _ kind: SpanKind, _ parentID: UInt64, _ start: UInt64) {
        self.init(
            place: place,
            parentID: parentID,
            name: name,
            kind: kind,
            start: start,
            end: start,
            attributes: [:],
            status: nil,
            events: [],
            links: []
        )
    }
}
