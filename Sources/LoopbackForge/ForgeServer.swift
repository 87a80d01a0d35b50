// The forge's life: a directory, a key, a server on a free loopback port, and their end.

import CryptoExtras
import FlyingFox
import FlyingSocks
import Foundation
import Synchronization

/// Runs a forge on a free loopback port for as long as `body` runs.
///
/// - Throws: What `body` throws, or why the forge can't start.
package func withLoopbackForge<Result: Sendable>(
    _ options: ForgeOptions = ForgeOptions(),
    _ body: (LoopbackForge) async throws -> Result
) async throws -> Result {
    let root = FileManager.default.temporaryDirectory.appendingPathComponent("loopback-forge-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: root) }
    let handler = ForgeHandler()
    let server = HTTPServer(
        address: try sockaddr_in.inet(ip4: "127.0.0.1", port: 0),
        timeout: 120,
        logger: .disabled,
        handler: handler
    )
    return try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
            do {
                try await server.run()
            } catch  where Task.isCancelled {
                // The end of the scope.
            }
        }
        defer { group.cancelAll() }
        try await server.waitUntilListening(timeout: 30)
        guard case .ip4(_, let port) = await server.listeningAddress else { throw SocketError.disconnected }
        let forge = LoopbackForge(
            options: options,
            key: try AppKeys.shared.get(),
            root: root,
            webURL: "http://127.0.0.1:\(port)"
        )
        handler.forge.withLock { $0 = forge }
        return try await body(forge)
    }
}

/// The App's key is made once in a process: making one takes a noticeable part of a second.
private enum AppKeys {
    static let shared = Result { try _RSA.Signing.PrivateKey(keySize: .bits2048) }
}

/// Carries requests from the server to the forge and answers back.
private final class ForgeHandler: HTTPHandler {
    /// Set when the port is known, before anybody else knows it.
    let forge = Mutex<LoopbackForge?>(nil)

    func handleRequest(_ request: HTTPRequest) async throws -> HTTPResponse {
        guard let forge = forge.withLock({ $0 }) else { return HTTPResponse(statusCode: .serviceUnavailable) }
        let headers = request.headers.map { ($0.key.rawValue.lowercased(), $0.value) }
        let answer = await forge.answer(
            ForgeRequest(
                method: request.method.rawValue,
                path: request.target.path(),
                query: request.target.query(),
                headers: Dictionary(headers) { first, _ in first },
                body: Array(try await request.bodyData)
            )
        )
        let status = HTTPStatusCode(answer.status, phrase: "Status")
        let fields = HTTPHeaders(
            Dictionary(uniqueKeysWithValues: answer.headers.map { (HTTPHeader($0.key), $0.value) })
        )
        guard answer.breaks else {
            return HTTPResponse(statusCode: status, headers: fields, body: Data(answer.body))
        }
        let body = HTTPBodySequence(from: BreakingBody(), count: max(answer.body.count, 1))
        return HTTPResponse(statusCode: status, headers: fields, body: body)
    }
}

/// A body that ends before its first byte: the connection is closed in the middle of the answer.
private struct BreakingBody: AsyncBufferedSequence {
    typealias Element = UInt8

    struct AsyncIterator: AsyncBufferedIteratorProtocol {
        mutating func next() async throws -> UInt8? { throw SocketError.disconnected }
        mutating func nextBuffer(suggested count: Int) async throws -> [UInt8]? { throw SocketError.disconnected }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator() }
}
