// The side of a handover that serves: it gives its listening socket to those who stand by.

import CGRPC
import Glibc
import LogEvents
package import Logging
import Synchronization

/// Offers a listening socket to successors, from ``begin(of:at:logger:)`` to the end of ``run(_:)``.
///
/// A successor connects to a socket of the offer (mode 0600, root and our own user only) and gets a copy of the
/// listener's descriptor. Both processes then hold one socket: connections that the one no longer accepts wait in the
/// kernel for the other, also when the one is killed. A successor stays connected for as long as it stands by.
package final class SocketOffer: Sendable {
    private let meeting: UnixSocketListener
    private let listener: UnixSocketListener
    private let message: [UInt8]
    private let wakeUp: Int32
    private let thread = Mutex<CoreThread?>(nil)
    private let logger: Logger
    /// Those who connected, and whether they said that they have the descriptor.
    private let visitors = Mutex<[Int32: Bool]>([:])

    /// The most processes that stand by at once; more are a mistake.
    private static let mostVisitors = 8

    /// - Parameters:
    ///   - path: Where successors connect; at most 107 bytes, in a directory that exists.
    /// - Throws: ``UnixSocketError`` or ``ThreadError`` when that can't be.
    package static func begin(
        of listener: UnixSocketListener,
        at path: String,
        logger: Logger
    ) throws -> SocketOffer {
        let offer = try SocketOffer(of: listener, at: path, logger: logger)
        try offer.meeting.publish()
        let thread = try CoreThread("daypass-offer") { offer.meet() }
        offer.thread.withLock { $0 = thread }
        return offer
    }

    private init(of listener: UnixSocketListener, at path: String, logger: Logger) throws(UnixSocketError) {
        self.listener = listener
        meeting = try UnixSocketListener.bind(path: path, logger: logger)
        self.logger = logger
        message = OfferedSocket(path: listener.path, identity: listener.identity).encoded
        wakeUp = daypass_wakeup_create()
        guard wakeUp >= 0 else { throw .system("cannot create an event descriptor") }
    }

    deinit { close(wakeUp) }

    /// Runs `body`, and ends the offer. Call it once.
    package func run<R: Sendable>(_ body: () async throws -> R) async throws -> R {
        defer { meeting.close() }
        let result: Result<R, any Error>
        do { result = .success(try await body()) } catch { result = .failure(error) }
        _ = daypass_wakeup(wakeUp)
        await thread.withLock { $0 }?.join()
        return try result.get()
    }

    /// Whether somebody has the descriptor and is still there.
    package var hasSuccessor: Bool {
        visitors.withLock { visitors in
            visitors.contains { descriptor, hasIt in hasIt && !Self.hasLeft(descriptor) }
        }
    }

    /// Meets successors until the end: the body of the offer's thread.
    private func meet() {
        defer {
            visitors.withLock { visitors in
                for descriptor in visitors.keys { close(descriptor) }
                visitors = [:]
            }
        }
        while true {
            let present = visitors.withLock { Array($0.keys) }
            var polled = ([wakeUp, meeting.descriptor] + present).map {
                pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
            }
            guard poll(&polled, nfds_t(polled.count), -1) > 0 else { continue }
            if polled[0].revents != 0 { return }
            for visitor in polled.dropFirst(2) where visitor.revents != 0 { hear(visitor.fd) }
            if polled[1].revents != 0 { welcome() }
        }
    }

    private func welcome() {
        let visitor = daypass_accept(meeting.descriptor)
        guard visitor >= 0 else {
            // Out of descriptors: the next look comes soon enough.
            if errno != EAGAIN { usleep(100_000) }
            return
        }
        let isWelcome = PeerCredentials(of: visitor).map { meeting.allowedUIDs.contains($0.uid) } ?? false
        // Once it is closed its number may be another descriptor's.
        func send() -> Bool {
            listener.withOpenDescriptor { daypass_send_descriptor(visitor, message, message.count, $0) }
                == message.count
        }
        guard isWelcome, visitors.withLock({ $0.count }) < Self.mostVisitors, send() else {
            close(visitor)
            return
        }
        visitors.withLock { $0[visitor] = false }
    }

    /// Takes the word of a visitor: that it has the descriptor, or that it has left.
    private func hear(_ visitor: Int32) {
        var byte: UInt8 = 0
        let count = recv(visitor, &byte, 1, Int32(MSG_DONTWAIT))
        if count < 0, errno == EAGAIN || errno == EINTR { return }
        guard count == 1 else {
            visitors.withLock { _ = $0.removeValue(forKey: visitor) }
            close(visitor)
            return
        }
        let isNew = visitors.withLock { $0.updateValue(true, forKey: visitor) == false }
        if isNew {
            logger.log(
                .socketOffered,
                "a successor stands by and has the socket",
                metadata: [
                    "socket": "\(listener.path)", "pid": "\(PeerCredentials(of: visitor).map { "\($0.pid)" } ?? "")",
                ]
            )
        }
    }

    private static func hasLeft(_ descriptor: Int32) -> Bool {
        var byte: UInt8 = 0
        let count = recv(descriptor, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT))
        return count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)
    }
}
