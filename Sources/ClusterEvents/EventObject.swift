// The JSON of events. Pure.

import BuildEnds
import TokenStore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Writes objects of `events.k8s.io/v1`
/// (<https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/>).
enum EventObject {
    /// The `reportingController` of our events.
    static let controller = "daypass"

    /// A name that no other event has: the Pod's, and 64 random bits.
    static func newName(_ event: PodWarning) -> String {
        let digits = String(UInt64.random(in: .min ... .max), radix: 16)
        let suffix = String(repeating: "0", count: 16 - digits.count) + digits
        // 253 bytes is the most, and no part of a name ends with a dot or a dash.
        var head = event.pod.name.prefix(253 - 17)
        while head.hasSuffix(".") || head.hasSuffix("-") { head.removeLast() }
        return "\(head).\(suffix)"
    }

    /// The object to make.
    ///
    /// - Parameter instance: which Daypass says it: the name of its node.
    static func new(_ write: PodEventBook.Write, instance: String) throws -> [UInt8] {
        let event = write.event
        return try encode(
            Object(
                metadata: Object.Metadata(name: write.name, namespace: event.pod.namespace),
                eventTime: time(write.firstSeen),
                series: write.count > 1 ? Series(write) : nil,
                reportingController: controller,
                reportingInstance: String(instance.prefix(128)),
                action: event.reason.action,
                reason: event.reason.rawValue,
                regarding: Object.Regarding(
                    namespace: event.pod.namespace,
                    name: event.pod.name,
                    uid: event.podUID
                ),
                note: event.note,
                type: "Warning"
            )
        )
    }

    /// The merge patch that sets the series. Nothing else of an event can be changed.
    static func series(_ write: PodEventBook.Write) throws -> [UInt8] {
        try encode(["series": Series(write)])
    }

    /// A `MicroTime`: RFC 3339 in UTC with six digits of a second.
    static func time(_ instant: UTCInstant) -> String {
        let fraction = instant.sinceEpoch - .seconds(instant.epochSeconds)
        let micros = String(fraction.components.attoseconds / 1_000_000_000_000)
        return "\(instant.rfc3339.dropLast()).\(String(repeating: "0", count: 6 - micros.count))\(micros)Z"
    }

    private static func encode(_ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(value))
    }

    private struct Series: Encodable {
        var count: Int
        var lastObservedTime: String

        init(_ write: PodEventBook.Write) {
            count = write.count
            lastObservedTime = EventObject.time(write.lastSeen)
        }
    }

    private struct Object: Encodable {
        struct Metadata: Encodable {
            var name: String
            var namespace: String
        }

        struct Regarding: Encodable {
            var apiVersion = "v1"
            var kind = "Pod"
            var namespace: String
            var name: String
            var uid: String
        }

        var apiVersion = "events.k8s.io/v1"
        var kind = "Event"
        var metadata: Metadata
        var eventTime: String
        var series: Series?
        var reportingController: String
        var reportingInstance: String
        var action: String
        var reason: String
        var regarding: Regarding
        var note: String
        var type: String
    }
}
