// Programs that others wrote, on ports of their own: the proxy tinyproxy and OpenSSL's test server.

import FlyingSocks
import Foundation
import Glibc
import Subprocess
import TokenStore

@testable import HTTPTransfer

/// A port of 127.0.0.1 that nobody has at the moment.
func freePort() throws -> Int {
    let socket = try Socket(domain: AF_INET)
    defer { try? socket.close() }
    try socket.bind(to: .inet(ip4: "127.0.0.1", port: 0))
    guard case .ip4(_, let port) = try socket.sockname() else { throw ServerFailure() }
    return Int(port)
}

private func isListening(_ port: Int) -> Bool {
    guard let socket = try? Socket(domain: AF_INET) else { return false }
    defer { try? socket.close() }
    return (try? socket.connect(to: .inet(ip4: "127.0.0.1", port: UInt16(port)))) != nil
}

/// Runs a program that listens on `port` while `body` runs, and kills it then.
private func withProgram<R: Sendable>(
    _ name: String,
    _ arguments: [String],
    port: Int,
    _ body: () async throws -> R
) async throws -> R {
    let result = try await run(
        .name(name),
        arguments: Arguments(arguments),
        environment: .custom(["PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"]),
        input: .none,
        output: .discarded,
        error: .discarded
    ) { process async throws -> R in
        defer { try? process.send(signal: .kill) }
        var isUp = isListening(port)
        for _ in 0..<1000 where !isUp {
            try await Task.sleep(for: .milliseconds(20))
            isUp = isListening(port)
        }
        guard isUp else { throw ServerFailure() }
        return try await body()
    }
    return result.closureResult
}

/// A running tinyproxy.
struct RealProxy: Sendable {
    var port: Int
    var logFile: String

    var authority: String { "127.0.0.1:\(port)" }

    /// The requests it was sent, by its own log: `CONNECT host:443`, `GET http://host/`.
    func requests() throws -> [String] {
        let lines = try String(contentsOfFile: logFile, encoding: .utf8).split(separator: "\n")
        return lines.filter { $0.contains("Request (") }.map { line in
            let request = line.split(separator: "): ").last ?? line
            return String(request.replacing(" HTTP/1.1", with: ""))
        }
    }
}

/// Runs a tinyproxy with more lines of configuration while `body` runs.
func withTinyproxy<R: Sendable>(
    _ lines: [String] = [],
    port: Int? = nil,
    _ body: (RealProxy) async throws -> R
) async throws -> R {
    try await withDirectory { directory in
        let proxy = RealProxy(port: try port ?? freePort(), logFile: "\(directory)/log")
        let settings = ["Port \(proxy.port)", "Listen 127.0.0.1", "Timeout 600", "LogLevel Connect"]
        let text = (settings + ["LogFile \"\(proxy.logFile)\""] + lines + [""]).joined(separator: "\n")
        try Data(text.utf8).write(to: URL(filePath: "\(directory)/conf"))
        return try await withProgram("tinyproxy", ["-d", "-c", "\(directory)/conf"], port: proxy.port) {
            try await body(proxy)
        }
    }
}

/// Runs OpenSSL's server, which shows a page about itself, while `body` runs with its port.
func withOpenSSLServer<R: Sendable>(
    _ settings: ServerSettings,
    _ options: [String] = [],
    _ body: (Int) async throws -> R
) async throws -> R {
    guard let certificate = settings.certificate, let key = settings.key else { throw ServerFailure() }
    let port = try freePort()
    let arguments = ["s_server", "-accept", "127.0.0.1:\(port)", "-cert", certificate, "-key", key, "-www"]
    return try await withProgram("openssl", arguments + options, port: port) { try await body(port) }
}
