// Answers that are read while they arrive.

import Logging
package import TokenStore

extension CurlTransport {
    /// Sends a call and hands `body` the head of the answer, whatever its status, and then the body's bytes as they
    /// arrive.
    ///
    /// The transfer ends when `body` returns or throws, at `call.timeout` (which is for the whole exchange), after `idle`
    /// without a byte, and when the task is cancelled. Time in which the reader lets bytes wait does not count as idle.
    /// It has a connection of its own (HTTP/1.1), which counts among `maxConnections`.
    ///
    /// - Parameters:
    ///   - call: Its `bodyLimit` bounds the bytes that wait unread (at least one piece of libcurl's, 16 KiB, is taken);
    ///     beyond it the server is held back. The whole body may be of any length.
    ///   - idle: `nil` waits for each byte as long as the call may take.
    /// - Throws: ``HTTPTransportError`` when no head comes, or what `body` throws.
    package func withStream<Result: Sendable>(
        _ call: HTTPCall,
        idle: Duration?,
        _ body: (HTTPStreamHead, HTTPChunks) async throws -> Result
    ) async throws -> Result {
        let request = try checked(call)
        let stream = loop.startStream(request, idle: idle)
        return try await withTaskCancellationHandler {
            do {
                let result = try await body(try await stream.channel.head(), HTTPChunks(stream: stream))
                await leave(stream, request)
                return result
            } catch {
                await leave(stream, request)
                throw error
            }
        } onCancel: {
            stream.cancel()
        }
    }

    /// Ends the transfer if it still runs, and returns when libcurl has let go of it.
    private func leave(_ stream: CurlStream, _ request: OutgoingRequest) async {
        stream.cancel()
        let (outcome, received) = await stream.channel.outcome()
        log(request, outcome, bytes: received)
    }
}

/// The head of an answer whose body is still to come.
package struct HTTPStreamHead: Sendable {
    /// The status code.
    package var status: Int
    /// The header fields, in order.
    package var headers: [HTTPField]

    /// The value of the first field of this name, without regard to case.
    package func header(_ name: String) -> String? { HTTPAnswer(status: status, headers: headers).header(name) }
}

/// The body of an answer, in pieces as they arrive, to be read by one task. The pieces end where the network cuts
/// them: a line may come in several, and several lines in one.
///
/// It ends at the proper end of the body. It throws ``HTTPTransportError``, after the bytes that came: `broken` when the
/// connection ends before the body does, `timedOut`, `cancelled` when the reading task is cancelled or the scope is left.
package struct HTTPChunks: AsyncSequence, Sendable {
    package typealias Element = [UInt8]
    package typealias Failure = HTTPTransportError

    let stream: CurlStream

    package struct AsyncIterator: AsyncIteratorProtocol {
        let stream: CurlStream

        package mutating func next() async throws(HTTPTransportError) -> [UInt8]? { try await stream.next() }

        package mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(HTTPTransportError) -> [UInt8]? {
            try await stream.next()
        }
    }

    package func makeAsyncIterator() -> AsyncIterator { AsyncIterator(stream: stream) }
}

/// The task's end of one streamed transfer. Cancelling a task that waits here ends the transfer, and with it the wait.
struct CurlStream: Sendable {
    let loop: CurlLoop
    let id: UInt64
    let channel: StreamChannel

    func next() async throws(HTTPTransportError) -> [UInt8]? {
        let taken = await withTaskCancellationHandler {
            await channel.take()
        } onCancel: {
            cancel()
        }
        guard let taken = try taken.get() else { return nil }
        if taken.wasPaused { loop.post(.unpause(id)) }
        return taken.bytes
    }

    func cancel() { loop.post(.cancel(id)) }
}
