// A span that has ended, as it waits for its export.

package import TraceContext
package import Tracing

/// A span that has ended.
package struct EndedSpan: Sendable {
    /// An event within a span.
    package struct Event: Sendable {
        package var name: String
        package var at: UInt64
        package var attributes: SpanAttributes
    }

    /// Its trace, its own id, and the state of its trace.
    package var place: TraceParent
    /// The span that it belongs to; 0 for the first one of a trace.
    package var parentID: UInt64
    package var name: String
    package var kind: SpanKind
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    package var start: UInt64
    package var end: UInt64
    package var attributes: SpanAttributes
    package var status: SpanStatus?
    package var events: [Event]
    package var links: [TraceParent]
}

/// Ended spans that wait for their export: as many as fit, the oldest first. What comes when it is full is dropped and
/// counted.
package struct SpanQueue: Sendable {
    private var spans: [EndedSpan] = []
    private let capacity: Int
    /// How many were dropped since the beginning.
    package private(set) var dropped = 0

    package init(capacity: Int) { self.capacity = capacity }

    package var count: Int { spans.count }

    package mutating func add(_ span: EndedSpan) {
        guard spans.count < capacity else {
            dropped += 1
            return
        }
        spans.append(span)
    }

    /// Takes the oldest ones.
    package mutating func take(atMost count: Int) -> [EndedSpan] {
        let taken = Array(spans.prefix(count))
        spans.removeFirst(taken.count)
        return taken
    }

    /// Drops what was taken and can't be exported.
    package mutating func give(up count: Int) { dropped += count }

    /// Drops all.
    package mutating func clear() {
        dropped += spans.count
        spans = []
    }
}
