// Where leases are written down, so that a crash loses none of them.

/// The journal of a node's leases. One writer uses it, one call at a time; what a call has written is durable when it
/// returns.
///
/// Token bytes are sealed in it, and appear in no error.
package protocol LeaseJournal: Sendable {
    /// Reads what the last daemon left.
    func load() async throws(JournalFailure) -> JournalContents

    /// Writes changes, in order, all or none.
    func apply(_ changes: [JournalChange]) async throws(JournalFailure)

    /// Puts these records in the place of everything that is in the journal, in one step. It makes the file anew when
    /// it is gone or damaged; what is damaged is set aside, never deleted.
    func replaceAll(_ records: [LeaseRecord]) async throws(JournalFailure)
}

/// What a journal holds at the start.
package struct JournalContents: Sendable, Equatable {
    /// The leases, in the order of their intent.
    package var records: [LeaseRecord]
    /// Whether they were written since the last boot of this machine, so that their steady times still count.
    package var isSameBoot: Bool
    /// What an operator should know: a file that was set aside, rows that could not be opened. One line each.
    package var notices: [String]

    package init(records: [LeaseRecord] = [], isSameBoot: Bool = true, notices: [String] = []) {
        self.records = records
        self.isSameBoot = isSameBoot
        self.notices = notices
    }
}

/// One change of the journal.
package enum JournalChange: Sendable, Equatable {
    /// Adds a record, or puts it in the place of the one with its id.
    case put(LeaseRecord)
    /// Removes a record; one that is not there is none.
    case remove(LeaseID)
}

/// Why the journal could not be read or written.
package struct JournalFailure: Error, Sendable, Hashable, CustomStringConvertible {
    /// The classes of failure.
    package enum Code: String, Sendable, Hashable {
        /// No space is left, on the file system or within the journal's own bound.
        case full
        /// The file is not the one that was opened, or is damaged: ``LeaseJournal/replaceAll(_:)`` mends it.
        case lost
        /// Another process has it.
        case busy
        /// The place can't be used: no permission, no tmpfs, no directory.
        case unusable
        /// The call was cancelled.
        case cancelled
    }

    /// The class of failure.
    package var code: Code
    /// What is wrong, in one line.
    package var message: String
    /// What to do about it, in one line.
    package var fix: String

    package init(_ code: Code, _ message: String, fix: String = "") {
        self.code = code
        self.message = message
        self.fix = fix
    }

    package var description: String { fix.isEmpty ? message : "\(message); \(fix)" }
}
