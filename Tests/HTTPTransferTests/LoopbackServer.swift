// Starts loopback.py, the server that misbehaves as it is told, for the time of a scope.

import Foundation
import Subprocess
import TokenStore

@testable import HTTPTransfer

/// How the server is set up; see `loopback.py`.
struct ServerSettings: Encodable {
    var certificate: String?
    var key: String?
    var clientCA: String?
    var maximumTLS: String?
    var alpn: String?
    var unix: String?
    var port: Int?
    var proxy: String?
    var mute: Bool?
    var greeting: String?
}

/// A running server.
struct LoopbackServer: Sendable {
    var scheme: String
    var port: Int

    var authority: String { "127.0.0.1:\(port)" }

    func url(_ path: String) -> String { "\(scheme)://\(authority)\(path)" }

    /// What the server saw, asked by an HTTP transport of its own.
    func counts() async throws -> Counts {
        try await withTransport { try await $0.send(HTTPCall("GET", url("/counts"))).decoded(Counts.self) }
    }
}

/// What a server saw. The connection that asks is counted too.
struct Counts: Decodable {
    var connections: Int
    var requests: [String]
    /// The targets of `/quiet` streams whose reader left.
    var left: [String]
    /// The bytes of `/flood` that the kernel took.
    var sent: Int
}

/// What `/echo` answers.
struct Echo: Decodable {
    var method: String
    var target: String
    var head: [String]
    var connection: Int
    var body: Data?
    var peer: String?

    func values(_ name: String) -> [String] {
        head.filter { $0.lowercased().hasPrefix(name.lowercased() + ":") }
            .map { String($0.dropFirst(name.count + 1)).trimmingBlanks() }
    }
}

extension HTTPAnswer {
    func decoded<T: Decodable>(_ type: T.Type) throws -> T { try JSONDecoder().decode(type, from: Data(body)) }
    var text: String { String(decoding: body, as: UTF8.self) }
}

struct ServerFailure: Error {}

/// Runs a server of `loopback.py` while `body` runs.
func withServer<R: Sendable>(
    _ settings: ServerSettings = ServerSettings(),
    _ body: (LoopbackServer) async throws -> R
) async throws -> R {
    let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "loopback.py").path
    let json = String(decoding: try JSONEncoder().encode(settings), as: UTF8.self)
    return try await run(
        .name("python3"),
        arguments: ["-S", "-B", script, json],
        input: .inputWriter,
        output: .sequence,
        error: .discarded
    ) { process in
        var lines = process.standardOutput.strings().makeAsyncIterator()
        guard let line = try await lines.next(), let port = Int(line.trimmingCharacters(in: .whitespacesAndNewlines))
        else { throw ServerFailure() }
        let server = LoopbackServer(scheme: settings.certificate == nil ? "http" : "https", port: port)
        do {
            let result = try await body(server)
            try await process.standardInputWriter.finish()
            return result
        } catch {
            try await process.standardInputWriter.finish()
            throw error
        }
    }.closureResult
}
