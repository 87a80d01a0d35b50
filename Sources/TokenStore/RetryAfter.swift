// When a source asks to wait: the Retry-After field and HTTP dates, read once for all stores.

/// Reads `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date.
public enum RetryAfter {
    /// The longest wait that is believed: a source or a proxy that asks for more is asked again after this.
    public static let longest: Duration = .seconds(3600)
    /// The shortest wait: a zero or a date in the past must not become a busy loop.
    public static let shortest: Duration = .seconds(1)

    /// The time before which another try is pointless; `nil` when there is no such field or it can't be read.
    public static func instant(in answer: HTTPAnswer, now: UTCInstant) -> UTCInstant? {
        guard let value = answer.header("Retry-After") else { return nil }
        if let seconds = Int64(value) { return clamp(.seconds(min(max(seconds, 0), 1 << 32)), now: now) }
        // Dates are the source's; where it also says what time it has, the difference is free of our clock's error.
        guard let date = HTTPDate.instant(value) else { return nil }
        let theirNow = answer.header("Date").flatMap(HTTPDate.instant) ?? now
        return clamp(theirNow.duration(to: date), now: now)
    }

    /// `now` plus `wait`, with the wait between ``shortest`` and ``longest``.
    public static func clamp(_ wait: Duration, now: UTCInstant) -> UTCInstant {
        now.advanced(by: min(max(wait, shortest), longest))
    }
}

/// Dates in HTTP fields (RFC 9110, section 5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`.
public enum HTTPDate {
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// Reads the one form that may still be sent; `nil` for anything else. The name of the day is not checked.
    public static func instant(_ text: String) -> UTCInstant? {
        let parts = text.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 6, parts[0].count == 4, parts[0].hasSuffix(","), parts[5] == "GMT",
            let month = months.firstIndex(of: String(parts[2])), parts[1].utf8.count == 2, parts[3].utf8.count == 4
        else { return nil }
        let number = month < 9 ? "0\(month + 1)" : "\(month + 1)"
        return UTCInstant(rfc3339: "\(parts[3])-\(number)-\(parts[1])T\(parts[4])Z")
    }
}
