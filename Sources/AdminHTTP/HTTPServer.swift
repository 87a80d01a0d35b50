// The HTTP server of probes, scrapers and people. It can be hung, flooded and lied to, and Mounts do not notice.
//
// The sockets and their event loop are FlyingSocks'. The server of the same package (FlyingFox) reads heads without a
// bound in size or time and takes any number of connections, with no way to set one, so that part is our own: one GET
// for each connection, no bodies.

import FlyingSocks
import LogEvents
package import Logging
import Synchronization
import TokenStore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Serves HTTP while `body` runs; it gets the address, with the real port. Connections that are open at the end are cut.
///
/// - Throws: ``ListenFailure`` before `body` runs, when the address can't be had; what `body` throws.
package func withHTTPServer<Result: Sendable>(
    on address: ListenAddress,
    options: HTTPServerOptions = HTTPServerOptions(),
    logger: Logger,
    handler: @escaping @Sendable (HTTPRequest) async -> HTTPAnswer,
    _ body: (ListenAddress) async throws -> Result
) async throws -> Result {
    let listener = try HTTPListener.listen(on: address)
    defer { listener.close() }
    let pool: some AsyncSocketPool = SocketPool.make()
    try await pool.prepare()
    let socket = try AsyncSocket(socket: listener.socket, pool: pool)
    let server = HTTPServer(options: options, handler: handler, logger: logger)
    return try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await pool.run() }
        group.addTask { await server.accept(socket) }
        defer { group.cancelAll() }
        return try await body(listener.address)
    }
}

/// The connections of a listening socket.
private struct HTTPServer: Sendable {
    let options: HTTPServerOptions
    let handler: @Sendable (HTTPRequest) async -> HTTPAnswer
    let logger: Logger
    let room: ConnectionRoom
    let complaints: Complaints

    init(
        options: HTTPServerOptions,
        handler: @escaping @Sendable (HTTPRequest) async -> HTTPAnswer,
        logger: Logger
    ) {
        self.options = options
        self.handler = handler
        self.logger = logger
        room = ConnectionRoom(limit: options.maxConnections, limitForPeer: options.maxConnectionsOfPeer)
        complaints = Complaints(interval: options.logInterval)
    }

    /// Accepts until its task is cancelled.
    func accept(_ listening: AsyncSocket) async {
        await withDiscardingTaskGroup { group in
            while !Task.isCancelled {
                do {
                    let connection = try await listening.accept()
                    take(connection, &group)
                } catch is CancellationError {
                    break
                } catch SocketError.failed(_, _, let message) {
                    // No descriptors left, or a peer that went before it was accepted: neither is the end.
                    complain("connections to the admin endpoints can't be accepted", message)
                    try? await Task.sleep(for: .milliseconds(200), clock: .continuous)
                } catch {
                    if !Task.isCancelled {
                        logger.log(
                            .adminEndpointsEnded,
                            "the admin endpoints have ended",
                            metadata: ["error": "\(error)"]
                        )
                    }
                    break
                }
            }
            group.cancelAll()
        }
    }

    private func take(_ connection: AsyncSocket, _ group: inout DiscardingTaskGroup) {
        connection.socket.closeOnExec()
        // One that is gone already needs nothing.
        guard let peer = connection.peer else { return close(connection) }
        switch room.enter(connection.socket.file.rawValue, of: peer) {
        case .tooManyOfPeer:
            close(connection)
            complain(Self.tooMany, "a new one was closed, because its peer has as many as one may have")
        case .full:
            close(connection)
            complain(Self.tooMany, "a new one was closed")
        case .entered(let id, let evicted):
            if evicted != nil { complain(Self.tooMany, "the oldest one that waits for no answer was closed") }
            group.addTask {
                await serve(connection, id, peer)
                room.leave(id)
                close(connection)
            }
        }
    }

    private static var tooMany: Logger.Message { "too many connections to the admin endpoints" }

    private func close(_ connection: AsyncSocket) { try? connection.close() }

    private func complain(_ message: Logger.Message, _ detail: String) {
        if complaints.isDue { logger.log(.adminEndpointsBusy, message, metadata: ["detail": "\(detail)"]) }
    }

    /// Reads a request, answers it, and waits a moment for the caller to close.
    private func serve(_ connection: AsyncSocket, _ id: UInt64, _ peer: HTTPRequest.Peer) async {
        let request = await within(options.headTimeout, { await read(connection, peer) })
        if case .success?? = request { room.move(id, to: .inWork) }
        guard await answer(request, connection) else { return }
        room.move(id, to: .answered)
        await linger(connection)
    }

    /// - Returns: whether an answer was sent.
    private func answer(_ request: Result<HTTPRequest, HTTPRejection>??, _ connection: AsyncSocket) async -> Bool {
        guard let request else {
            let late = HTTPAnswer.text(
                408,
                "the request did not come within \(options.headTimeout.components.seconds) s"
            )
            return await send(late, withBody: true, connection)
        }
        switch request {
        case .none: return false
        case .failure(let rejection)?: return await send(HTTPAnswer(rejection), withBody: true, connection)
        case .success(let request)?:
            let answer = await within(options.answerTimeout, { [handler] in await handler(request) })
            return await send(
                answer ?? .text(503, "the answer was not found in time"),
                withBody: request.method != "HEAD",
                connection
            )
        }
    }

    /// The request; `nil` when the caller went away.
    private func read(
        _ connection: AsyncSocket,
        _ peer: HTTPRequest.Peer
    ) async -> Result<HTTPRequest, HTTPRejection>? {
        var reader = HeadReader(limit: options.maxHeadBytes)
        do {
            while true {
                guard let head = try reader.add(try await connection.read(atMost: 4096)) else { continue }
                return .success(try HTTPRequest(head: head, peer: peer))
            }
        } catch let rejection as HTTPRejection {
            return .failure(rejection)
        } catch {
            return nil
        }
    }

    private func send(_ answer: HTTPAnswer, withBody: Bool, _ connection: AsyncSocket) async -> Bool {
        let bytes = Data(answer.encoded(now: SystemClock().now, withBody: withBody))
        let isSent = await within(options.writeTimeout) {
            do { try await connection.write(bytes) } catch { return false }
            return true
        }
        guard isSent == true else {
            logger.log(.adminAnswerNotTaken, "an answer of the admin endpoints was not taken")
            return false
        }
        return true
    }

    private func linger(_ connection: AsyncSocket) async {
        // A socket that is closed with unread bytes in it resets the connection, and the answer may be lost on its way.
        connection.endWriting()
        _ = await within(options.lingerTimeout) {
            var left = 64 << 10
            while left > 0, let bytes = try? await connection.read(atMost: 4096) { left -= bytes.count }
        }
    }
}

extension AsyncSocket {
    /// Who has connected; `nil` when it is gone already.
    fileprivate var peer: HTTPRequest.Peer? {
        switch try? socket.remotePeer() {
        case .ip4(let address, _): .ip(address)
        case .ip6(let address, _): .ip(address)
        case .unix: .unix
        case nil: nil
        }
    }
}
