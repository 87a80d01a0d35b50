// HTTP transports that live as long as somebody uses them: those of one configuration after another.

import HTTPTransfer
import Logging
import Synchronization
import TokenStore

/// Opens transports for as long as ``withTransports(_:_:)`` runs. Each is a scope in a task of its own; it ends when the
/// last user has let go of the transport: a store of a former configuration that still has a token to revoke, a mint.
final class Transports: Sendable {
    /// Somebody wants a transport. It is answered once: by the task that opens it, or by the end of who wants it.
    fileprivate final class Order: Sendable {
        let options: HTTPTransferOptions
        private let waiting: Mutex<CheckedContinuation<HeldTransport, any Error>?>

        init(_ options: HTTPTransferOptions, _ waiting: CheckedContinuation<HeldTransport, any Error>?) {
            self.options = options
            self.waiting = Mutex(waiting)
        }

        func answer(_ result: Result<HeldTransport, any Error>) {
            waiting.withLock { waiting in
                defer { waiting = nil }
                return waiting
            }?.resume(with: result)
        }
    }

    fileprivate let orders: AsyncStream<Order>.Continuation
    private let open = Mutex(0)

    fileprivate init(_ orders: AsyncStream<Order>.Continuation) { self.orders = orders }

    /// How many are open.
    var count: Int { open.withLock { $0 } }

    /// Opens one.
    ///
    /// - Throws: `HTTPTransferSetupError` when the options can't be used; `CancellationError` at the daemon's end.
    func transport(_ options: HTTPTransferOptions) async throws -> HeldTransport {
        let order = Mutex<Order?>(nil)
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let new = Order(options, continuation)
                order.withLock { $0 = new }
                guard !Task.isCancelled, case .enqueued = orders.yield(new) else {
                    return new.answer(.failure(CancellationError()))
                }
            }
        } onCancel: {
            order.withLock { $0 }?.answer(.failure(CancellationError()))
        }
    }

    fileprivate func run(_ order: Order, _ logger: Logger) async {
        do {
            try await withCurlTransport(order.options, logger: logger) { transport in
                open.withLock { $0 += 1 }
                defer { open.withLock { $0 -= 1 } }
                let (uses, end) = AsyncStream<Never>.makeStream()
                order.answer(.success(HeldTransport(transport) { end.finish() }))
                // Until nobody holds it, or the daemon ends.
                for await _ in uses {}
            }
        } catch { order.answer(.failure(error)) }
    }
}

/// A transport in use. It ends with the last reference to this.
final class HeldTransport: HTTPTransport {
    private let transport: CurlTransport
    private let released: @Sendable () -> Void

    fileprivate init(_ transport: CurlTransport, released: @escaping @Sendable () -> Void) {
        self.transport = transport
        self.released = released
    }

    deinit { released() }

    func send(_ call: HTTPCall) async throws(HTTPTransportError) -> HTTPAnswer { try await transport.send(call) }
}

/// Runs `body` with a way to open transports, and ends all of them with it.
func withTransports<Result: Sendable>(
    _ logger: Logger,
    _ body: (Transports) async throws -> Result
) async throws -> Result {
    let (stream, orders) = AsyncStream<Transports.Order>.makeStream()
    let transports = Transports(orders)
    return try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
            await withDiscardingTaskGroup { tasks in
                for await order in stream { tasks.addTask { await transports.run(order, logger) } }
                tasks.cancelAll()
            }
        }
        let result: Swift.Result<Result, any Error>
        do { result = .success(try await body(transports)) } catch { result = .failure(error) }
        orders.finish()
        return try result.get()
    }
}
