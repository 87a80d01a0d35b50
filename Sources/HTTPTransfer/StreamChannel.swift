// Between the loop's thread, which brings the bytes of a stream, and the task that reads them.

import Synchronization
import TokenStore

/// The head, the bytes that wait unread, and the end of one streamed answer.
final class StreamChannel: Sendable {
    private struct State {
        var head: HTTPStreamHead?
        var unread: [UInt8] = []
        var received = 0
        /// Whether the thread was told to hold back, and has not been told to go on.
        var isPaused = false
        var outcome: TransferOutcome?
        /// Counts the changes, so that none is missed between a look and a wait.
        var changes = 0
        var waiters: [CheckedContinuation<Void, Never>] = []

        mutating func change() -> [CheckedContinuation<Void, Never>] {
            changes += 1
            defer { waiters = [] }
            return waiters
        }
    }

    /// Bytes for the reader, and whether the thread waits for them to be taken.
    struct Taken: Sendable {
        var bytes: [UInt8]
        var wasPaused: Bool
    }

    private let limit: Int
    private let state = Mutex(State())

    /// - Parameter limit: The most bytes that wait unread. A piece that is larger by itself is taken when nothing waits.
    init(limit: Int) { self.limit = limit }

    // MARK: The thread's side

    /// Takes the answer's head.
    func take(_ head: HTTPStreamHead) {
        change { $0.head = head }
    }

    /// Takes a part of the body, all or nothing.
    ///
    /// - Returns: Whether it was taken; if not, the reader asks for it when it has room.
    func take(_ part: UnsafeRawBufferPointer) -> Bool {
        var isTaken = false
        change { state in
            isTaken = state.unread.isEmpty || part.count <= limit - state.unread.count
            state.isPaused = !isTaken
            guard isTaken else { return }
            state.unread += part
            state.received += part.count
        }
        return isTaken
    }

    /// Takes the end. What a cancelled reader has not read is dropped.
    func end(_ outcome: TransferOutcome) {
        change { state in
            state.outcome = outcome
            if case .failure(let error) = outcome.result, error.code == .cancelled { state.unread = [] }
        }
    }

    private func change(_ body: (inout sending State) -> Void) {
        let waiters = state.withLock { state in
            body(&state)
            return state.change()
        }
        for waiter in waiters { waiter.resume() }
    }

    // MARK: The reader's side

    /// Waits for the head.
    func head() async throws(HTTPTransportError) -> HTTPStreamHead {
        let result: Result<HTTPStreamHead, HTTPTransportError> = await wait { state in
            if let head = state.head { return .success(head) }
            return state.outcome.map { outcome in
                outcome.result.map { HTTPStreamHead(status: $0.status, headers: $0.headers) }
            }
        }
        return try result.get()
    }

    /// Waits for bytes and takes all that are there; `nil` at the end of the body.
    func take() async -> Result<Taken?, HTTPTransportError> {
        await wait { state in
            guard state.unread.isEmpty else {
                defer {
                    state.unread = []
                    state.isPaused = false
                }
                return .success(Taken(bytes: state.unread, wasPaused: state.isPaused))
            }
            return state.outcome.map { outcome in outcome.result.map { _ in nil } }
        }
    }

    /// Waits for the end of the transfer, and says how many bytes came.
    func outcome() async -> (outcome: TransferOutcome, received: Int) {
        await wait { state in state.outcome.map { ($0, state.received) } }
    }

    /// The bytes that wait now, and whether the thread holds back.
    var backlog: (unread: Int, isPaused: Bool) { state.withLock { ($0.unread.count, $0.isPaused) } }

    private func wait<Value: Sendable>(for look: (inout State) -> Value?) async -> Value {
        while true {
            let (value, changes) = state.withLock { state in (look(&state), state.changes) }
            if let value { return value }
            await withCheckedContinuation { continuation in
                let isStale = state.withLock { state in
                    if state.changes == changes { state.waiters.append(continuation) }
                    return state.changes != changes
                }
                if isStale { continuation.resume() }
            }
        }
    }
}
