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

    let library: CoreLibrary
    let server: CorePointer
    let queue: CorePointer
    private let credentials: CorePointer
    private let sockets = AdoptedSockets()
    let options: UnaryServerOptions
    let logger: Logger
    private let handler: UnaryHandler
    /// Set when the scope ends.
    let isEnding = Atomic<Bool>(false)
    /// Set when the caller's task is cancelled while the server ends.
    let isHurried = Atomic<Bool>(false)
    /// Set before the scope ends when another process holds the listening socket too.
    let isHandingOver = Atomic<Bool>(false)
    private let successor = Mutex<(@Sendable () -> Bool)?>(nil)
    /// Set when the core takes no more calls.
    let isDraining = Atomic<Bool>(false)
    private let bell = Mutex<CorePointer?>(nil)
    /// Set when there was no memory for the bell, so that nobody waits for it.
    let isWithoutBell = Atomic<Bool>(false)
    let callsInFlight = Atomic<Int>(0)
    /// Where late answers are worked on; finished when no more will come.
    let jobs: AsyncStream<Job>
    private let feed: AsyncStream<Job>.Continuation

    /// The number of calls that wait for the next clients. The core keeps what exceeds them, so this is no limit: it
    /// only saves a burst the way through the core's own list.
    static let waitingCalls = 32

    /// Calls that were received and are not answered yet.
    var inFlight: Int { callsInFlight.load(ordering: .relaxed) }

    init(options: UnaryServerOptions, logger: Logger, handler: @escaping UnaryHandler) throws(CoreError) {
        library = CoreLibrary()
        self.options = options
        self.logger = logger
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
    func adopt(_ descriptor: Int32) {
        sockets.insert(descriptor)
        grpc_server_add_channel_from_fd(server.raw, descriptor, credentials.raw)
    }

    /// Lets nothing more go out to clients.
    func silence() { sockets.silence() }

    /// Leaves calls that have no answer at the end to a successor, if it is still there then. Before ``end()``.
    func handOver(whileThereIs successor: @escaping @Sendable () -> Bool) {
        self.successor.withLock { $0 = successor }
        isHandingOver.store(true, ordering: .releasing)
    }

    /// Whether somebody would answer a call that is left without an answer.
    var hasSuccessor: Bool { successor.withLock { $0 }?() ?? false }

    /// Lets the server's thread end the server by its ``DrainPlan``: at the next moment without a call in flight, or when
    /// the time is over. Until then calls are answered.
    ///
    /// The connections are closed for writing in that moment, and then ended. A call that arrives too late then ends as
    /// `UNAVAILABLE` at the client, which its retry policy knows; after a GOAWAY alone the core would cut it off as
    /// `CANCELLED`.
    ///
    /// The core has no call to wake the thread; but a server without connections is shut down at once, and says so to
    /// the queue.
    func end() {
        isEnding.store(true, ordering: .releasing)
        // Without memory for that, the word that no more calls come has to do.
        guard let server = CorePointer(grpc_server_create(nil, nil)) else {
            isWithoutBell.store(true, ordering: .releasing)
            return beginDrain()
        }
        grpc_server_register_completion_queue(server.raw, queue.raw, nil)
        grpc_server_start(server.raw)
        bell.withLock { $0 = server }
        let tag = UnsafeMutableRawPointer(bitPattern: ServerCall.Event.bell.rawValue)
        grpc_server_shutdown_and_notify(server.raw, queue.raw, tag)
    }

    /// Cancels the handlers of a server that ends, within a tenth of a second.
    func hurry() { isHurried.store(true, ordering: .releasing) }

    /// Accepts no more calls, and tells the clients so (GOAWAY). Only the first call does something.
    func beginDrain() {
        guard !isDraining.exchange(true, ordering: .acquiringAndReleasing) else { return }
        let tag = UnsafeMutableRawPointer(bitPattern: ServerCall.Event.serverShutDown.rawValue)
        grpc_server_shutdown_and_notify(server.raw, queue.raw, tag)
    }

    /// Cancels the tasks of late answers, which may still answer.
    func cancelHandlers() { feed.yield(.cancelAll) }

    /// Closes every connection. Only after ``beginDrain()``.
    func closeConnections() { grpc_server_cancel_all_calls(server.raw) }

    /// Frees the server. The thread has ended, and so has every late answer.
    func destroy() {
        bell.withLock { $0.map { grpc_server_destroy($0.raw) } }
        grpc_server_destroy(server.raw)
        grpc_completion_queue_destroy(queue.raw)
        grpc_server_credentials_release(credentials.raw)
    }

    /// Serves until a drain is done: the body of the server's thread.
    func run() {
        var loop = ServerLoop(core: self)
        loop.run()
    }

    /// Lets the thread and the tasks of late answers end. No operation may begin after it.
    func finish() {
        feed.finish()
        grpc_completion_queue_shutdown(queue.raw)
    }

    /// What is done with a call that was received.
    enum Manner {
        case serve, refuse
        /// Only answers that are there at once are given.
        case holdWork
        /// None is given.
        case holdAll
    }

    /// What became of a call that was received.
    enum Outcome { case answered, working, held }

    /// Answers a call that was received, or sees to it that a task does. Nobody will answer one that is held.
    func handle(_ call: ServerCall, _ manner: Manner) -> Outcome {
        guard let request = call.takeRequest() else {
            // Cut off or too large: the client has its status already. Or it sent none.
            call.answer(.failure(RPCStatus(.internal, "the call carries no message")))
            return .answered
        }
        switch manner {
        case .serve, .holdWork: break
        case .refuse:
            call.answer(.failure(options.endingStatus))
            return .answered
        case .holdAll: return .held
        }
        switch handler(request) {
        case .now(let result): call.answer(result)
        case .later where manner == .holdWork: return .held
        case .later(let work):
            // The stream ends early when the caller's task is cancelled.
            guard case .terminated = feed.yield(.answer(call, work)) else { return .working }
            call.answer(.failure(options.endingStatus))
        }
        return .answered
    }
}

/// The core could not create an object, which means that memory ran out.
package struct CoreError: Error, Sendable, Hashable, CustomStringConvertible {
    package var description: String { "CoreFailed: the gRPC core could not be started; give the process more memory" }
}
