// The connections that were accepted and have said nothing yet.

/// Silent connections, oldest first, each with the time at which it must go. A value; it closes nothing itself.
struct WaitingRoom {
    private struct Guest {
        let descriptor: Int32
        let leaves: ContinuousClock.Instant
    }

    private let patience: Duration
    private let room: Int
    private var guests: [Guest] = []

    init(patience: Duration, room: Int) {
        self.patience = patience
        self.room = max(1, room)
    }

    /// The connections that wait, oldest first.
    var descriptors: [Int32] { guests.map(\.descriptor) }

    /// When the oldest must go; nil when nobody waits.
    var nextDeadline: ContinuousClock.Instant? { guests.first?.leaves }

    /// Lets a connection in. When there is no room, the oldest one is returned, to be closed.
    mutating func enter(_ descriptor: Int32, at now: ContinuousClock.Instant) -> Int32? {
        let crowdedOut = guests.count >= room ? guests.removeFirst().descriptor : nil
        guests.append(Guest(descriptor: descriptor, leaves: now + patience))
        return crowdedOut
    }

    /// Takes out connections that have something to say.
    mutating func leave(_ descriptors: Set<Int32>) { guests.removeAll { descriptors.contains($0.descriptor) } }

    /// Takes out the connections whose time is over, to be closed.
    mutating func expire(at now: ContinuousClock.Instant) -> [Int32] {
        let expired = guests.prefix { $0.leaves <= now }.map(\.descriptor)
        guests.removeFirst(expired.count)
        return expired
    }

    /// Takes out the oldest connection, to be closed.
    mutating func dropOldest() -> Int32? { guests.isEmpty ? nil : guests.removeFirst().descriptor }
}
