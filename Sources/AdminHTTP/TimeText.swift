// Times as people read them: how long ago, how long still.

import TokenStore

/// Writes times as seen from one moment.
struct TimeText: Sendable {
    let now: UTCInstant

    /// `12 min ago` or `in 2 h`, with the time itself behind it.
    func html(_ rfc3339: String) -> HTML {
        guard let time = UTCInstant(rfc3339: rfc3339) else { return "\(rfc3339)" }
        let seconds = time.epochSeconds - now.epochSeconds
        let text = seconds > 0 ? "in \(Self.span(seconds))" : seconds > -2 ? "now" : "\(Self.span(-seconds)) ago"
        return "<time datetime=\"\(rfc3339)\" title=\"\(rfc3339)\">\(text)</time>"
    }

    /// `14:03:22 UTC`.
    func clock(_ rfc3339: String) -> String {
        guard rfc3339.utf8.count == 20 else { return rfc3339 }
        return "\(rfc3339.dropFirst(11).prefix(8)) UTC"
    }

    /// `45 s`, `12 min`, `3 h 20 min`, `2 d 4 h`.
    static func span(_ seconds: Int64) -> String {
        switch seconds {
        case ..<60: return "\(seconds) s"
        case ..<3600: return "\(seconds / 60) min"
        case ..<86_400:
            let minutes = seconds % 3600 / 60
            return minutes == 0 ? "\(seconds / 3600) h" : "\(seconds / 3600) h \(minutes) min"
        default:
            let hours = seconds % 86_400 / 3600
            return hours == 0 ? "\(seconds / 86_400) d" : "\(seconds / 86_400) d \(hours) h"
        }
    }
}
