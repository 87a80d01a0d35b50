// The side of a handover that stands by: it holds the socket of the one who serves.

import CGRPC
import Glibc
import LogEvents
package import Logging
import Synchronization

/// Holds a copy of the listening socket that is offered at `path`, while `body` runs.
///
/// The one who offers may come later than we, end, or be followed by another one: the latest offer counts. It is kept
/// after its owner has ended, so that clients who connect meanwhile wait for us.
///
/// - Parameters:
///   - path: Where the socket is offered (``SocketOffer``).
///   - body: Stands by.
/// - Returns: What `body` returned, and the socket; nil when there was no offer.
/// Where nothing can be offered (the path is too long), or no thread can be had, `body` stands by without.
///
/// - Throws: What `body` throws.
package func withSocketHeir<R: Sendable>(
    at path: String,
    logger: Logger,
    _ body: () async throws -> R
) async throws -> (R, InheritedSocket?) {
    let heir: SocketHeir
    let thread: CoreThread
    do {
        heir = try SocketHeir(path: try UnixSocketAddress(path: path).path, logger: logger)
        thread = try CoreThread("daypass-heir") { heir.run() }
    } catch {
        logger.log(
            .socketNotOffered,
            "the socket of the daemon that serves can't be taken over",
            metadata: ["path": "\(path)", "error": "\(error)"]
        )
        return (try await body(), nil)
    }
    let result: Result<R, any Error>
    do { result = .success(try await body()) } catch { result = .failure(error) }
    heir.stop()
    await thread.join()
    return (try result.get(), heir.take())
}

/// A listening socket that was taken over. It closes its descriptor unless a listener takes it.
package final class InheritedSocket: Sendable {
    let offered: OfferedSocket
    private let descriptor: Mutex<Int32>

    init(offered: OfferedSocket, descriptor: Int32) {
        self.offered = offered
        self.descriptor = Mutex(descriptor)
    }

    deinit { descriptor.withLock { if $0 >= 0 { close($0) } } }

    /// Gives the descriptor away.
    func release() -> Int32 {
        descriptor.withLock { descriptor in
            defer { descriptor = -1 }
            return descriptor
        }
    }
}

/// Meets the one who serves.
private final class SocketHeir: Sendable {
    private let path: String
    private let wakeUp: Int32
    private let logger: Logger
    private let inherited = Mutex<InheritedSocket?>(nil)

    /// The pause before another try to meet, in milliseconds.
    private static let pause: Int32 = 100

    init(path: String, logger: Logger) throws(UnixSocketError) {
        self.path = path
        self.logger = logger
        wakeUp = daypass_wakeup_create()
        guard wakeUp >= 0 else { throw .system("cannot create an event descriptor") }
    }

    deinit { close(wakeUp) }

    func stop() { _ = daypass_wakeup(wakeUp) }

    func take() -> InheritedSocket? {
        inherited.withLock { inherited in
            defer { inherited = nil }
            return inherited
        }
    }

    /// Stands by until ``stop()``: the body of the heir's thread.
    func run() {
        repeat { meet() } while !isStopped(waiting: Self.pause)
    }

    private func isStopped(waiting milliseconds: Int32) -> Bool {
        var polled = [pollfd(fd: wakeUp, events: Int16(POLLIN), revents: 0)]
        return poll(&polled, 1, milliseconds) > 0
    }

    /// Takes an offer, and stays until its owner leaves or ``stop()``.
    private func meet() {
        let connection = daypass_socket()
        guard connection >= 0 else { return }
        defer { close(connection) }
        guard withSocketAddress(path, { connect(connection, $0, $1) }) == 0 else { return }
        while true {
            var polled = [wakeUp, connection].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            guard poll(&polled, 2, -1) > 0 else { continue }
            guard polled[0].revents == 0, accept(from: connection) else { return }
        }
    }

    /// Reads what the owner says. Returns whether it is still there.
    private func accept(from connection: Int32) -> Bool {
        var line = [UInt8](repeating: 0, count: OfferedSocket.longest)
        var descriptor: Int32 = -1
        let count = daypass_receive_descriptor(connection, &line, line.count, &descriptor)
        if count < 0 { return errno == EAGAIN || errno == EINTR }
        guard count > 0, descriptor >= 0, let offered = OfferedSocket(line.prefix(count)) else {
            if descriptor >= 0 { close(descriptor) }
            return false
        }
        inherited.withLock { $0 = InheritedSocket(offered: offered, descriptor: descriptor) }
        logger.log(
            .socketInherited,
            "holding the socket of the daemon that serves",
            metadata: ["socket": "\(offered.path)"]
        )
        return send(connection, [1], 1, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)) == 1
    }
}
