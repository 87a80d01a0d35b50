// A token source on a loopback port: what the tests' counterparts of real services are built on.

import FlyingFox
import FlyingSocks
import Foundation
import Synchronization

/// One request as a counterpart sees it.
package struct SourceRequest: Sendable {
    /// The method, in capitals.
    package let method: String
    /// The path as it was sent, escapes and all, without the query.
    package let path: String
    /// The query as it was sent, without the question mark; empty when there is none.
    package let query: String
    /// The header fields, names in lower case.
    package let headers: [String: String]
    package let body: [UInt8]

    /// The fields of a form body, in order.
    package var form: [(name: String, value: String)] { Self.fields(String(decoding: body, as: UTF8.self)) }
    /// The fields of the query, in order.
    package var queryItems: [(name: String, value: String)] { Self.fields(query) }
    /// The first field of this name in the form body.
    package func form(_ name: String) -> String? { form.first { $0.name == name }?.value }
    /// The body as a JSON value.
    package func json<Value: Decodable>(_ type: Value.Type) -> Value? {
        try? JSONDecoder().decode(type, from: Data(body))
    }
    /// The user name and password of the Authorization field.
    package var basic: (username: String, password: String)? {
        guard let value = headers["authorization"], value.hasPrefix("Basic "),
            let pair = Data(base64Encoded: String(value.dropFirst(6))).map({ String(decoding: $0, as: UTF8.self) }),
            let colon = pair.firstIndex(of: ":")
        else { return nil }
        return (String(pair[..<colon]), String(pair[pair.index(after: colon)...]))
    }
    /// The token of the Authorization field.
    package var bearer: String? {
        guard let value = headers["authorization"], value.hasPrefix("Bearer ") else { return nil }
        return String(value.dropFirst(7))
    }

    private static func fields(_ text: String) -> [(name: String, value: String)] {
        text.split(separator: "&").map { pair in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map { part in
                part.replacingOccurrences(of: "+", with: " ").removingPercentEncoding ?? ""
            }
            return (parts[0], parts.count > 1 ? parts[1] : "")
        }
    }
}

/// A counterpart's answer.
package struct SourceAnswer: Sendable {
    package var status: Int
    package var headers: [String: String]
    package var body: [UInt8]

    package init(_ status: Int, headers: [String: String] = [:], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// A JSON answer; `json` is sent as it is.
    package static func json(_ status: Int, _ json: String, headers: [String: String] = [:]) -> Self {
        Self(status, headers: headers.merging(["Content-Type": "application/json"]) { $1 }, body: Array(json.utf8))
    }
}

/// Runs a counterpart on a free loopback port for as long as `body` runs.
///
/// - Parameters:
///   - handle: answers one request; it is called from many tasks at once.
///   - body: gets the base URL, `http://127.0.0.1:PORT`.
package func withLoopbackSource<Result: Sendable>(
    _ handle: @escaping @Sendable (SourceRequest) async -> SourceAnswer,
    _ body: (String) async throws -> Result
) async throws -> Result {
    let server = HTTPServer(
        address: try sockaddr_in.inet(ip4: "127.0.0.1", port: 0),
        timeout: 120,
        logger: .disabled,
        handler: SourceHandler(handle: handle)
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
        return try await body("http://127.0.0.1:\(port)")
    }
}

private struct SourceHandler: HTTPHandler {
    let handle: @Sendable (SourceRequest) async -> SourceAnswer

    func handleRequest(_ request: HTTPRequest) async throws -> HTTPResponse {
        let answer = await handle(
            SourceRequest(
                method: request.method.rawValue,
                path: request.target.path(),
                query: request.target.query(),
                headers: Dictionary(request.headers.map { ($0.key.rawValue.lowercased(), $0.value) }) { first, _ in
                    first
                },
                body: Array(try await request.bodyData)
            )
        )
        let fields = Dictionary(answer.headers.map { (HTTPHeader($0.key), $0.value) }) { first, _ in first }
        return HTTPResponse(
            statusCode: HTTPStatusCode(answer.status, phrase: "Status"),
            headers: HTTPHeaders(fields),
            body: Data(answer.body)
        )
    }
}
