// Answers that are read while they arrive.

import InMemoryLogging
import Logging
import Testing
import TokenStore

@testable import HTTPTransfer

@Suite("Streams") struct StreamTests {
    @Test("The head and each piece are here before the rest is sent") func pieces() async throws {
        try await withServer { server in
            try await withTransport { http in
                let call = HTTPCall("GET", server.url("/drip?3"), timeout: .seconds(60))
                let lines = try await http.withStream(call, idle: .seconds(60)) { head, chunks in
                    #expect(head.status == 200)
                    #expect(head.header("x-kind") == "stream")
                    var iterator = chunks.makeAsyncIterator()
                    var lines: [String] = []
                    while let piece = try await iterator.next() {
                        lines.append(String(decoding: piece, as: UTF8.self))
                        // The server waits for this before it goes on.
                        _ = try await http.send(HTTPCall("GET", server.url("/go")))
                    }
                    // The end stays the end.
                    let more = try await iterator.next()
                    #expect(more == nil)
                    return lines
                }
                #expect(lines == ["line 0\n", "line 1\n", "line 2\n"])
            }
        }
    }

    @Test(
        "Each kind of proper end",
        arguments: [("/untilclose", "all of it"), ("/trailers", "hello"), ("/pair", "ab")]
    )
    func ends(path: String, text: String) async throws {
        try await withServer { server in
            try await withTransport { http in
                // With one byte of room the second piece of /pair waits in libcurl, with the end behind it.
                let read = try await http.read(HTTPCall("GET", server.url(path), bodyLimit: 1))
                #expect(read.text == text)
                #expect(read.error == nil)
            }
        }
    }

    @Test(
        "A connection that ends before the body does: the bytes, then the error",
        arguments: [("/midline", "one\ntw"), ("/midchunk", "one\ntw"), ("/early", "0123456789")]
    )
    func earlyEnd(path: String, text: String) async throws {
        try await withServer { server in
            try await withTransport { http in
                let read = try await http.read(HTTPCall("GET", server.url(path)))
                #expect(read.text == text)
                #expect(read.error?.code == .broken)
                #expect(read.error?.message.contains("in the middle of its answer") == true, "\(read)")
            }
        }
    }

    @Test("A refusal is a head with a body", arguments: [401, 410, 429, 500]) func refusals(status: Int) async throws {
        try await withServer { server in
            try await withTransport { http in
                let read = try await http.read(HTTPCall("GET", server.url("/status?\(status)")))
                #expect(read.status == status)
                #expect(read.text == "the body of an error")
                #expect(read.error == nil)
            }
        }
    }

    @Test("No answer, no body", arguments: [("/nothing", "without an answer"), ("/garbage", "is no HTTP")])
    func noAnswer(path: String, text: String) async throws {
        try await withServer { server in
            try await withTransport { http in
                let error = try await http.streamFailure(HTTPCall("GET", server.url(path)))
                #expect(error.code == .broken)
                #expect(error.message.contains(text), "\(error)")
            }
        }
        let unreachable = try await withTransport {
            try await $0.streamFailure(HTTPCall("GET", "http://127.0.0.1:1/"))
        }
        #expect(unreachable.code == .unreachable)
        let invalid = try await withTransport { try await $0.streamFailure(HTTPCall("GET", "ftp://127.0.0.1/")) }
        #expect(invalid.code == .invalidCall)
    }

    @Test("A proxy's own 407 is its error, not an answer") func proxyRefusal() async throws {
        try await withServer(ServerSettings(proxy: "auth dXNlcjpwYXNz")) { proxy in
            try await withTransport(.plain(proxy: .url(proxy.url("")))) { http in
                let error = try await http.streamFailure(HTTPCall("GET", "http://watched.test/"))
                #expect(error.code == .proxy)
                #expect(error.message.contains("407"))
            }
        }
    }

    @Test("A stream has an HTTP/1.1 connection of its own beside a kept HTTP/2 one") func ownConnection() async throws {
        try await withCertificates { certificates in
            var settings = certificates.server
            settings.alpn = "h2"
            try await withServer(settings) { server in
                let trust = TrustRoots(includesSystem: false, files: [certificates.authority])
                try await withTransport(.plain(trust: trust)) { http in
                    let first = try await http.send(HTTPCall("GET", server.url("/"))).text
                    let read = try await http.read(HTTPCall("GET", server.url("/pair")))
                    #expect(read.text == "ab")
                    #expect(read.error == nil)
                    let second = try await http.send(HTTPCall("GET", server.url("/"))).text
                    #expect(first == "1")
                    #expect(second == "1")
                }
            }
        }
    }

