// One daemon at a time: a lock that lives as long as the journal is open.

import Glibc
import Leases

/// An exclusive flock(2) on a file beside the journal. The kernel lets go of it when the process ends, however it ends.
final class JournalLock: Sendable {
    private let descriptor: Int32
    /// The locked file.
    let identity: FileIdentity

    private init(descriptor: Int32, identity: FileIdentity) {
        self.descriptor = descriptor
        self.identity = identity
    }

    deinit {
        // Not by closing alone: a child process between fork and exec shares the lock.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }

    /// Takes the lock, or waits until another daemon lets go of it.
    static func take(_ path: String, wait: Duration, clock: LeaseClock) async throws(JournalFailure) -> JournalLock {
        let end = clock.steady() + wait
        while true {
            if let lock = try tryTake(path) { return lock }
            let rest = end - clock.steady()
            guard rest > .zero else { throw held(path, wait) }
            do { try await clock.sleep(min(rest, .milliseconds(100))) } catch {
                throw JournalFailure(.cancelled, "the opening of the journal was cancelled")
            }
        }
    }

    /// Takes the lock if nobody has it.
    static func takeAtOnce(_ path: String) throws(JournalFailure) -> JournalLock {
        guard let lock = try tryTake(path) else { throw held(path, .zero) }
        return lock
    }

    private static func tryTake(_ path: String) throws(JournalFailure) -> JournalLock? {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw unusable("open", path) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, fchmod(descriptor, 0o600) == 0 else {
            defer { close(descriptor) }
            throw unusable("set the mode of", path)
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            close(descriptor)
            if code == EWOULDBLOCK || code == EINTR { return nil }
            throw unusable("lock", path, code)
        }
        let lock = JournalLock(descriptor: descriptor, identity: status.identity)
        // The file that we have locked may have been removed meanwhile, and another one be locked by another daemon.
        return Files.identity(path) == lock.identity ? lock : nil
    }

    private static func held(_ path: String, _ wait: Duration) -> JournalFailure {
        JournalFailure(
            .busy,
            "another process holds the lock of the journal, \(path)"
                + (wait > .zero ? ", and did not let go within \(wait)" : ""),
            fix: "only one daypass can use a journal; stop the other one (fuser \(path) names it), or set another path"
        )
    }

    private static func unusable(_ action: String, _ path: String, _ code: Int32 = errno) -> JournalFailure {
        let failure = FileFailure(action, path, code: code)
        return JournalFailure(
            failure.isFull ? .full : .unusable,
            "the journal of leases: \(failure.description)",
            fix: "the daemon needs a folder that it may write to"
        )
    }
}
