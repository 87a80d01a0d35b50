// Where log lines go. Who reads them may be slow, stuck or gone: the daemon neither waits for ever nor dies of it.

import Glibc
import Synchronization

/// Writes whole lines to a descriptor.
///
/// A line of up to 4096 bytes is one write, which a pipe takes whole or not at all. When there is no room, a line waits,
/// and those after it behind it: Mounts are among them. So all that lines wait is bounded by a ``PatienceBudget``, and
/// after one that did not go through none waits until one does. Lines that find no room in time are counted, and the
/// next one that does is preceded by a line that says how many there were.
package final class LogOutput: Sendable {
    /// Lines that were not written since the last one that was.
    package struct Lost: Sendable, Hashable {
        package var lines = 0
        /// Those of them that were part of the audit trail.
        package var auditLines = 0
        /// Why the last one was not written.
        package var failure = ""
    }

    private struct State {
        var lost = Lost()
        var lostInAll = Lost()
        /// Whether the last line did not go through.
        var isStuck = false
        /// Whether a part of a line was written.
        var isTorn = false
        var patience: PatienceBudget
        /// How many lines found no room at once, and waited.
        var waits = 0
    }

    /// The standard error of the process.
    package static let standardError = LogOutput(descriptor: STDERR_FILENO)

    private let descriptor: Int32
    private let state: Mutex<State>

    /// - Parameters:
    ///   - patience: how long lines may wait for room, all together within `window`.
    ///   - window: any time of this length.
    package init(
        descriptor: Int32,
        patience: Duration = .milliseconds(200),
        in window: Duration = .seconds(5)
    ) {
        self.descriptor = descriptor
        state = Mutex(State(patience: PatienceBudget(limit: patience, window: window)))
    }

    /// How many lines have waited for room.
    var waits: Int { state.withLock { $0.waits } }

    /// The lines that were lost since the beginning.
    package var lost: Lost { state.withLock { $0.lostInAll } }

    /// Writes one line.
    ///
    /// - Parameters:
    ///   - line: its bytes, with the newline.
    ///   - notice: makes the line that tells of lost ones.
    package func write(_ line: [UInt8], isAudit: Bool, notice: (Lost) -> [UInt8]) {
        state.withLock { state in
            if state.lost.lines > 0 {
                let failure = send(notice(state.lost), &state)
                guard failure == 0 else { return lose(isAudit, failure, &state) }
                state.lost = Lost()
            }
            let failure = send(line, &state)
            if failure != 0 { lose(isAudit, failure, &state) }
        }
    }

    private func lose(_ isAudit: Bool, _ failure: Int32, _ state: inout State) {
        let text = strerror(failure).map { String(cString: $0) } ?? "error \(failure)"
        for path in [\State.lost, \State.lostInAll] {
            state[keyPath: path].lines += 1
            if isAudit { state[keyPath: path].auditLines += 1 }
            state[keyPath: path].failure = text
        }
    }

    /// What a pipe takes in one piece (pipe(7), PIPE_BUF), and has room for when poll(2) says so.
    private static let pieceSize = 4096

    /// - Returns: 0 when all was written, else the error.
    private func send(_ line: [UInt8], _ state: inout State) -> Int32 {
        let start = ContinuousClock.now
        let deadline = start + (state.isStuck ? .zero : state.patience.left(at: start))
        var hasWaited = false
        defer {
            if hasWaited {
                let end = ContinuousClock.now
                state.patience.spend(end - start, at: end)
                state.waits += 1
            }
        }
        let whole = state.isTorn ? [0x0A] + line : line
        var written = 0
        while written < whole.count {
            let piece =
                whole.count <= Self.pieceSize && written == 0 ? whole : Array(whole[written...].prefix(Self.pieceSize))
            var (count, failure) = (0, room(until: .now))
            if failure == EAGAIN, ContinuousClock.now < deadline {
                hasWaited = true
                failure = room(until: deadline)
            }
            if failure == 0 { (count, failure) = write(piece) }
            // There was room and then there was none: once more, while there is time.
            if failure == EAGAIN, ContinuousClock.now < deadline {
                hasWaited = true
                failure = 0
            }
            guard failure == 0 else {
                state.isTorn = state.isTorn || written > 0
                state.isStuck = true
                return failure
            }
            written += count
        }
        state.isTorn = false
        state.isStuck = false
        return 0
    }

    /// Waits until a piece can be written without waiting.
    ///
    /// - Returns: 0 when it can, else the error.
    private func room(until deadline: ContinuousClock.Instant) -> Int32 {
        while true {
            var place = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            let left = max(.zero, deadline - .now) / .milliseconds(1)
            let count = poll(&place, 1, Int32(left.rounded(.up)))
            let events = Int32(place.revents)
            if count == 0 { return EAGAIN }
            if count < 0, errno != EINTR { return errno }
            if count < 0 { continue }
            if events & POLLNVAL != 0 { return EBADF }
            // A write without a reader would be answered with SIGPIPE.
            return events & POLLERR == 0 ? 0 : EPIPE
        }
    }

    /// One write. The reader may leave just before it: the signal that comes of it is taken back.
    private func write(_ piece: [UInt8]) -> (count: Int, failure: Int32) {
        var pipeSignal = sigset_t()
        var former = sigset_t()
        var pending = sigset_t()
        sigemptyset(&pipeSignal)
        sigaddset(&pipeSignal, SIGPIPE)
        sigpending(&pending)
        let wasPending = sigismember(&pending, SIGPIPE) == 1
        pthread_sigmask(SIG_BLOCK, &pipeSignal, &former)
        defer { pthread_sigmask(SIG_SETMASK, &former, nil) }
        var count = -1
        repeat { count = Glibc.write(descriptor, piece, piece.count) } while count < 0 && errno == EINTR
        guard count < 0 else { return (count, 0) }
        let failure = errno
        if failure == EPIPE, !wasPending {
            var none = timespec()
            while sigtimedwait(&pipeSignal, nil, &none) < 0, errno == EINTR {}
        }
        return (0, failure)
    }
}
