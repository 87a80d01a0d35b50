// What is said of a Pod in its events.

package import BuildEnds

/// Why an event is written. The names are stable: people filter by them (docs/events.md).
package enum PodEventReason: String, Sendable, Hashable, CaseIterable {
    /// A refresh failed, and the old token was handed out again.
    case tokenRefreshFailed = "TokenRefreshFailed"
    /// A token is about to end, and no new one has come.
    case tokenExpiring = "TokenExpiring"
    /// A Mount of a Pod that already runs was refused, which the driver hides from kubelet.
    case tokenRefused = "TokenRefused"
    /// A Pod runs although no Mount for its volume was ever answered.
    case volumeUnanswered = "VolumeUnanswered"

    /// What was tried: the `action` of the event.
    var action: String {
        switch self {
        case .tokenRefreshFailed, .tokenExpiring: "Refresh"
        case .tokenRefused, .volumeUnanswered: "Mount"
        }
    }
}

/// One thing to say of a Pod.
package struct PodWarning: Sendable, Hashable {
    /// The Pod's UID.
    package var podUID: String
    package var pod: PodName
    package var reason: PodEventReason
    /// What a person reads: one line, no secret. It becomes printable ASCII of at most ``longestNote`` bytes.
    package var note: String

    /// The most bytes that the API server takes (`NoteLengthLimit` in `pkg/apis/core/validation/events.go`).
    static let longestNote = 1024

    package init(podUID: String, pod: PodName, reason: PodEventReason, note: String) {
        self.podUID = podUID
        self.pod = pod
        self.reason = reason
        self.note = Self.line(note)
    }

    /// One line of printable ASCII that fits.
    private static func line(_ text: String) -> String {
        let bytes = text.unicodeScalars.map { scalar -> UInt8 in
            switch scalar.value {
            case 0x20...0x7E: UInt8(scalar.value)
            case 0x09...0x0D: UInt8(ascii: " ")
            default: UInt8(ascii: "?")
            }
        }
        guard bytes.count > longestNote else { return String(decoding: bytes, as: UTF8.self) }
        return String(decoding: bytes.prefix(longestNote - 3), as: UTF8.self) + "..."
    }
}

/// What became of things to say.
package enum PodEventOutcome: String, Sendable, Hashable, CaseIterable {
    /// It is in an event, by itself or counted in a series.
    case written
    /// It came too fast, and others were kept in its place.
    case dropped
    /// The role of Daypass does not allow it, or the Pod's namespace takes no event.
    case forbidden
    /// The Pod's namespace is gone, or about to be.
    case gone
    /// The API server could not be reached for too long, or did not take it.
    case failed
    /// The Pod watch knows no such Pod on this node, so that nothing is said of it.
    case unknownPod = "unknown_pod"
}

/// How often something became of things to say: `daypass_pod_events_total{reason,outcome}`.
package struct PodEventCounts: Sendable, Hashable {
    package var reason: PodEventReason
    package var outcome: PodEventOutcome
    package var count: Int
}
