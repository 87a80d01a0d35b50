// The states of all leases of a node, without clocks, tasks or I/O.

import TokenStore

/// The state machine of the leases: what is held, what is being minted, and what an event makes of it.
///
/// A key is in one of four states: unknown; minting (nothing held yet); live; live and minting (a refresh, with the old
/// token still held). Revocation and the journal hook in where a lease is replaced or dropped.
struct LeaseTable {
    /// What to do for a caller who asks for a lease.
    enum Answer: Equatable {
        /// Hand this out.
        case serve(Lease)
        /// Wait for the mint that is under way.
        case join
        /// Start a mint, then wait for it.
        case mint
    }

    private struct Entry {
        var lease: Lease?
        var isMinting = false
    }

    private var entries: [LeaseKey: Entry] = [:]
    private var nextSerial: UInt64 = 1
    private var nextSweep: UTCInstant?

    /// The number of leases that are held.
    var liveCount: Int { entries.values.count { $0.lease != nil } }
    /// The number of mints under way.
    var mintingCount: Int { entries.values.count { $0.isMinting } }

    /// The lease of a key, if it needs no refresh.
    func fresh(_ key: LeaseKey, now: UTCInstant) -> Lease? {
        guard let lease = entries[key]?.lease, now < lease.refreshAt, now < lease.usableUntil else { return nil }
        return lease
    }

    /// A caller wants a lease.
    mutating func ask(_ key: LeaseKey, now: UTCInstant) -> Answer {
        if let lease = fresh(key, now: now) { return .serve(lease) }
        if entries[key]?.isMinting == true { return .join }
        entries[key, default: Entry()].isMinting = true
        return .mint
    }

    /// A mint ended with a token. Returns the new lease; the one that it replaces is forgotten.
    mutating func minted(
        _ key: LeaseKey,
        _ token: IssuedToken,
        now: UTCInstant,
        schedule: LeaseSchedule,
        chance: Double
    ) -> Lease {
        let until = schedule.usableUntil(token, issuedAt: now)
        let lease = Lease(
            serial: nextSerial,
            token: token,
            issuedAt: now,
            refreshAt: schedule.refreshAt(issuedAt: now, usableUntil: until, chance: chance),
            usableUntil: until
        )
        nextSerial += 1
        entries[key] = Entry(lease: lease)
        sweep(now: now)
        return lease
    }

    /// A mint ended without a token. Returns the old lease when its token still lives: better than none.
    mutating func failed(_ key: LeaseKey, now: UTCInstant) -> Lease? {
        entries[key]?.isMinting = false
        guard let lease = entries[key]?.lease, now < lease.usableUntil else {
            entries[key] = nil
            return nil
        }
        return lease
    }

    /// The lease of a key while its token lives, however due its refresh is.
    func usable(_ key: LeaseKey, now: UTCInstant) -> Lease? {
        guard let lease = entries[key]?.lease, now < lease.usableUntil else { return nil }
        return lease
    }

    /// Drops what has expired, at most once a minute, so that the table is no larger than what lives.
    private mutating func sweep(now: UTCInstant) {
        if let nextSweep, now < nextSweep { return }
        nextSweep = now.advanced(by: .seconds(60))
        entries = entries.filter { _, entry in entry.isMinting || (entry.lease.map { now < $0.usableUntil } ?? false) }
    }
}
