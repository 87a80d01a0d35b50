// Accepts connections on a Unix socket, and hands those that may talk to the core.

import CGRPC
import Glibc
import LogEvents
import Logging
import Synchronization

/// The loop that accepts connections, on a thread of its own.
///
/// A peer of another user is closed before a byte of it is read. The others wait here until they have spoken the first
/// bytes of HTTP/2, because the core would keep a silent connection for ever: its handshake timeout does not apply to
/// descriptors that are handed to it.
final class AcceptLoop: Sendable {
    private let listener: UnixSocketListener
    private let options: UnaryServerOptions
    private let wakeUp: Int32
    private let accepted = Atomic<Int>(0)
    private let refused = Atomic<Int>(0)
    private let failed = Atomic<Int>(0)

    /// Connections of allowed peers so far.
    var acceptedCount: Int { accepted.load(ordering: .relaxed) }
    /// Connections of other users so far.
    var refusedCount: Int { refused.load(ordering: .relaxed) }
    /// How often accept found no resources so far.
    var failedCount: Int { failed.load(ordering: .relaxed) }

    /// What a loop turn keeps.
    private struct Turn {
        var waitingRoom: WaitingRoom
        var refusals: LogThrottle
        var failures: LogThrottle
        /// When accept may be tried again after it found no resources.
        var resumes: ContinuousClock.Instant?
    }

    init(listener: UnixSocketListener, options: UnaryServerOptions) throws(UnixSocketError) {
        self.listener = listener
        self.options = options
        wakeUp = daypass_wakeup_create()
        guard wakeUp >= 0 else { throw .system("cannot create an event descriptor") }
    }

    deinit { close(wakeUp) }

    /// Ends the loop.
    func stop() { _ = daypass_wakeup(wakeUp) }

    /// Accepts until ``stop()``, and gives connections that speak to `adopt`: the body of the loop's thread.
    func run(adopt: (Int32) -> Void) {
        var turn = Turn(
            waitingRoom: WaitingRoom(patience: options.handshakeTimeout, room: options.maxSilentConnections),
            refusals: LogThrottle(interval: options.logInterval),
            failures: LogThrottle(interval: options.logInterval)
        )
        defer { for descriptor in turn.waitingRoom.descriptors { close(descriptor) } }
        while true {
            let now = ContinuousClock.now
            for descriptor in turn.waitingRoom.expire(at: now) { close(descriptor) }
            if let resumes = turn.resumes, resumes <= now { turn.resumes = nil }

            var polled = [pollfd(fd: wakeUp, events: Int16(POLLIN), revents: 0)]
            polled.append(
                pollfd(fd: turn.resumes == nil ? listener.descriptor : -1, events: Int16(POLLIN), revents: 0)
            )
            polled += turn.waitingRoom.descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            let deadline = [turn.waitingRoom.nextDeadline, turn.resumes].compactMap { $0 }.min()
            // One millisecond more than the rest: waking up just before the deadline would only mean another turn.
            let timeout = deadline.map { Int32(clamping: max(0, ($0 - now).coreMilliseconds) + 1) } ?? -1
            guard poll(&polled, nfds_t(polled.count), timeout) > 0 else { continue }

            let speaking = polled.dropFirst(2).filter { $0.revents != 0 }.map(\.fd)
            turn.waitingRoom.leave(Set(speaking))
            for descriptor in speaking {
                if speech(of: descriptor) == .http2 { adopt(descriptor) } else { close(descriptor) }
            }
            if polled[0].revents != 0 { return }
            if polled[1].revents != 0 { acceptAll(&turn, adopt) }
        }
    }

    private func acceptAll(_ turn: inout Turn, _ adopt: (Int32) -> Void) {
        let ceiling = Self.descriptorCeiling()
        // A bound, so that a flood of connections cannot keep those that wait from being heard.
        for _ in 0..<128 {
            let descriptor = daypass_accept(listener.descriptor)
            guard descriptor >= 0 else { return acceptFailed(errno, &turn) }
            guard descriptor < ceiling else {
                close(descriptor)
                return acceptFailed(EMFILE, &turn)
            }
            guard let peer = PeerCredentials(of: descriptor), listener.allowedUIDs.contains(peer.uid) else {
                refuse(descriptor, &turn)
                continue
            }
            accepted.add(1, ordering: .relaxed)
            switch speech(of: descriptor) {
            case .http2: adopt(descriptor)
            case .other: close(descriptor)
            case .silence:
                if let crowdedOut = turn.waitingRoom.enter(descriptor, at: .now) { close(crowdedOut) }
            }
        }
    }

    private func refuse(_ descriptor: Int32, _ turn: inout Turn) {
        let peer = PeerCredentials(of: descriptor)
        close(descriptor)
        refused.add(1, ordering: .relaxed)
        guard let suppressed = turn.refusals.admit(at: .now) else { return }
        listener.logger.log(
            .connectionRefused,
            "refused a connection of another user",
            metadata: [
                "socket": "\(listener.path)", "uid": "\(peer.map { "\($0.uid)" } ?? "unknown")",
                "pid": "\(peer.map { "\($0.pid)" } ?? "unknown")", "suppressed": "\(suppressed)",
            ]
        )
    }

    private func acceptFailed(_ error: Int32, _ turn: inout Turn) {
        switch error {
        case EAGAIN, EINTR, ECONNABORTED: return
        default: break
        }
        failed.add(1, ordering: .relaxed)
        // Out of descriptors or memory: a silent peer's is the cheapest to get back. Then wait; polling would spin.
        if let oldest = turn.waitingRoom.dropOldest() { close(oldest) }
        turn.resumes = .now + .milliseconds(100)
        guard let suppressed = turn.failures.admit(at: .now) else { return }
        listener.logger.log(
            .acceptFailed,
            "cannot accept connections: \(strerror(error).map { String(cString: $0) } ?? "error \(error)")",
            metadata: ["socket": "\(listener.path)", "suppressed": "\(suppressed)"]
        )
    }

    // The kernel gives the lowest number that is free, so a number near the limit means that few are left. Those belong
    // to the rest of the process: without a descriptor for a timer, for example, Swift's runtime ends the process.
    private static func descriptorCeiling() -> Int32 {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return .max }
        return Int32(
            clamping: max(Int(clamping: limit.rlim_cur) - descriptorReserve, Int(clamping: limit.rlim_cur / 2))
        )
    }

    /// Descriptors that connections never take.
    static let descriptorReserve = 64

    private enum Speech { case http2, other, silence }

    // The client speaks first: RFC 9113, section 3.4. A part of the preface is enough; should the rest never come, the
    // core's keepalive finds out.
    private func speech(of descriptor: Int32) -> Speech {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Self.preface.count) { room in
            let count = recv(descriptor, room.baseAddress, room.count, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT))
            if count < 0 { return errno == EAGAIN || errno == EINTR ? .silence : .other }
            return count > 0 && room.prefix(count).elementsEqual(Self.preface.prefix(count)) ? .http2 : .other
        }
    }

    private static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
}

/// Who connected, as the kernel says (unix(7), `SO_PEERCRED`).
struct PeerCredentials {
    let pid: Int32
    let uid: UInt32

    /// Nil when the kernel does not say.
    init?(of descriptor: Int32) {
        var credentials = daypass_peer()
        var length = socklen_t(MemoryLayout<daypass_peer>.size)
        guard getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0,
            length == MemoryLayout<daypass_peer>.size
        else { return nil }
        pid = credentials.pid
        uid = credentials.uid
    }
}
