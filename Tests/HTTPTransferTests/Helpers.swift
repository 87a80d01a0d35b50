// What the tests of the transport share.

import Foundation
import InMemoryLogging
import Logging
import Subprocess
import TokenStore

@testable import HTTPTransfer

/// Runs `body` with a transport that neither the environment's proxies nor its CA file touch.
func withTransport<R: Sendable>(
    _ options: HTTPTransferOptions = .plain(),
    log: InMemoryLogHandler = InMemoryLogHandler(),
    _ body: (CurlTransport) async throws -> R
) async throws -> R {
    var logger = Logger(label: "test", factory: { _ in log })
    logger.logLevel = .trace
    return try await withCurlTransport(options, logger: logger, body)
}

extension HTTPTransferOptions {
    /// Options for loopback, with a generous time to connect.
    static func plain(
        trust: TrustRoots = .system,
        clientCertificate: ClientCertificate? = nil,
        connectTimeout: Duration = .seconds(20),
        proxy: ProxyChoice = .none,
        maxConnections: Int = 64,
        unixSocketPath: String? = nil,
        environment: [String: String] = [:]
    ) -> Self {
        Self(
            trust: trust,
            clientCertificate: clientCertificate,
            connectTimeout: connectTimeout,
            proxy: proxy,
            userAgent: "daypass/test",
            maxConnections: maxConnections,
            unixSocketPath: unixSocketPath,
            environment: environment
        )
    }
}

extension HTTPTransport {
    /// The error of a call that must fail.
    func failure(_ call: HTTPCall) async throws -> HTTPTransportError {
        do {
            let answer = try await send(call)
            throw UnexpectedAnswer(status: answer.status)
        } catch let error as HTTPTransportError {
            return error
        }
    }
}

/// The status that a GET call is answered with, by a transport of its own.
func status(of url: String, _ options: HTTPTransferOptions = .plain()) async throws -> Int {
    try await withTransport(options) { try await $0.send(HTTPCall("GET", url)).status }
}

struct UnexpectedAnswer: Error { var status: Int }

/// Runs `body` with an empty directory that goes afterwards.
func withDirectory<R: Sendable>(_ body: (String) async throws -> R) async throws -> R {
    let directory = FileManager.default.temporaryDirectory.appending(path: "daypass-\(UUID().uuidString.prefix(8))")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(at: directory) }
    return try await body(directory.path)
}

/// Certificates that `openssl` made: an authority, a server for 127.0.0.1, a server for another name, clients.
struct Certificates: Sendable {
    var directory: String

    var authority: String { "\(directory)/ca.pem" }
    var server: ServerSettings { settings("server") }
    var otherName: ServerSettings { settings("other") }
    var client: ClientCertificate { pair("client") }
    var renewedClient: ClientCertificate { pair("renewed") }
    var expiredClient: ClientCertificate { pair("expired") }

    private func pair(_ name: String) -> ClientCertificate {
        ClientCertificate(certificateFile: "\(directory)/\(name).pem", keyFile: "\(directory)/\(name).key")
    }

    private func settings(_ name: String) -> ServerSettings {
        ServerSettings(certificate: "\(directory)/\(name).pem", key: "\(directory)/\(name).key")
    }
}

/// Runs `body` with fresh certificates.
func withCertificates<R: Sendable>(_ body: (Certificates) async throws -> R) async throws -> R {
    try await withDirectory { directory in
        let script = """
            set -e
            cd "$1"
            new="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
            openssl req -x509 $new -keyout ca.key -out ca.pem -subj /CN=test-authority \
                -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign
            leaf() {
                openssl req -x509 $new -keyout $1.key -out $1.pem -subj /CN=$1 -CA ca.pem -CAkey ca.key \
                    -addext "subjectAltName=$2" -addext basicConstraints=critical,CA:FALSE
            }
            leaf server IP:127.0.0.1,DNS:localhost,DNS:forge.corp.localhost
            leaf other DNS:other.example
            leaf client DNS:client.example
            leaf renewed DNS:client.example
            openssl req -new $new -keyout expired.key -out expired.csr -subj /CN=expired
            openssl x509 -req -in expired.csr -CA ca.pem -CAkey ca.key -days -1 -out expired.pem
            """
        let result = try await run(
            .name("sh"),
            arguments: ["-c", script, "sh", directory],
            output: .discarded,
            error: .string(limit: 1 << 16)
        )
        guard result.terminationStatus.isSuccess else { throw OpenSSLFailure(text: result.standardError) }
        return try await body(Certificates(directory: directory))
    }
}

struct OpenSSLFailure: Error { var text: String }

/// Writes a file.
func write(_ text: String, to path: String) async throws {
    try Data(text.utf8).write(to: URL(filePath: path))
}
