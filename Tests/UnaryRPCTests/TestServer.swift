// A server in a directory of its own, and ways to wait for conditions.

import Glibc
import Logging
import Synchronization
import Testing

@testable import UnaryRPC

/// A directory that is removed with all it holds when the scope ends.
func withDirectory<R>(_ body: (String) async throws -> R) async throws -> R {
    var template = Array("/tmp/daypass-wire-XXXXXX".utf8CString)
    let made = template.withUnsafeMutableBufferPointer { $0.baseAddress.flatMap { mkdtemp($0) } }
    let path = String(cString: try #require(made))
    defer {
        for name in names(in: path) {
            let entry = "\(path)/\(name)"
            if unlink(entry) != 0 { rmdir(entry) }
        }
        rmdir(path)
    }
    return try await body(path)
}

/// The names in a directory, without `.` and `..`, sorted.
func names(in directory: String) -> [String] {
    guard let stream = opendir(directory) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
        names.append(
            withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        )
    }
    return names.filter { $0 != "." && $0 != ".." }.sorted()
}

/// Waits until `condition` holds; records an issue when it does not within a generous limit.
func eventually(
    _ what: Comment,
    sourceLocation: SourceLocation = #_sourceLocation,
    _ condition: () async throws -> Bool
) async rethrows {
    let limit = ContinuousClock.now + .seconds(60)
    while ContinuousClock.now < limit {
        if try await condition() { return }
        try? await Task.sleep(for: .milliseconds(5))
    }
    Issue.record(what, sourceLocation: sourceLocation)
}

/// A number that tasks count up.
final class Tally: Sendable {
    private let count = Mutex(0)
    var value: Int { count.withLock { $0 } }
    func add() { count.withLock { $0 += 1 } }
}

/// Keeps what is logged.
struct LogRecorder: LogHandler {
    final class Lines: Sendable {
        private let lines = Mutex<[String]>([])
        var all: [String] { lines.withLock { $0 } }
        func append(_ line: String) { lines.withLock { $0.append(line) } }
    }

    let lines: Lines
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .trace

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        lines.append("\(event.level) \(event.message) \((event.metadata ?? [:]).sorted { $0.key < $1.key })")
    }

    static func logger(_ lines: Lines) -> Logger { Logger(label: "test") { _ in LogRecorder(lines: lines) } }
}

/// A logger that says nothing.
let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// Answers every call with its own bytes.
let echo: UnaryHandler = { .now(.success($0.message)) }

/// A server in its own directory, with a client of it.
func withServer<R: Sendable>(
    options: UnaryServerOptions = UnaryServerOptions(),
    client clientOptions: UnaryClientOptions = UnaryClientOptions(),
    logger: Logger = quiet,
    handler: @escaping UnaryHandler = echo,
    _ body: (UnaryServer, UnaryClient) async throws -> R
) async throws -> R {
    try await withDirectory { directory in
        let listener = try UnixSocketListener.bind(path: "\(directory)/x.sock", logger: logger)
        return try await withUnaryServer(on: listener, options: options, logger: logger, handler: handler) { server in
            try await withUnaryClient(socketPath: server.socketPath, options: clientOptions) { client in
                try await body(server, client)
            }
        }
    }
}

/// The status of a call that must fail.
func failure(
    sourceLocation: SourceLocation = #_sourceLocation,
    _ call: () async throws -> [UInt8]
) async throws -> RPCStatus {
    do {
        let answer = try await call()
        Issue.record("the call succeeded with \(answer.count) bytes", sourceLocation: sourceLocation)
        return RPCStatus(.ok)
    } catch let status as RPCStatus {
        return status
    }
}
