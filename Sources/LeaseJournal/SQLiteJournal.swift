// The journal of the leases in SQLite.

package import Crypto
import Dispatch
package import Leases
import LogEvents
package import Logging
import Synchronization
import TokenStore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The journal of a node's leases in one SQLite file, with a key file and a lock file beside it, all of mode 0600.
///
/// What is no secret is in columns; each token is sealed with AES-GCM under a key that changes at each opening. A file
/// that can't be used is set aside under another name, never deleted. One process at a time has it open. Calls are
/// served in order, on a queue of their own; a call that has begun comes to its end, even when its caller is cancelled.
package final class SQLiteJournal: LeaseJournal {
    /// The key of file versions: 32 bytes that stay the same as long as the journal lives.
    package let versionKey: SymmetricKey

    private struct State: Sendable {
        /// `nil` after an opening that failed, and after ``close()``.
        var file: JournalFile?
        var lock: JournalLock?
        /// The keys, also while there is no file.
        var ring: KeyRing
        /// Whether a failure leaves it open whether the file is sound.
        var isSuspect = false
        /// What ``load()`` says of the opening.
        var notices: [String]
    }

    private let opener: JournalOpener
    private let failures: JournalFailures
    private let bootID: String
    private let logger: Logger
    private let queue: SerialQueue
    private let state: Mutex<State>

    private init(
        opener: JournalOpener,
        opened: JournalOpener.Opened,
        lock: JournalLock,
        notices: [String],
        bootID: String,
        queue: SerialQueue,
        logger: Logger
    ) {
        self.opener = opener
        self.bootID = bootID
        self.logger = logger
        self.queue = queue
        failures = JournalFailures(paths: opener.paths, maxBytes: opener.options.maxBytes)
        versionKey = SymmetricKey(data: opened.file.ring.version.reveal())
        state = Mutex(State(file: opened.file, lock: lock, ring: opened.file.ring, notices: notices + opened.notices))
    }

    /// Opens the journal, or makes it. Waits while another process has it.
    ///
    /// - Parameters:
    ///   - bootID: what tells this boot of the machine from others.
    ///   - hook: called at the crash points of the journal.
    /// - Throws: `unusable` when the place can't be used or another process keeps it, `full` when there is no room.
    package static func open(
        _ options: JournalOptions,
        clock: LeaseClock = .system,
        bootID: String = currentBootID,
        hook: @escaping CrashHook = { _ in },
        logger: Logger
    ) async throws(JournalFailure) -> SQLiteJournal {
        let opener = JournalOpener(options: options, clock: clock, hook: hook)
        let failures = JournalFailures(paths: opener.paths, maxBytes: options.maxBytes)
        let notices = try opener.place.prepare()
        let lock = try await JournalLock.take(opener.paths.lock, wait: options.lockWait, clock: clock)
        let queue = SerialQueue(label: "daypass.journal")
        let opened = try await queue.run {
            Result { try opener.open() }.mapError { failures.failure($0) }
        }.get()
        // Perhaps it was set aside by a daemon that died before it could say so.
        if opened.notices.isEmpty, let reminder = SettingAside(paths: opener.paths, now: clock.wall.now).reminder {
            logger.log(.journalLeftovers, "\(reminder)")
        }
        return SQLiteJournal(
            opener: opener,
            opened: opened,
            lock: lock,
            notices: notices,
            bootID: bootID,
            queue: queue,
            logger: logger
        )
    }

    /// The id that Linux gives each boot (random(4)); where there is none, one that no journal has.
    package static var currentBootID: String {
        guard let bytes = try? Files.read("/proc/sys/kernel/random/boot_id", atMost: 64), bytes.count > 1 else {
            return "unknown-\(UInt64.random(in: 0 ... .max))"
        }
        return String(decoding: bytes, as: UTF8.self).filter { !$0.isNewline }
    }

    package func load() async throws(JournalFailure) -> JournalContents {
        try await run { [bootID, opener, failures] state in
            guard let file = state.file else { throw failures.lost("it is not open") }
            var contents = try file.load(bootID: bootID, clock: opener.clock)
            // What happened to single rows is told again by a second load too.
            state.notices += contents.notices
            contents.notices = state.notices
            return contents
        }
    }

    package func apply(_ changes: [JournalChange]) async throws(JournalFailure) {
        guard !changes.isEmpty else { return }
        try await run { [self] state in
            guard let file = state.file else { throw failures.lost("it is not open") }
            if let stray = stray(state) { throw failures.lost(stray) }
            try file.apply(changes, bootID: bootID, hook: opener.hook)
            // What went into a file that nobody finds any more is not durable.
            if let stray = stray(state) { throw failures.lost(stray) }
        }
    }

    package func replaceAll(_ records: [LeaseRecord]) async throws(JournalFailure) {
        try await run { [self] state in
            if state.file == nil || state.isSuspect || stray(state) != nil { try reopen(&state) }
            try state.file?.replaceAll(records, bootID: bootID, hook: opener.hook)
            if let stray = stray(state) { throw failures.lost(stray) }
        }
    }

    /// Closes the file and lets go of the lock. Later calls fail, but ``replaceAll(_:)`` opens the journal again.
    package func close() async {
        await queue.run { [self] in
            state.withLock { state in
                state.file?.close()
                state.file = nil
                state.lock = nil
            }
        }
    }

    /// Says which file is not the one that was opened; `nil` when all are.
    private func stray(_ state: State) -> String? {
        if let stray = state.file?.stray { return stray }
        guard let lock = state.lock, Files.identity(opener.paths.lock) != lock.identity else { return nil }
        return "\(opener.paths.lock) was removed or replaced"
    }

    private func reopen(_ state: inout State) throws {
        var notices: [String] = []
        let stray = stray(state)
        // Before the old connection closes: it removes the log that it finds at the old path.
        if let stray { notices += try opener.setAside(reason: "\(stray) while it was in use") }
        state.file?.close()
        state.file = nil
        notices += try opener.place.prepare()
        if state.lock == nil || state.lock?.identity != Files.identity(opener.paths.lock) {
            state.lock = try JournalLock.takeAtOnce(opener.paths.lock)
        }
        let opened = try opener.open(inherited: state.ring)
        state.file = opened.file
        state.ring = opened.file.ring
        state.isSuspect = false
        notices += opened.notices
        for notice in notices { logger.log(.journalNotice, "\(notice)") }
        logger.log(.journalReopened, "the journal of leases \(opener.paths.database) was opened anew")
    }

    /// Does work on the queue, with errors translated.
    private func run<Value: Sendable>(
        _ work: @escaping @Sendable (inout State) throws -> Value
    ) async throws(JournalFailure) -> Value {
        try await queue.run { [self] in
            state.withLock { state -> Result<Value, JournalFailure> in
                do { return .success(try work(&state)) } catch {
                    let failure = failures.failure(error)
                    if failure.code == .lost { state.isSuspect = true }
                    return .failure(failure)
                }
            }
        }.get()
    }
}
