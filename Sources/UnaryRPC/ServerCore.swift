// The core's server and the one thread that its events come to.

import CGRPC
import Logging
import Synchronization

/// A server of the core with its completion queue. Connections are handed to it; it listens nowhere itself.
///
/// This is where a server on TCP with TLS will begin: it differs in the credentials and in `grpc_server_add_http2_port`
/// before the start, and in nothing after it.
final class ServerCore: Sendable {
    /// A call whose answer comes later, or the word that such calls are to end.
    enum Job: Sendable {
        case answer(ServerCall, @Sendable () async -> Result<[UInt8], RPCStatus>)
        case cancelAll
    }

    private let library: CoreLibrary
    private let server: CorePointer
    private let queue: CorePointer
    private let credentials: CorePointer
    private let handler: UnaryHandler
    private let isDraining = Atomic<Bool>(false)
    private let bell = Mutex<CorePointer?>(nil)
    private let callsInFlight = Atomic<Int>(0)
    /// Where late answers are worked on; finished when no more will come.
    let jobs: AsyncStream<Job>
    private let feed: AsyncStream<Job>.Continuation
    /// Opens when the drain has begun.
    let draining = Latch()
    /// Opens when, in a drain, every call is answered and none will come.
    let idle = Latch()

    /// The number of calls that wait for the next clients. The core keeps what exceeds them, so this is no limit: it
    /// only saves a burst the way through the core's own list.
    private static let waitingCalls = 32

    /// Calls that were received and are not answered yet.
    var inFlight: Int { callsInFlight.load(ordering: .relaxed) }

    init(options: UnaryServerOptions, handler: @escaping UnaryHandler) throws(CoreError) {
        library = CoreLibrary()
        var arguments = ChannelArguments(
            maxMessageBytes: options.maxMessageBytes,
            keepaliveTime: options.keepaliveTime,
            keepaliveTimeout: options.keepaliveTimeout
        )
        arguments.set(GRPC_ARG_MAX_CONCURRENT_STREAMS, options.maxConcurrentStreams)
        // Clients may ask whether we are alive every ten seconds, calls or not.
        arguments.set(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10_000)
        guard let server = CorePointer(arguments.withCoreArguments { grpc_server_create($0, nil) }),
            let queue = CorePointer(grpc_completion_queue_create_for_next(nil)),
            let credentials = CorePointer(grpc_insecure_server_credentials_create())
        else { throw CoreError() }
        self.server = server
        self.queue = queue
        self.credentials = credentials
        self.handler = handler
        (jobs, feed) = AsyncStream.makeStream()
        grpc_server_register_completion_queue(server.raw, queue.raw, nil)
        grpc_server_start(server.raw)
    }

    /// Takes a connected, non-blocking socket; the core closes it. Not after ``beginDrain()``.
    func adopt(_ descriptor: Int32) { grpc_server_add_channel_from_fd(server.raw, descriptor, credentials.raw) }

    /// Ends the server at the next moment without a call in flight; until then calls go on being served.
    ///
    /// The connections are closed in that moment, by the thread that reads them. A call that arrives too late then ends
    /// as `UNAVAILABLE` at the client, which its retry policy knows; after a GOAWAY alone the core would cut it off as
    /// `CANCELLED`.
    ///
    /// It wakes the server's thread, which does the rest. The core has no call for that; but a server without
    /// connections is shut down at once, and says so to the queue.
    func endWhenSettled() {
        guard let server = CorePointer(grpc_server_create(nil, nil)) else { return }
        grpc_server_register_completion_queue(server.raw, queue.raw, nil)
        grpc_server_start(server.raw)
        bell.withLock { $0 = server }
        let tag = UnsafeMutableRawPointer(bitPattern: ServerCall.Event.bell.rawValue)
        grpc_server_shutdown_and_notify(server.raw, queue.raw, tag)
    }

    /// Accepts no more calls, tells the clients so (GOAWAY), and lets the others end. Only the first call does something.
    func beginDrain() {
        guard !isDraining.exchange(true, ordering: .acquiringAndReleasing) else { return }
        let tag = UnsafeMutableRawPointer(bitPattern: ServerCall.Event.serverShutDown.rawValue)
        grpc_server_shutdown_and_notify(server.raw, queue.raw, tag)
        draining.open()
    }

    /// Cancels the tasks of late answers, which may still answer.
    func cancelHandlers() { feed.yield(.cancelAll) }

    /// Closes every connection. Only in a drain.
    func closeConnections() { grpc_server_cancel_all_calls(server.raw) }

    /// Frees the server. The thread has ended, and so has every late answer.
    func destroy() {
        bell.withLock { $0.map { grpc_server_destroy($0.raw) } }
        grpc_server_destroy(server.raw)
        grpc_completion_queue_destroy(queue.raw)
        grpc_server_credentials_release(credentials.raw)
        library.release()
    }

    /// Serves until a drain is done: the body of the server's thread.
    func run() {
        var waiting = 0
        var isSettling = false
        var isShutDown = false
        var isClosed = false
        func waitForCall() { if ServerCall().request(from: server.raw, queue: queue.raw) { waiting += 1 } }
        for _ in 0..<Self.waitingCalls { waitForCall() }

        while true {
            let event = grpc_completion_queue_next(queue.raw, .never, nil)
            if event.type == GRPC_QUEUE_SHUTDOWN { return }
            guard event.type == GRPC_OP_COMPLETE, let (call, kind) = ServerCall.take(event.tag) else { continue }
            switch kind {
            case .arrived:
                waiting -= 1
                if event.success != 0, let call {
                    callsInFlight.add(1, ordering: .relaxed)
                    call.receive()
                }
                if !isDraining.load(ordering: .acquiring) { waitForCall() }
            case .received: call.map(handle)
            case .closed: call?.closed.open()
            case .answered: callsInFlight.subtract(1, ordering: .relaxed)
            case .bell: isSettling = true
            case .serverShutDown: isShutDown = true
            }
            if isSettling, inFlight == 0, !isDraining.load(ordering: .acquiring) {
                beginDrain()
                closeConnections()
            }
            guard waiting == 0, inFlight == 0, isDraining.load(ordering: .acquiring) else { continue }
            idle.open()
            // Nobody can start an operation now: no call waits, none is in flight, and no connection is left.
            if isShutDown, !isClosed {
                isClosed = true
                feed.finish()
                grpc_completion_queue_shutdown(queue.raw)
            }
        }
    }

    private func handle(_ call: ServerCall) {
        guard let request = call.takeRequest() else {
            // Cut off or too large: the client has its status already. Or it sent none.
            return call.answer(.failure(RPCStatus(.internal, "the call carries no message")))
        }
        switch handler(request) {
        case .now(let result): call.answer(result)
        case .later(let work):
            if case .terminated = feed.yield(.answer(call, work)) {
                call.answer(.failure(RPCStatus(.unavailable, "the server is shutting down")))
            }
        }
    }
}

/// The core could not create an object, which means that memory ran out.
package struct CoreError: Error, Sendable, Hashable, CustomStringConvertible {
    package var description: String { "CoreFailed: the gRPC core could not be started; give the process more memory" }
}
