// What has to be written into the journal, in order, and who waits for it.

/// The queue in front of the journal: changes are written in the order in which the table made them, as many at once as
/// there are. After a write that failed everything is written anew, because what the journal holds is not known then.
struct JournalQueue {
    typealias Waiter = CheckedContinuation<JournalFailure?, Never>

    /// One call of the journal.
    enum Write: Sendable {
        case changes([JournalChange])
        case all([LeaseRecord])
    }

    private var pending: [JournalChange] = []
    private var lastTicket: UInt64 = 0
    private var done: UInt64 = 0
    private var waiters: [(ticket: UInt64, waiter: Waiter)] = []
    /// Why the last write failed; `nil` while the journal holds what the table holds.
    private(set) var failure: JournalFailure?

    /// Adds changes. The ticket stands for all that was added so far.
    mutating func add(_ changes: [JournalChange]) -> UInt64 {
        if !changes.isEmpty {
            lastTicket += 1
            pending += changes
        }
        return lastTicket
    }

    /// Whether all that a ticket stands for is written.
    func isDone(_ ticket: UInt64) -> Bool { ticket <= done && failure == nil }

    /// Waits for a ticket.
    mutating func wait(_ ticket: UInt64, _ waiter: Waiter) { waiters.append((ticket, waiter)) }

    /// The next write and its ticket; `nil` when there is none.
    ///
    /// - Parameters:
    ///   - records: everything that belongs into the journal.
    ///   - isRetry: whether to try again although nothing was added and nobody waits.
    mutating func next(_ records: @autoclosure () -> [LeaseRecord], isRetry: Bool) -> (write: Write, ticket: UInt64)? {
        if failure != nil {
            guard isRetry || !pending.isEmpty || !waiters.isEmpty else { return nil }
            pending = []
            return (.all(records()), lastTicket)
        }
        guard !pending.isEmpty else { return nil }
        defer { pending = [] }
        return (.changes(pending), lastTicket)
    }

    /// A write has ended. Returns who waited for it.
    mutating func finish(_ ticket: UInt64, _ failure: JournalFailure?) -> [Waiter] {
        self.failure = failure
        if failure == nil { done = ticket }
        let ready = waiters.filter { $0.ticket <= ticket }.map(\.waiter)
        waiters.removeAll { $0.ticket <= ticket }
        return ready
    }
}
