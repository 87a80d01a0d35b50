// The core's channel and the one thread that its events come to.

import CGRPC
import Glibc
import Synchronization

/// A channel of the core with its completion queue.
final class ClientCore: Sendable {
    private let library: CoreLibrary
    private let channel: CorePointer
    private let queue: CorePointer
    private let waitForReady: Bool
    private struct State {
        var isClosed = false
        /// The calls that run.
        var calls: [ObjectIdentifier: ClientCall] = [:]
    }

    private let state = Mutex(State())

    /// Creates a channel to the Unix socket at `path`; it connects with the first call.
    init(path: String, options: UnaryClientOptions) throws(CoreError) {
        library = CoreLibrary()
        waitForReady = options.waitForReady
        var arguments = ChannelArguments(
            maxMessageBytes: options.maxMessageBytes,
            keepaliveTime: options.keepaliveTime,
            keepaliveTimeout: options.keepaliveTimeout
        )
        arguments.set(GRPC_ARG_DEFAULT_AUTHORITY, options.authority)
        arguments.set(GRPC_ARG_ENABLE_HTTP_PROXY, false)
        // Channels share connections, and waiting times after failures, unless told not to.
        arguments.set(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, true)
        arguments.set(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100)
        // Despite its name this is how long one attempt to connect may take.
        arguments.set(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 10_000)
        arguments.set(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, options.maxReconnectBackoff.coreMilliseconds)
        if let serviceConfig = options.serviceConfig { arguments.set(GRPC_ARG_SERVICE_CONFIG, serviceConfig) }

        guard let credentials = CorePointer(grpc_insecure_credentials_create()) else { throw CoreError() }
        defer { grpc_channel_credentials_release(credentials.raw) }
        // After two slashes the URI's parser would look for a host.
        let target = "unix:" + Self.percentEncoded(path.hasPrefix("//") ? "/" + path.drop { $0 == "/" } : path)
        guard
            let channel = CorePointer(
                arguments.withCoreArguments { grpc_channel_create(target, credentials.raw, $0) }
            ),
            let queue = CorePointer(grpc_completion_queue_create_for_next(nil))
        else { throw CoreError() }
        self.channel = channel
        self.queue = queue
    }

    /// Makes one call. The task's cancellation cancels it.
    func call(
        _ method: String,
        _ message: [UInt8],
        _ metadata: [MetadataEntry],
        _ timeout: Duration
    ) async -> Result<[UInt8], RPCStatus> {
        // Inside the lock, so that no call begins once the queue is closed.
        let call = state.withLock { state in
            state.isClosed
                ? nil
                : ClientCall(
                    library: library,
                    channel: channel.raw,
                    queue: queue.raw,
                    method: method,
                    message: message,
                    metadata: metadata,
                    timeout: timeout
                )
        }
        guard let call else { return .failure(RPCStatus(.cancelled, "the client's scope has ended")) }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                state.withLock { state in
                    if state.isClosed {
                        continuation.resume(returning: .failure(RPCStatus(.cancelled, "the client's scope has ended")))
                    } else if call.start(waitForReady: waitForReady, continuation) {
                        // The call's event takes it out again, and waits for this lock.
                        state.calls[ObjectIdentifier(call)] = call
                    }
                }
            }
        } onCancel: {
            call.cancel()
        }
    }

    /// Lets no further call begin; calls that run are cut off.
    func close() {
        state.withLock { state in
            guard !state.isClosed else { return }
            state.isClosed = true
            // The channel's end alone would let them run on.
            for call in state.calls.values { call.cancel() }
            grpc_channel_destroy(channel.raw)
            grpc_completion_queue_shutdown(queue.raw)
        }
    }

    /// Frees what is left. The thread has ended.
    func destroy() { grpc_completion_queue_destroy(queue.raw) }

    /// Receives the ends of calls until ``close()``: the body of the client's thread.
    func run() {
        while true {
            let event = grpc_completion_queue_next(queue.raw, .never, nil)
            switch event.type {
            case GRPC_OP_COMPLETE:
                guard let call = ClientCall.finish(event.tag) else { continue }
                _ = state.withLock { $0.calls.removeValue(forKey: ObjectIdentifier(call)) }
            case GRPC_QUEUE_SHUTDOWN: return
            // A queue that cannot poll says that its time is over; without a pause this would spin.
            default: usleep(20_000)
            }
        }
    }

    // The target is a URI (RFC 3986); a path may hold any byte.
    private static func percentEncoded(_ path: String) -> String {
        let digits = Array("0123456789ABCDEF")
        return path.utf8.reduce(into: "") { encoded, byte in
            let character = Character(Unicode.Scalar(byte))
            if byte < 0x80, character.isLetter || character.isNumber || "/-._~".contains(character) {
                encoded.append(character)
            } else {
                encoded += "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
            }
        }
    }
}
