// Which events are due, and how often each is written. Pure.

import BuildEnds
import Leases
import TokenStore

/// What there is to say of Pods: collected by Pod and reason, and written at a bounded pace.
///
/// Of one Pod and one reason at most one write a minute is made; what came meanwhile is counted into the series of the
/// event that is there. Of the node as a whole, a token bucket bounds the writes. What waits is bounded, and the oldest
/// is dropped. Every ``add(_:at:)`` ends as one count of one ``PodEventOutcome``.
struct PodEventBook: Sendable {
    struct Limits: Sendable {
        /// The most Pods and reasons that wait.
        var mostWaiting = 256
        /// The most Pods and reasons whose events are remembered.
        var mostRemembered = 4096
        /// The least time between two writes of one Pod and reason.
        var pace: Duration = .seconds(60)
        /// How long an event goes on counting what has another text. The text of an event can't be changed.
        var sameEvent: Duration = .seconds(600)
        /// How long after its last write an event goes on counting. Servers forget events after an hour.
        var series: Duration = .seconds(1800)
        /// How long something may wait before it is no news any more.
        var patience: Duration = .seconds(600)
        /// Writes a second.
        var rate = 1.0
        var burst = 10
        /// How long nothing is tried after the API server forbade it.
        var afterForbidden: Duration = .seconds(3600)
        /// How long nothing is tried in a namespace that takes no event: its quota may be free again soon.
        var afterForbiddenInNamespace: Duration = .seconds(600)
    }

    /// A call to make. ``ended(_:at:)`` follows.
    struct Write: Sendable, Hashable {
        /// The name of the event's object.
        var name: String
        var event: PodWarning
        /// Whether the object is to be made; else its series is set.
        var isNew: Bool
        /// How often it happened in all.
        var count: Int
        var firstSeen: UTCInstant
        var lastSeen: UTCInstant
    }

    enum Step: Sendable, Hashable {
        case write(Write)
        /// Nothing before this steady time.
        case wait(until: Duration)
        /// Nothing until something is added.
        case idle
    }

    /// What the API server said to a write.
    enum Answer: Sendable, Hashable {
        /// It took it, or had taken it before.
        case taken
        /// The event of the series is not there any more.
        case noEvent
        /// The namespace is not there, or is being deleted.
        case noNamespace
        /// The role of Daypass does not allow it, anywhere.
        case forbidden
        /// The namespace does not take it: a quota, an admission policy.
        case forbiddenInNamespace
        /// It will never take this one.
        case rejected
        /// Try again after this time.
        case later(Duration)
    }

    private struct Key: Hashable {
        var podUID: String
        var reason: PodEventReason
    }

    private struct Written {
        var name: String
        var note: String
        var count: Int
        var madeAt: Duration
        var lastAt: Duration
    }

    private struct Entry {
        var event: PodWarning
        var waiting = 0
        var waitingSince: Duration = .zero
        var order: UInt64 = 0
        var firstSeen: UTCInstant
        var lastSeen: UTCInstant
        var written: Written?
        /// The name of an event that may have been made by a call whose answer was lost.
        var name: String?
    }

    private struct Flight {
        var key: Key
        var taken: Int
        var since: Duration
        var firstSeen: UTCInstant
        var write: Write
    }

    private let limits: Limits
    private let newName: @Sendable (PodWarning) -> String
    private var bucket: TokenBucket
    private var entries: [Key: Entry] = [:]
    private var flight: Flight?
    private var nextOrder: UInt64 = 1
    private var heldUntil: Duration?
    private var isForbidden = false
    /// The namespaces in which nothing is tried, and until when.
    private var heldNamespaces: [String: Duration] = [:]
    private var outcomes: [PodEventReason: [PodEventOutcome: Int]] = [:]

    init(limits: Limits = Limits(), newName: @escaping @Sendable (PodWarning) -> String = EventObject.newName) {
        self.limits = limits
        self.newName = newName
        bucket = TokenBucket(rate: limits.rate, burst: limits.burst)
    }

    /// The number of Pods and reasons that wait.
    var waiting: Int { entries.values.reduce(0) { $0 + ($1.waiting > 0 ? 1 : 0) } }
    /// The number of Pods and reasons that are remembered.
    var remembered: Int { entries.count }

    /// What became of things to say, in a stable order; only what happened.
    var counts: [PodEventCounts] {
        PodEventReason.allCases.flatMap { reason in
            PodEventOutcome.allCases.compactMap { outcome in
                (outcomes[reason]?[outcome]).map { PodEventCounts(reason: reason, outcome: outcome, count: $0) }
            }
        }
    }

    /// Counts what became of something that was never added.
    mutating func count(_ reason: PodEventReason, _ outcome: PodEventOutcome, _ times: Int = 1) {
        outcomes[reason, default: [:]][outcome, default: 0] += times
    }

    // MARK: What there is to say

    mutating func add(_ event: PodWarning, at now: Moment) {
        if isForbidden, let heldUntil, now.steady < heldUntil { return count(event.reason, .forbidden) }
        if let until = heldNamespaces[event.pod.namespace] {
            if now.steady < until { return count(event.reason, .forbidden) }
            heldNamespaces[event.pod.namespace] = nil
        }
        let key = Key(podUID: event.podUID, reason: event.reason)
        var entry = entries[key] ?? Entry(event: event, firstSeen: now.wall, lastSeen: now.wall)
        entry.event = event
        entry.lastSeen = now.wall
        if entry.waiting == 0 {
            entry.waitingSince = now.steady
            entry.firstSeen = now.wall
            entry.order = nextOrder
            nextOrder += 1
        }
        entry.waiting += 1
        entries[key] = entry
        if waiting > limits.mostWaiting { dropOldest() }
        if entries.count > limits.mostRemembered { forget(at: now.steady) }
    }

