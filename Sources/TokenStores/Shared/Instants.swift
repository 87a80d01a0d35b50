// Sums of instants and durations.

import TokenStore

extension UTCInstant {
    /// The instant a duration after this one.
    static func + (instant: Self, duration: Duration) -> Self { instant.advanced(by: duration) }

    /// The instant a duration before this one.
    static func - (instant: Self, duration: Duration) -> Self { instant.advanced(by: .zero - duration) }
}
