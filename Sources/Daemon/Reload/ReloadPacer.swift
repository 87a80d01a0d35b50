// When the files are looked at: after a burst of changes, and once in a while. Pure.

/// Decides when to look at the files of a configuration. Times are those of a steady clock.
///
/// A change is looked at when there was calm for a while, because files are written in several steps; in a directory that
/// is never calm, some seconds after the first change. Without any change it is looked all the same: events may be lost.
struct ReloadPacer: Sendable {
    /// How long nothing must have happened.
    var calm: Duration = .seconds(1)
    /// The longest that a change waits for calm.
    var patience: Duration = .seconds(5)
    /// How often it is looked without a change.
    var poll: Duration = .seconds(30)

    private var firstRing: Duration?
    private var lastRing: Duration?
    private var lastLook: Duration?

    init() {}

    /// Something changed in a directory.
    mutating func rang(at now: Duration) {
        firstRing = firstRing ?? now
        lastRing = now
    }

    /// The files are looked at now.
    mutating func looked(at now: Duration) {
        firstRing = nil
        lastRing = nil
        lastLook = now
    }

    /// When to look next.
    var next: Duration {
        guard let lastLook else { return .zero }
        guard let firstRing, let lastRing else { return lastLook + poll }
        return min(lastRing + calm, firstRing + patience)
    }

    /// Whether it is time to look.
    func isDue(at now: Duration) -> Bool { lastLook == nil || now >= next }
}
