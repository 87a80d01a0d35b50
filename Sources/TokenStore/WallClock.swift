// The time of day, as a clock that tests can set.

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A point in UTC, to the nanosecond.
public struct UTCInstant: InstantProtocol, Sendable, Hashable, CustomStringConvertible {
    /// The time since 1970-01-01T00:00:00Z, leap seconds not counted.
    public var sinceEpoch: Duration

    /// Creates an instant from the time since 1970-01-01T00:00:00Z.
    public init(sinceEpoch: Duration) { self.sinceEpoch = sinceEpoch }

    /// Creates an instant from whole seconds since 1970-01-01T00:00:00Z.
    public init(epochSeconds: Int64) { self.init(sinceEpoch: .seconds(epochSeconds)) }

    /// Reads an RFC 3339 time, with or without a fraction of a second; `nil` when it is none.
    public init?(rfc3339 text: String) {
        guard let sinceEpoch = RFC3339.parse(text) else { return nil }
        self.init(sinceEpoch: sinceEpoch)
    }

    /// Whole seconds since 1970-01-01T00:00:00Z, rounded down.
    public var epochSeconds: Int64 {
        let (seconds, attoseconds) = sinceEpoch.components
        return attoseconds < 0 ? seconds - 1 : seconds
    }

    /// The instant in RFC 3339, UTC, whole seconds: `2026-01-02T03:04:05Z`.
    public var rfc3339: String {
        Date(timeIntervalSince1970: Double(epochSeconds)).formatted(Date.ISO8601FormatStyle())
    }

    public var description: String { rfc3339 }

    public func advanced(by duration: Duration) -> Self { Self(sinceEpoch: sinceEpoch + duration) }
    public func duration(to other: Self) -> Duration { other.sinceEpoch - sinceEpoch }
    public static func < (left: Self, right: Self) -> Bool { left.sinceEpoch < right.sinceEpoch }
}

/// The time of day. Token expiry is a wall-clock matter: it goes on while the machine sleeps and jumps when it is set.
public protocol WallClock: Clock where Instant == UTCInstant, Duration == Swift.Duration {}

/// The machine's own time of day.
public struct SystemClock: WallClock {
    /// Creates the clock.
    public init() {}

    public var now: UTCInstant { UTCInstant(sinceEpoch: .seconds(Date().timeIntervalSince1970)) }

    public var minimumResolution: Duration { .microseconds(1) }

    public func sleep(until deadline: UTCInstant, tolerance: Duration?) async throws {
        try await Task.sleep(for: now.duration(to: deadline), tolerance: tolerance, clock: .continuous)
    }
}
