// Spans as OTLP/HTTP in JSON.

import TraceContext
import Tracing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// An `ExportTraceServiceRequest` in the JSON encoding of OTLP: ids in hexadecimal, 64-bit numbers as strings, enumerations
/// as numbers (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding).
struct OTLPDocument: Encodable {
    struct Value: Encodable {
        var stringValue: String?
        var intValue: String?
        var doubleValue: Double?
        var boolValue: Bool?
        var arrayValue: Values?
    }

    struct Values: Encodable { var values: [Value] }

    struct Attribute: Encodable {
        var key: String
        var value: Value
    }

    struct Status: Encodable {
        var code: Int
        var message: String?
    }

    struct Event: Encodable {
        var timeUnixNano: String
        var name: String
        var attributes: [Attribute]
    }

    struct Link: Encodable {
        var traceId: String
        var spanId: String
    }

    struct Span: Encodable {
        var traceId: String
        var spanId: String
        var parentSpanId: String?
        var traceState: String?
        var flags: Int
        var name: String
        var kind: Int
        var startTimeUnixNano: String
        var endTimeUnixNano: String
        var attributes: [Attribute]
        var events: [Event]
        var links: [Link]
        var status: Status?
    }

    struct Scope: Encodable {
        var name: String
        var version: String
    }

    struct ScopeSpans: Encodable {
        var scope: Scope
        var spans: [Span]
    }

    struct Resource: Encodable { var attributes: [Attribute] }

    struct ResourceSpans: Encodable {
        var resource: Resource
        var scopeSpans: [ScopeSpans]
    }

    var resourceSpans: [ResourceSpans]

    /// - Parameters:
    ///   - resource: what is the same for all spans: the service, its version, the node.
    ///   - version: the version of Daypass.
    init(_ spans: [EndedSpan], resource: [String: String], version: String) {
        resourceSpans = [
            ResourceSpans(
                resource: Resource(
                    attributes: resource.sorted { $0.key < $1.key }
                        .map { Attribute(key: $0.key, value: Value(stringValue: $0.value)) }
                ),
                scopeSpans: [
                    ScopeSpans(scope: Scope(name: "daypass", version: version), spans: spans.map(Span.init))
                ]
            )
        ]
    }

    /// The document's bytes.
    func bytes() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        return Array(try encoder.encode(self))
    }
}

extension OTLPDocument.Span {
    init(_ span: EndedSpan) {
        traceId = span.place.traceID.description
        spanId = Hex.text(span.place.spanID)
        parentSpanId = span.parentID == 0 ? nil : Hex.text(span.parentID)
        traceState = span.place.state.isEmpty ? nil : span.place.state
        // The W3C flags: sampled.
        flags = 1
        name = span.name
        kind =
            switch span.kind {
            case .internal: 1
            case .server: 2
            case .client: 3
            case .producer: 4
            case .consumer: 5
            }
        startTimeUnixNano = String(span.start)
        endTimeUnixNano = String(span.end)
        attributes = OTLPDocument.attributes(span.attributes)
        events = span.events.map { event in
            OTLPDocument.Event(
                timeUnixNano: String(event.at),
                name: event.name,
                attributes: OTLPDocument.attributes(event.attributes)
            )
        }
        links = span.links.map {
            OTLPDocument.Link(traceId: $0.traceID.description, spanId: Hex.text($0.spanID))
        }
        status = span.status.map { OTLPDocument.Status(code: $0.code == .ok ? 1 : 2, message: $0.message) }
    }
}

extension OTLPDocument {
    fileprivate static func attributes(_ attributes: SpanAttributes) -> [Attribute] {
        var all: [Attribute] = []
        attributes.forEach { all.append(Attribute(key: $0, value: value($1))) }
        return all.sorted { $0.key < $1.key }
    }

    private static func value(_ attribute: SpanAttribute) -> Value {
        func array<Element>(_ elements: [Element], _ value: (Element) -> Value) -> Value {
            Value(arrayValue: Values(values: elements.map(value)))
        }
        return switch attribute {
        case .int32(let number): Value(intValue: String(number))
        case .int64(let number): Value(intValue: String(number))
        case .double(let number): Value(doubleValue: number.isFinite ? number : 0)
        case .bool(let flag): Value(boolValue: flag)
        case .string(let text): Value(stringValue: text)
        case .int32Array(let numbers): array(numbers) { Value(intValue: String($0)) }
        case .int64Array(let numbers): array(numbers) { Value(intValue: String($0)) }
        case .doubleArray(let numbers): array(numbers) { Value(doubleValue: $0.isFinite ? $0 : 0) }
        case .boolArray(let flags): array(flags) { Value(boolValue: $0) }
        case .stringArray(let texts): array(texts) { Value(stringValue: $0) }
        case .stringConvertible(let value): Value(stringValue: value.description)
        case .stringConvertibleArray(let values): array(values) { Value(stringValue: $0.description) }
        default: Value(stringValue: "")
        }
    }
}
