// How long something may keep us waiting. Pure.

/// Keys that wait, all for the same time.
struct Patience<Key: Hashable> {
    private let limit: Duration
    private var ends: [Key: ContinuousClock.Instant] = [:]
    /// When to call ``expire(at:)`` next; nil when nothing waits. It may be earlier than needed, never later.
    private(set) var nextLook: ContinuousClock.Instant?

    init(limit: Duration) { self.limit = limit }

    mutating func begin(_ key: Key, at now: ContinuousClock.Instant) {
        ends[key] = now + limit
        nextLook = nextLook ?? now + limit
    }

    mutating func end(_ key: Key) {
        ends[key] = nil
        if ends.isEmpty { nextLook = nil }
    }

    /// Takes out the keys whose time is over.
    mutating func expire(at now: ContinuousClock.Instant) -> [Key] {
        guard let nextLook, nextLook <= now else { return [] }
        let expired = ends.filter { $0.value <= now }.map(\.key)
        for key in expired { ends[key] = nil }
        self.nextLook = ends.values.min()
        return expired
    }
}
