// One call on the server's side: the core's objects for it, and their end.

import CGRPC
import Synchronization

/// One call that a server waits for, received and answers.
///
/// Every operation that the core runs for the call holds a reference through its tag, and so does the task of a late
/// answer; when the last one goes, the core's objects go with it. `@unchecked Sendable`: the state is touched by the
/// thread of the completion queue alone, except for ``answer(_:)``, of which the first call alone does something.
final class ServerCall: @unchecked Sendable {
    /// What an event of the completion queue is about; the low bits of its tag. The last two are the server's own.
    enum Event: UInt {
        case arrived = 0
        case received = 1
        case closed = 2
        case answered = 3
        case bell = 6
        case serverShutDown = 7
    }

    private let library: CoreLibrary
    private let state: UnsafeMutablePointer<daypass_server_call>
    /// Opens when nobody waits for the answer any more: it was sent, the deadline passed, the client cancelled or died.
    let closed = Latch()
    private(set) var method = ""
    private let hasAnswer = Atomic<Bool>(false)

    /// Whether ``answer(_:)`` was called.
    var isAnswered: Bool { hasAnswer.load(ordering: .acquiring) }

    init(_ library: CoreLibrary) {
        self.library = library
        state = .allocate(capacity: 1)
        state.initialize(to: daypass_server_call())
        grpc_call_details_init(&state.pointee.details)
        grpc_metadata_array_init(&state.pointee.metadata)
        LiveObjects.serverCalls.add(1, ordering: .relaxed)
    }

    deinit {
        if let request = state.pointee.request { grpc_byte_buffer_destroy(request) }
        destroyBuffer(state.pointee.response)
        grpc_metadata_array_destroy(&state.pointee.metadata)
        grpc_call_details_destroy(&state.pointee.details)
        if let call = state.pointee.call { grpc_call_unref(call) }
        state.deinitialize(count: 1)
        state.deallocate()
        LiveObjects.serverCalls.subtract(1, ordering: .relaxed)
    }

    // Objects are aligned to 16 bytes, so the low bits of their addresses are free.
    private func tag(_ event: Event) -> UnsafeMutableRawPointer? {
        UnsafeMutableRawPointer(bitPattern: UInt(bitPattern: Unmanaged.passRetained(self).toOpaque()) | event.rawValue)
    }

    /// Takes back what a tag holds.
    static func take(_ tag: UnsafeMutableRawPointer?) -> (call: ServerCall?, event: Event)? {
        let bits = UInt(bitPattern: tag)
        guard let event = Event(rawValue: bits & 7) else { return nil }
        guard event != .serverShutDown, event != .bell, let address = UnsafeRawPointer(bitPattern: bits & ~7) else {
            return (nil, event)
        }
        return (Unmanaged<ServerCall>.fromOpaque(address).takeRetainedValue(), event)
    }

    /// Waits for the next call of `server`; it comes as ``Event/arrived``.
    func request(from server: OpaquePointer, queue: OpaquePointer) -> Bool {
        let tag = tag(.arrived)
        let error = daypass_request_call(server, state, queue, tag)
        if error != GRPC_CALL_OK { _ = Self.take(tag) }
        return error == GRPC_CALL_OK
    }

    /// Begins to receive the message and the call's end.
    func receive() {
        method = String(copying: &state.pointee.details.method)
        start(.closed) { daypass_receive_close(state, $0) }
        start(.received) { daypass_receive_message(state, $0) }
    }

    /// The call as the handler sees it; nil when it came without a message, or not whole.
    func takeRequest() -> UnaryCall? {
        guard let message = [UInt8](taking: &state.pointee.request) else { return nil }
        let metadata = UnsafeMutableBufferPointer(
            start: state.pointee.metadata.metadata,
            count: state.pointee.metadata.count
        )
        return UnaryCall(
            method: method,
            authority: String(copying: &state.pointee.details.host),
            metadata: metadata.indices.map { index in
                MetadataEntry(
                    String(copying: &metadata[index].key),
                    [UInt8](copying: &metadata[index].value)
                )
            },
            deadline: state.pointee.details.deadline.instant,
            message: message
        )
    }

    /// Ends a call whose message has not come: it then comes as received, without one.
    func giveUp(_ text: String) {
        grpc_call_cancel_with_status(state.pointee.call, GRPC_STATUS_INTERNAL, text, nil)
    }

    /// Sends the answer, unless the call has one. On a call that is closed already it goes nowhere.
    func answer(_ result: Result<[UInt8], RPCStatus>) {
        guard !hasAnswer.exchange(true, ordering: .acquiringAndReleasing) else { return }
        switch result {
        case .success(let message):
            state.pointee.response = message.makeBuffer()
            start(.answered) { daypass_answer(state, GRPC_STATUS_OK, nil, $0) }
        case .failure(let status):
            // OK without a message is no answer at all.
            let code = status.code == .ok ? RPCStatus.Code.unknown : status.code
            var details = grpc_slice(copying: status.sentMessage)
            start(.answered) { daypass_answer(state, grpc_status_code(code.rawValue), &details, $0) }
            grpc_slice_unref(details)
        }
    }

    // Each operation ends in one event, whatever happens: the count of calls in flight depends on it. The core refuses
    // no batch of ours; if it ever does, the call is cancelled and an empty batch brings the event.
    private func start(_ event: Event, _ batch: (UnsafeMutableRawPointer?) -> grpc_call_error) {
        let tag = tag(event)
        guard batch(tag) != GRPC_CALL_OK else { return }
        grpc_call_cancel_with_status(state.pointee.call, GRPC_STATUS_INTERNAL, "the core refused an operation", nil)
        grpc_call_start_batch(state.pointee.call, nil, 0, tag, nil)
    }
}