    @Test("A server that floods is held back, and nothing is lost") func backPressure() async throws {
        let (total, limit) = (32 << 20, 40_000)
        try await withServer { server in
            try await withTransport { http in
                let call = HTTPCall("GET", server.url("/flood?\(total)"), timeout: .seconds(120), bodyLimit: limit)
                try await http.withStream(call, idle: .seconds(3)) { _, chunks in
                    try await chunks.waitUntilPaused()
                    // Longer than `idle`: it is the reader who is slow.
                    try await Task.sleep(for: .milliseconds(3300))
                    let sent = try await server.counts().sent
                    #expect(sent < total / 2, "the server could send \(sent) bytes")
                    // Other calls are not held back.
                    let other = try await http.send(HTTPCall("GET", server.url("/echo"))).status
                    #expect(other == 200)

                    var (received, line, wrong, largest) = (0, 0, 0, 0)
                    var rest: [UInt8] = []
                    for try await piece in chunks {
                        largest = max(largest, piece.count)
                        received += piece.count
                        rest += piece
                        let whole = rest.count / 16 * 16
                        for start in stride(from: 0, to: whole, by: 16) {
                            let number = rest[start..<start + 15].reduce(0) { $0 * 10 + Int($1) - 48 }
                            if number != line { wrong += 1 }
                            line += 1
                        }
                        rest.removeFirst(whole)
                    }
                    #expect(received == total)
                    #expect(line == total / 16)
                    #expect(wrong == 0)
                    #expect(largest <= limit)
                }
            }
        }
    }

    @Test("A reader that leaves ends the transfer and leaves nothing behind") func leaving() async throws {
        try await withServer { server in
            try await withTransport { http in
                weak var channel: StreamChannel?
                for path in ["/quiet?read", "/quiet?unread", "/quiet?throws"] {
                    let call = HTTPCall("GET", server.url(path), timeout: .seconds(600))
                    do {
                        try await http.withStream(call, idle: nil) { _, chunks in
                            channel = chunks.stream.channel
                            if path.hasSuffix("?read") {
                                let first = try await chunks.first { _ in true }
                                #expect(first == Array("first\n".utf8))
                            }
                            if path.hasSuffix("throws") { throw ServerFailure() }
                        }
                        #expect(!path.hasSuffix("throws"))
                    } catch is ServerFailure {
                        #expect(path.hasSuffix("throws"))
                    }
                    try await server.wait { $0.left.contains(path) }
                    try await server.wait { _ in channel == nil }
                }
                // A flood that is held back is left as well.
                let flood = HTTPCall("GET", server.url("/flood?\(256 << 20)"), timeout: .seconds(600), bodyLimit: 1000)
                let escaped = try await http.withStream(flood, idle: nil) { _, chunks in
                    try await chunks.waitUntilPaused()
                    return chunks
                }
                let late = await #expect(throws: HTTPTransportError.self) { try await escaped.first { _ in true } }
                #expect(late?.code == .cancelled)
            }
        }
    }

    @Test("A stream in which nothing comes any more") func idle() async throws {
        try await withServer { server in
            try await withTransport { http in
                let call = HTTPCall("GET", server.url("/quiet"), timeout: .seconds(600))
                let read = try await http.read(call, idle: .milliseconds(500))
                #expect(read.text == "first\n")
                #expect(read.error?.code == .timedOut)
                #expect(read.error?.message == "\(server.authority) sent nothing for 500 ms")
                try await server.wait { $0.left == ["/quiet"] }

                let headless = HTTPCall("GET", server.url("/stall"), timeout: .seconds(600))
                let error = try await http.streamFailure(headless, idle: .milliseconds(300))
                #expect(error.code == .timedOut)
                #expect(error.message.contains("sent nothing for 300 ms"))
            }
        }
    }

    @Test("The deadline is for the whole exchange, also while the reader is slow") func deadline() async throws {
        try await withServer { server in
            try await withTransport { http in
                let quiet = try await http.read(HTTPCall("GET", server.url("/quiet"), timeout: .seconds(1)))
                #expect(quiet.text == "first\n")
                #expect(quiet.error?.code == .timedOut)
                #expect(quiet.error?.message.contains("within 1 s") == true)

                let call = HTTPCall("GET", server.url("/flood?\(64 << 20)"), timeout: .seconds(1), bodyLimit: 1000)
                let code = try await http.withStream(call, idle: nil) { _, chunks in
                    _ = await chunks.stream.channel.outcome()
                    var received = 0
                    do {
                        for try await piece in chunks { received += piece.count }
                    } catch {
                        #expect(received > 0 && received < 64 << 20)
                        return (error as? HTTPTransportError)?.code
                    }
                    return nil
                }
                #expect(code == .timedOut)
                let none = try await http.streamFailure(HTTPCall("GET", server.url("/pair"), timeout: .zero))
                #expect(none.code == .timedOut)
            }
        }
    }

