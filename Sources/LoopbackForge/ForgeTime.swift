// Times as the forge writes them.

import Foundation

/// Times as the forge writes them.
package enum ForgeTime {
    /// The machine's time of day in seconds since 1970.
    package static let now: @Sendable () -> Int = { Int(Date().timeIntervalSince1970) }

    /// RFC 3339, as in JSON: `2026-01-02T03:04:05Z`.
    static func iso8601(_ seconds: Int) -> String {
        Date(timeIntervalSince1970: Double(seconds)).formatted(Date.ISO8601FormatStyle())
    }

    /// The form of HTTP fields: `Fri, 02 Jan 2026 03:04:05 GMT`.
    static func http(_ seconds: Int) -> String {
        let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let text = iso8601(seconds)
        let date = text.prefix(10).split(separator: "-")
        let month = Int(date[1]).map { months[$0 - 1] } ?? ""
        return "\(days[(seconds / 86_400) % 7]), \(date[2]) \(month) \(date[0]) \(text.dropFirst(11).prefix(8)) GMT"
    }
}