    private mutating func dropOldest() {
        let oldest = entries.filter { $0.value.waiting > 0 }.min { $0.value.order < $1.value.order }
        if let oldest { giveUp(oldest.key, .dropped) }
    }

    private mutating func giveUp(_ key: Key, _ outcome: PodEventOutcome) {
        guard let entry = entries[key], entry.waiting > 0 else { return }
        count(key.reason, outcome, entry.waiting)
        entries[key]?.waiting = 0
        if entry.written == nil, flight?.key != key { entries[key] = nil }
    }

    /// Forgets the events that count no more, and the oldest of the others down to three quarters of what may be.
    private mutating func forget(at now: Duration) {
        let idle = entries.filter { $0.value.waiting == 0 && $0.key != flight?.key }
        let sorted = idle.sorted { ($0.value.written?.lastAt ?? .zero) < ($1.value.written?.lastAt ?? .zero) }
        for (key, entry) in sorted {
            let isOld = (entry.written?.lastAt ?? .zero) + limits.series < now
            guard isOld || entries.count > limits.mostRemembered / 4 * 3 else { return }
            entries[key] = nil
        }
    }

    // MARK: Writing

    /// What to do now. One write at a time.
    mutating func next(at now: Duration) -> Step {
        if let heldUntil, now < heldUntil { return waiting > 0 ? .wait(until: heldUntil) : .idle }
        heldUntil = nil
        isForbidden = false
        for (key, entry) in entries where entry.waiting > 0 && now - entry.waitingSince > limits.patience {
            giveUp(key, .failed)
        }
        var earliest: Duration?
        var best: (key: Key, order: UInt64)?
        for (key, entry) in entries where entry.waiting > 0 {
            let due = entry.written.map { $0.lastAt + limits.pace } ?? now
            if due > now {
                earliest = min(earliest ?? due, due)
            } else if best.map({ entry.order < $0.order }) ?? true {
                best = (key, entry.order)
            }
        }
        guard let best else { return earliest.map { .wait(until: $0) } ?? .idle }
        guard bucket.take(at: now) else { return .wait(until: bucket.time(ofTurn: 1, from: now)) }
        return begin(best.key, at: now).map { .write($0) } ?? .idle
    }

    private mutating func begin(_ key: Key, at now: Duration) -> Write? {
        guard var entry = entries[key] else { return nil }
        var write = Write(
            name: "",
            event: entry.event,
            isNew: true,
            count: entry.waiting,
            firstSeen: entry.firstSeen,
            lastSeen: entry.lastSeen
        )
        if let written = entry.written, now - written.lastAt <= limits.series,
            written.note == entry.event.note || now - written.madeAt <= limits.sameEvent
        {
            write.isNew = false
            write.name = written.name
            write.count += written.count
        } else {
            write.name = entry.name ?? newName(entry.event)
            entry.name = write.name
        }
        flight = Flight(
            key: key,
            taken: entry.waiting,
            since: entry.waitingSince,
            firstSeen: entry.firstSeen,
            write: write
        )
        entry.waiting = 0
        entries[key] = entry
        return write
    }

    /// A write was answered, or could not be made.
    mutating func ended(_ answer: Answer, at now: Duration) {
        guard let flight else { return }
        self.flight = nil
        let (key, write) = (flight.key, flight.write)
        switch answer {
        case .taken:
            count(key.reason, .written, flight.taken)
            let madeAt = write.isNew ? now : entries[key]?.written?.madeAt ?? now
            let note = write.isNew ? write.event.note : entries[key]?.written?.note ?? write.event.note
            entries[key]?.written = Written(
                name: write.name,
                note: note,
                count: write.count,
                madeAt: madeAt,
                lastAt: now
            )
            entries[key]?.name = nil
        case .noEvent:
            entries[key]?.written = nil
            putBack(flight)
        case .later(let pause):
            putBack(flight)
            heldUntil = now + pause
        case .noNamespace:
            count(key.reason, .gone, flight.taken)
            forgetIfIdle(key)
        case .rejected:
            count(key.reason, .failed, flight.taken)
            forgetIfIdle(key)
        case .forbiddenInNamespace:
            putBack(flight)
            let namespace = write.event.pod.namespace
            for (key, entry) in entries where entry.event.pod.namespace == namespace { giveUp(key, .forbidden) }
            heldNamespaces = heldNamespaces.filter { $0.value > now }
            heldNamespaces[namespace] = now + limits.afterForbiddenInNamespace
        case .forbidden:
            putBack(flight)
            for key in entries.keys { giveUp(key, .forbidden) }
            heldUntil = now + limits.afterForbidden
            isForbidden = true
        }
    }

    private mutating func forgetIfIdle(_ key: Key) {
        entries[key]?.name = nil
        if let entry = entries[key], entry.waiting == 0, entry.written == nil { entries[key] = nil }
    }

    private mutating func putBack(_ flight: Flight) {
        guard var entry = entries[flight.key] else { return }
        if entry.waiting == 0 {
            entry.order = nextOrder
            nextOrder += 1
        }
        entry.waiting += flight.taken
        entry.waitingSince = flight.since
        entry.firstSeen = flight.firstSeen
        entries[flight.key] = entry
        if waiting > limits.mostWaiting { dropOldest() }
    }
}