    @Test("Cancelling the task ends its stream, wherever it waits") func cancellation() async throws {
        try await withServer { server in
            try await withTransport { http in
                for path in ["/quiet?task", "/stall"] {
                    let call = HTTPCall("GET", server.url(path), timeout: .seconds(600))
                    let error = try await withThrowingTaskGroup(of: HTTPTransportError?.self) { group in
                        group.addTask {
                            do { return try await http.read(call).error } catch let error as HTTPTransportError {
                                return error
                            }
                        }
                        try await server.waitForRequest("GET \(path)")
                        group.cancelAll()
                        return try await group.next() ?? nil
                    }
                    #expect(error?.code == .cancelled)
                }
                try await server.wait { $0.left == ["/quiet?task"] }

                // A child task that reads for the body.
                let call = HTTPCall("GET", server.url("/quiet?child"), timeout: .seconds(600))
                let error = try await http.withStream(call, idle: nil) { _, chunks in
                    let first = try await chunks.first { _ in true }
                    #expect(first == Array("first\n".utf8))
                    return await withTaskGroup(of: HTTPTransportError?.self) { group in
                        group.addTask {
                            var iterator = chunks.makeAsyncIterator()
                            do throws(HTTPTransportError) { _ = try await iterator.next() } catch { return error }
                            return nil
                        }
                        group.cancelAll()
                        return await group.next() ?? nil
                    }
                }
                #expect(error?.code == .cancelled)
                try await server.wait { $0.left.contains("/quiet?child") }
            }
        }
    }

    @Test("The end of the transport's scope ends its streams; later ones are refused") func endOfScope() async throws {
        try await withServer { server in
            let call = HTTPCall("GET", server.url("/quiet"), timeout: .seconds(600))
            try await withThrowingTaskGroup(of: HTTPTransportError?.self) { group in
                let http = try await withTransport { http in
                    group.addTask { try await http.read(call).error }
                    try await server.waitForRequest("GET /quiet")
                    // The task has its head when the server's first piece is out, which is soon; either way it ends.
                    return http
                }
                do {
                    let error = try await group.next() ?? nil
                    #expect(error?.code == .cancelled)
                } catch let error as HTTPTransportError {
                    #expect(error.code == .cancelled)
                }
                let late = try await http.streamFailure(call)
                #expect(late.code == .cancelled)
                #expect(!late.requestMayHaveArrived)
            }
        }
    }

    @Test("The log has the figures of a stream, and nothing of its content") func log() async throws {
        let log = InMemoryLogHandler()
        try await withServer { server in
            try await withTransport(log: log) { http in
                var call = HTTPCall("GET", server.url("/midline?tok-query"))
                call.authorization = Secret(utf8: "Bearer tok-authorization")
                _ = try await http.read(call)
                _ = try await http.read(HTTPCall("GET", server.url("/pair")))
            }
        }
        #expect(log.entries.count == 2)
        #expect(log.entries.first?.metadata["bytes"] == "6")
        #expect(log.entries.last?.metadata["bytes"] == "2")
        #expect(log.entries.last?.metadata["status"] == "200")
        #expect(log.entries.filter { "\($0.message) \($0.metadata)".contains("tok-") }.isEmpty)
    }
}

/// What came of a stream.
struct ReadStream: Sendable {
    var status: Int
    var text = ""
    var error: HTTPTransportError?
}

extension CurlTransport {
    /// Reads a stream to its end.
    func read(_ call: HTTPCall, idle: Duration? = nil) async throws -> ReadStream {
        try await withStream(call, idle: idle) { head, chunks in
            var read = ReadStream(status: head.status)
            do throws(HTTPTransportError) {
                for try await piece in chunks { read.text += String(decoding: piece, as: UTF8.self) }
            } catch {
                read.error = error
            }
            return read
        }
    }

    /// The error of a stream that must not begin.
    func streamFailure(_ call: HTTPCall, idle: Duration? = nil) async throws -> HTTPTransportError {
        do {
            let status = try await withStream(call, idle: idle) { head, _ in head.status }
            throw UnexpectedAnswer(status: status)
        } catch let error as HTTPTransportError {
            return error
        }
    }
}

extension HTTPChunks {
    /// Waits until the reader's room is full.
    fileprivate func waitUntilPaused() async throws {
        for _ in 0..<3000 {
            if stream.channel.backlog.isPaused { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw ServerFailure()
    }
}
