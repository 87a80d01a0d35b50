// One call on the client's side: the core's objects for it, and their end.

import CGRPC
import Synchronization

/// One call that a client makes. The core holds a reference through the tag until the call is over; when the last
/// reference goes, the core's objects go with it. `@unchecked Sendable`: the state is written before the start, and read
/// after the one event; in between only the core touches it, and ``cancel()``, which the core allows on any thread.
final class ClientCall: @unchecked Sendable {
    private let library: CoreLibrary
    private let state: UnsafeMutablePointer<daypass_client_call>
    private let continuation = Mutex<CheckedContinuation<Result<[UInt8], RPCStatus>, Never>?>(nil)

    /// Creates a call on `channel`, without starting it.
    init(
        library: CoreLibrary,
        channel: OpaquePointer,
        queue: OpaquePointer,
        method: String,
        message: [UInt8],
        metadata: [MetadataEntry],
        timeout: Duration
    ) {
        self.library = library
        state = .allocate(capacity: 1)
        state.initialize(to: daypass_client_call())
        grpc_metadata_array_init(&state.pointee.initial_metadata)
        grpc_metadata_array_init(&state.pointee.trailing_metadata)
        state.pointee.details = grpc_empty_slice()
        state.pointee.request = message.makeBuffer()
        state.pointee.metadata = .allocate(capacity: metadata.count)
        state.pointee.metadata_count = metadata.count
        for (index, entry) in metadata.enumerated() {
            var core = grpc_metadata()
            core.key = grpc_slice(copying: entry.name)
            core.value = grpc_slice(copying: entry.value)
            (state.pointee.metadata + index).initialize(to: core)
        }
        let method = grpc_slice(copying: method)
        state.pointee.call = grpc_channel_create_call(
            channel,
            nil,
            0,
            queue,
            method,
            nil,
            .after(timeout),
            nil
        )
        grpc_slice_unref(method)
        LiveObjects.clientCalls.add(1, ordering: .relaxed)
    }

    deinit {
        destroyBuffer(state.pointee.request)
        if let response = state.pointee.response { grpc_byte_buffer_destroy(response) }
        for index in 0..<state.pointee.metadata_count {
            grpc_slice_unref(state.pointee.metadata[index].key)
            grpc_slice_unref(state.pointee.metadata[index].value)
        }
        state.pointee.metadata.deallocate()
        grpc_metadata_array_destroy(&state.pointee.initial_metadata)
        grpc_metadata_array_destroy(&state.pointee.trailing_metadata)
        grpc_slice_unref(state.pointee.details)
        grpc_call_unref(state.pointee.call)
        state.deinitialize(count: 1)
        state.deallocate()
        LiveObjects.clientCalls.subtract(1, ordering: .relaxed)
    }

    /// Starts the call; `continuation` is resumed once, with its end.
    ///
    /// - Returns: Whether the call runs now. Otherwise it has ended.
    func start(waitForReady: Bool, _ continuation: CheckedContinuation<Result<[UInt8], RPCStatus>, Never>) -> Bool {
        self.continuation.withLock { $0 = continuation }
        let flags: UInt32 =
            waitForReady
            ? GRPC_INITIAL_METADATA_WAIT_FOR_READY | GRPC_INITIAL_METADATA_WAIT_FOR_READY_EXPLICITLY_SET : 0
        let tag = Unmanaged.passRetained(self)
        let error = daypass_call(state, flags, tag.toOpaque())
        guard error != GRPC_CALL_OK else { return true }
        tag.release()
        let text =
            error == GRPC_CALL_ERROR_INVALID_METADATA
            ? "a metadata name or value is not allowed" : "the core refused the call"
        end(.failure(RPCStatus(.internal, text)))
        return false
    }

    /// Ends the call early. It may not have started yet, or be over.
    func cancel() { grpc_call_cancel(state.pointee.call, nil) }

    /// Takes back what a tag holds: the call's one event has come.
    static func finish(_ tag: UnsafeMutableRawPointer?) -> ClientCall? {
        guard let tag else { return nil }
        let call = Unmanaged<ClientCall>.fromOpaque(tag).takeRetainedValue()
        call.end(call.takeResult())
        return call
    }

    private func takeResult() -> Result<[UInt8], RPCStatus> {
        let code = RPCStatus.Code(rawValue: Int32(state.pointee.status.rawValue)) ?? .unknown
        guard code == .ok else { return .failure(RPCStatus(code, String(copying: &state.pointee.details))) }
        guard let message = [UInt8](taking: &state.pointee.response) else {
            return .failure(RPCStatus(.internal, "the server sent no message"))
        }
        return .success(message)
    }

    private func end(_ result: Result<[UInt8], RPCStatus>) {
        let continuation = self.continuation.withLock { continuation in
            defer { continuation = nil }
            return continuation
        }
        continuation?.resume(returning: result)
    }
}
