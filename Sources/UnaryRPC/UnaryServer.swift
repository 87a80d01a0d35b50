// A server for the time of a scope.

package import Logging
import Synchronization

/// A server that runs, as the body of ``withUnaryServer(on:options:logger:handler:_:)`` sees it.
package struct UnaryServer: Sendable {
    /// What a server has done so far.
    package struct Counts: Sendable, Hashable {
        /// Calls that were received and are not answered yet.
        package let callsInFlight: Int
        /// Connections of allowed peers since the start.
        package let acceptedConnections: Int
        /// Connections of other users that were closed unread since the start.
        package let refusedConnections: Int
        /// How often a connection could not be accepted for want of descriptors or memory.
        package let acceptFailures: Int
    }

    /// The path at which clients find the server.
    package let socketPath: String
    private let core: ServerCore
    private let accepting: AcceptLoop

    init(socketPath: String, core: ServerCore, accepting: AcceptLoop) {
        self.socketPath = socketPath
        self.core = core
        self.accepting = accepting
    }

    package var counts: Counts {
        Counts(
            callsInFlight: core.inFlight,
            acceptedConnections: accepting.acceptedCount,
            refusedConnections: accepting.refusedCount,
            acceptFailures: accepting.failedCount
        )
    }
}

/// Serves calls on `listener` while `body` runs.
///
/// The socket appears at its path when the server is ready, just before `body` is called. When `body` returns or throws
/// the server drains: the socket's file goes, and with the first moment without calls the connections do. When there is
/// none within ``UnaryServerOptions/settleTimeout``, new calls are answered with ``UnaryServerOptions/endingStatus``, and
/// calls in flight may run on; ``UnaryServerOptions/cancelGrace`` before ``UnaryServerOptions/drainTimeout`` is over their
/// handlers are cancelled, and at its end whatever has no answer gets that status too. A second later at most the
/// connections are closed. If the caller's task is cancelled, handlers are cancelled at once and have a second at most.
/// Nothing of the server runs after the function has returned; it waits for handlers that ignore their cancellation.
///
/// With a successor (``SocketOffer``) no call gets the ending status: the file stays, new connections
/// wait for the successor, and when there was no moment without calls, new ones are held back: those that would take a
/// while, and all when nothing else is in flight. The connections are closed when only those are left, or where handlers
/// would be cancelled otherwise. Calls that have no answer then end as `UNAVAILABLE` at their clients without response headers, for a retry policy to repeat.
///
/// - Parameter hasSuccessor: Whether another process holds the listener too; asked when `body` has returned, and again
///   before calls are left to it.
/// - Throws: What `body` throws; before it runs, a ``UnixSocketError``, ``ThreadError`` or ``CoreError``.
package func withUnaryServer<R: Sendable>(
    on listener: UnixSocketListener,
    options: UnaryServerOptions = UnaryServerOptions(),
    logger: Logger,
    hasSuccessor: @escaping @Sendable () -> Bool = { false },
    handler: @escaping UnaryHandler,
    _ body: (UnaryServer) async throws -> R
) async throws -> R {
    defer { listener.close() }
    let accepting = try AcceptLoop(listener: listener, options: options)
    let core = try ServerCore(options: options, logger: logger, handler: handler)
    let serving = try core.start()
    CoreLog.shared.use(logger)
    defer { CoreLog.shared.use(nil) }
    async let answers: Void = core.answerLater()
    let result: Result<R, any Error>
    do {
        let knocking = try CoreThread("grpc-accept") { accepting.run { core.adopt($0) } }
        do {
            try listener.publish()
            result = .success(try await body(UnaryServer(socketPath: listener.path, core: core, accepting: accepting)))
        } catch {
            result = .failure(error)
        }
        let isHandingOver = hasSuccessor()
        if isHandingOver { core.handOver(whileThereIs: hasSuccessor) }
        accepting.stop()
        await knocking.join()
        listener.close(leavingFile: isHandingOver)
    } catch {
        result = .failure(error)
    }
    await core.drain(serving)
    await answers
    core.destroy()
    return try result.get()
}

extension ServerCore {
    /// Starts the server's thread.
    fileprivate func start() throws(ThreadError) -> CoreThread {
        do {
            return try CoreThread("grpc-server") { self.run() }
        } catch {
            // Without a thread this one does what is left to do, which is to shut down: it does not wait for anybody.
            beginDrain()
            run()
            destroy()
            throw error
        }
    }

    /// Ends the server: returns when its thread has ended.
    fileprivate func drain(_ serving: CoreThread) async {
        await withTaskCancellationHandler {
            end()
            await serving.join()
        } onCancel: {
            hurry()
        }
    }
}
