// How the socket goes from one daemon of a node to the next.

import LogEvents
import Logging
import UnaryRPC

/// The handover of the provider's socket between daemons that share a journal.
struct Succession: Sendable {
    private let path: String
    private let logger: Logger

    /// - Parameter path: Where the two meet.
    init(at path: String, logger: Logger) {
        self.path = path
        self.logger = logger
    }

    /// The socket to serve: the former daemon's with the clients that wait for it, or a new one.
    ///
    /// - Returns: The socket, and whether it was taken over.
    func listener(_ inherited: InheritedSocket?, path: String) throws -> (UnixSocketListener, isTaken: Bool) {
        if let inherited {
            if let listener = try UnixSocketListener.take(inherited, path: path, logger: logger) {
                return (listener, true)
            }
            logger.log(
                .socketReplaced,
                "the former daemon's socket is another one or gone; a new one is made",
                metadata: ["socket": "\(path)"]
            )
        }
        return (try .bind(path: path, logger: logger), false)
    }

    /// Offers the listener to successors while `body` runs. Where that can't be, the daemon serves all the same, and its
    /// successor makes a socket of its own.
    func withOffer<Result: Sendable>(
        of listener: UnixSocketListener,
        _ body: (@escaping @Sendable () -> Bool) async throws -> Result
    ) async throws -> Result {
        let offer: SocketOffer
        do { offer = try .begin(of: listener, at: path, logger: logger) } catch {
            logger.log(
                .socketNotOffered,
                "a successor can't take the socket over without a gap",
                metadata: ["path": "\(path)", "error": "\(error)"]
            )
            return try await body { false }
        }
        return try await offer.run { try await body { offer.hasSuccessor } }
    }
}
