// A table with a clock beside it: the shorthand of the table's tests.

import Support
import TokenStore

@testable import Leases

/// A table, and the two clocks that its events are told.
struct TableBench {
    var table = LeaseTable(schedule: LeaseSchedule())
    var now = Moment(wall: UTCInstant(epochSeconds: 1_700_000_000), steady: .seconds(5000))
    /// What a journal holds that wrote every change at once.
    var written: [LeaseID: LeaseRecord] = [:]
    private var lastID: UInt64 = 0

    init(_ change: (inout LeaseSchedule) -> Void = { _ in }) {
        var schedule = LeaseSchedule()
        schedule.searchDelay = .zero
        change(&schedule)
        table = LeaseTable(schedule: schedule)
    }

    static let ask = LeaseAsk(
        subject: Subject(namespace: "ns", serviceAccount: "sa", podName: "name", podUID: "pod"),
        targetPath: "/path"
    )
    static let down = TokenStoreError(.unavailable, "down")

    mutating func pass(_ seconds: Double) { now = now.advanced(by: .milliseconds(Int(seconds * 1000))) }

    /// Sets the time of day forwards or backwards; the steady time goes on.
    mutating func jump(_ seconds: Int64) { now.wall = now.wall.advanced(by: .seconds(seconds)) }

    mutating func newID() -> LeaseID {
        lastID += 1
        return LeaseID(lastID)
    }

    func state(_ id: LeaseID) -> LeaseState? { table.entries[id]?.record.state }

    mutating func ask(_ key: LeaseKey = leaseKey()) -> LeaseTable.Answer {
        table.ask(key, Self.ask, id: newID(), now: now)
    }

    /// A mint whose intent is written; the source is being asked.
    mutating func intended(_ key: LeaseKey = leaseKey()) -> LeaseID {
        let id = newID()
        _ = table.ask(key, Self.ask, id: id, now: now)
        _ = table.intend(id, now: now)
        return id
    }

    /// A mint whose token is there, and not yet written.
    mutating func minted(
        _ key: LeaseKey = leaseKey(),
        life: Double? = 3600,
        canRevoke: Bool = true
    ) -> LeaseID {
        let id = intended(key)
        table.minted(id, token(id, life: life, canRevoke: canRevoke), now: now, chance: 0)
        return id
    }

    func token(_ id: LeaseID, life: Double? = 3600, canRevoke: Bool = true) -> IssuedToken {
        let end = life.map { now.wall.advanced(by: .milliseconds(Int($0 * 1000))) }
        return leaseToken("\(id)", expiresAt: end, canRevoke: canRevoke)
    }

    /// A lease that one Mount holds.
    mutating func held(_ key: LeaseKey = leaseKey(), life: Double? = 3600, canRevoke: Bool = true) -> LeaseID {
        let id = minted(key, life: life, canRevoke: canRevoke)
        _ = table.settled(id, holders: 1)
        return id
    }

    /// A lease that one Mount was answered with.
    mutating func live(_ key: LeaseKey = leaseKey(), life: Double? = 3600, canRevoke: Bool = true) -> LeaseID {
        let id = held(key, life: life, canRevoke: canRevoke)
        table.delivered([id], now: now)
        return id
    }

    /// A token that has to be revoked.
    mutating func revoking(_ key: LeaseKey = leaseKey(), life: Double? = 3600) -> LeaseID {
        let id = live(key, life: life)
        _ = table.end(.pod(uid: key.podUID, how: .deleted), now: now)
        return id
    }

    /// An intent whose answer was lost.
    mutating func lost(_ key: LeaseKey = leaseKey()) -> LeaseID {
        let id = intended(key)
        _ = table.failed(id, tokenMayExist: true, now: now)
        return id
    }

    /// What is due, by the names of the leases.
    mutating func due() -> [LeaseID] { table.tick(now: now).work.map(\.record.id) }

    /// Writes what was changed.
    mutating func write() {
        for change in table.takeChanges() {
            switch change {
            case .put(let record): written[record.id] = record
            case .remove(let id): written[id] = nil
            }
        }
    }
}
