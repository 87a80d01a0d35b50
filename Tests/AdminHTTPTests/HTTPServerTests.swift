// The server with real clients: curl, and sockets that misbehave.

import FlyingSocks
import Foundation
import Logging
import Support
import Testing

@testable import AdminHTTP

@Suite struct HTTPServerTests {
    private static let local = ListenAddress.ip4("127.0.0.1", port: 0)

    /// A server that answers with the request's path and peer.
    private func withServer<Result: Sendable>(
        on address: ListenAddress = local,
        _ change: (inout HTTPServerOptions) -> Void = { _ in },
        log: CollectedLog = CollectedLog(),
        _ body: (ListenAddress) async throws -> Result
    ) async throws -> Result {
        var options = HTTPServerOptions()
        change(&options)
        return try await withHTTPServer(on: address, options: options, logger: log.logger) { request in
            if request.path == "/hang" { try? await Task.sleep(for: .seconds(3600)) }
            if request.path == "/large" { return .text(200, String(repeating: "a", count: 16 << 20)) }
            return .text(200, "\(request.method) \(request.path) \(request.peer)")
        } _: { bound in
            try await body(bound)
        }
    }

    private func port(_ address: ListenAddress) throws -> UInt16 {
        switch address {
        case .ip4(_, let port), .ip6(_, let port): port
        case .unix: throw SceneryFailure("no port")
        }
    }

    private func curl(_ arguments: String...) async throws -> ProgramOutcome {
        try await runProgram("curl", ["-sS", "-g", "--max-time", "60", "--noproxy", "*"] + arguments)
    }

    /// Connects, and sends bytes.
    private func connect(_ address: ListenAddress, _ text: String = "") async throws -> AsyncSocket {
        let socket = try await AsyncSocket.connected(to: .inet(ip4: "127.0.0.1", port: try port(address)))
        if !text.isEmpty { try await socket.write(Data(text.utf8)) }
        return socket
    }

    /// All that comes until the peer closes.
    private func rest(_ socket: AsyncSocket) async -> String {
        var bytes: [UInt8] = []
        while let more = try? await socket.read(atMost: 4096) { bytes += more }
        try? socket.close()
        return String(decoding: bytes, as: UTF8.self)
    }

    // MARK: Addresses

    @Test func curlIsAnswered() async throws {
        try await withServer { address in
            let outcome = try await curl("-i", "http://\(address)/a?b=c")
            #expect(outcome.output.hasPrefix("HTTP/1.1 200 OK\r\n"), "\(outcome.text)")
            #expect(outcome.output.hasSuffix("\r\n\r\nGET /a ip(\"127.0.0.1\")\n"))
            for field in [
                "Cache-Control: no-store", "X-Content-Type-Options: nosniff", "Referrer-Policy: no-referrer",
                "Connection: close", "Content-Security-Policy: default-src 'none'",
            ] { #expect(outcome.output.contains("\r\n\(field)"), "\(field)") }
            let date = try #require(outcome.output.firstMatch(of: #/\r\nDate: (.+?)\r\n/#)).1
            #expect(date.wholeMatch(of: #/\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT/#) != nil)
            let head = try await curl("-I", "http://\(address)/a")
            #expect(head.output.hasPrefix("HTTP/1.1 200 OK\r\n") && head.output.hasSuffix("\r\n\r\n"))
            #expect(
                head.output.contains("Content-Length: \("HEAD /a ip(\"127.0.0.1\")\n".utf8.count)\r\n"),
                "\(head.output)"
            )
        }
    }

    @Test func bothFamiliesReachTheIPv6Wildcard() async throws {
        try await withServer(on: .ip6("::", port: 0)) { address in
            let port = try port(address)
            let answer1 = try await curl("http://[::1]:\(port)/")
            #expect(answer1.output == "GET / ip(\"::1\")\n")
            let answer2 = try await curl("http://127.0.0.1:\(port)/")
            #expect(answer2.output == "GET / ip(\"::ffff:127.0.0.1\")\n")
        }
    }

    @Test func aUnixSocketIsForItsOwner() async throws {
        let path = "/tmp/daypass-http-\(UInt32.random(in: 0 ... .max)).sock"
        try await withServer(on: .unix(path)) { _ in
            let answer3 = try await curl("--unix-socket", path, "http://localhost/x")
            #expect(answer3.output == "GET /x unix\n")
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
            #expect(mode == 0o600)
            // A successor takes its place, and the end of the first one does not remove it.
            try await withServer(on: .unix(path)) { _ in
                let answer4 = try await curl("--unix-socket", path, "http://localhost/y")
                #expect(answer4.output == "GET /y unix\n")
            }
            #expect(!FileManager.default.fileExists(atPath: path))
        }
        let left = try FileManager.default.contentsOfDirectory(atPath: "/tmp").filter { path.hasSuffix($0) }
        #expect(left.isEmpty)
    }

    @Test func theFirstEndsAndTheSecondsSocketStays() async throws {
        let path = "/tmp/daypass-http-\(UInt32.random(in: 0 ... .max)).sock"
        let first = try HTTPListener.listen(on: .unix(path))
        try await withServer(on: .unix(path)) { _ in
            first.close()
            let answer5 = try await curl("--unix-socket", path, "http://localhost/y")
            #expect(answer5.output == "GET /y unix\n")
        }
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test func anAddressThatCantBeHadIsOneLine() async throws {
        try await withServer { address in
            func failure(_ address: ListenAddress) async -> String {
                do { return try await withServer(on: address) { _ in "it listens" } } catch { return "\(error)" }
            }
            let taken = await failure(address)
            #expect(taken.hasPrefix("cannot listen on \(address): Address already in use; choose another port"))
            let foreign = await failure(.ip4("192.0.2.1", port: 0))
            #expect(foreign.hasPrefix("cannot listen on 192.0.2.1:0: Cannot assign requested address; "))
            let folder = await failure(.unix("/nowhere/x.sock"))
            #expect(folder == "cannot listen on /nowhere/x.sock: No such file or directory; make the folder first")
            let file = await failure(.unix("/etc/passwd"))
            #expect(file == "cannot listen on /etc/passwd: it exists and is no socket; remove it")
            // The first one still serves.
            let answer6 = try await curl("http://\(address)/")
            #expect(answer6.code == 0)
        }
    }

    // MARK: Callers who misbehave

    @Test(arguments: [
        ("nonsense\r\n\r\n", 400), ("GET / HTTP/1.1\r\n\r\n", 400), ("GET / HTTP/3\r\nHost: a\r\n\r\n", 505),
        ("\u{16}\u{3}\u{1}\n\n", 400), ("GET /\(String(repeating: "a", count: 9000)) HTTP/1.1\r\n\r\n", 431),
        (String(repeating: "a", count: 20_000), 431),
        ("GET / HTTP/1.1\r\nHost: a\r\n" + String(repeating: "A: b\r\n", count: 200) + "\r\n", 431),
    ])
    func whatIsNoRequestIsToldSo(_ text: String, _ status: Int) async throws {
        try await withServer { address in
            let answer = await rest(try await connect(address, text))
            #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(answer)")
        }
    }

    @Test func aBodyIsNotWaitedFor() async throws {
        try await withServer { address in
            let head = "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n"
            let answer = await rest(try await connect(address, head + String(repeating: "b", count: 4000)))
            #expect(answer.hasSuffix("POST /x ip(\"127.0.0.1\")\n"), "\(answer)")
        }
    }

    @Test func whoSendsNothingOrTooSlowlyIsSentAway() async throws {
        try await withServer({ $0.headTimeout = .milliseconds(300) }) { address in
            let silent = try await connect(address)
            #expect(await rest(silent).hasPrefix("HTTP/1.1 408 "))
            // One header line at a time does not keep a connection.
            let slow = try await connect(address, "GET / HTTP/1.1\r\n")
            let feeding = Task {
                for _ in 0..<10_000 {
                    do { try await slow.write(Data("X: y\r\n".utf8)) } catch { return }
                    try? await Task.sleep(for: .milliseconds(20))
                }
            }
            let answer = await rest(slow)
            feeding.cancel()
            await feeding.value
            #expect(answer.isEmpty || answer.hasPrefix("HTTP/1.1 408 "), "\(answer)")
        }
    }

    @Test func anAnswerThatHangsEnds() async throws {
        try await withServer({ $0.answerTimeout = .milliseconds(200) }) { address in
            let outcome = try await curl("-i", "http://\(address)/hang")
            #expect(outcome.output.hasPrefix("HTTP/1.1 503 "), "\(outcome.text)")
        }
    }

    @Test func whoDoesNotReadIsLetGo() async throws {
        let log = CollectedLog()
        try await withServer({ $0.writeTimeout = .milliseconds(300) }, log: log) { address in
            let deaf = try await connect(address, "GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
            // Others are answered meanwhile.
            let other = try await curl("http://\(address)/")
            #expect(other.code == 0)
            await until { log.text.contains("was not taken") }
            #expect(await rest(deaf).utf8.count < 16 << 20)
        }
        #expect(log.text.contains("was not taken"))
        try await withServer { address in
            let whole = try await curl("-o", "/dev/null", "-w", "%{size_download}", "http://\(address)/large")
            #expect(whole.output == String((16 << 20) + 1), "\(whole.text)")
        }
    }

    @Test func theOldestMakesRoom() async throws {
        let log = CollectedLog()
        try await withServer({ ($0.maxConnections, $0.maxConnectionsOfPeer) = (4, 4) }, log: log) { address in
            var held: [AsyncSocket] = []
            // More than are let in, and none of them says anything.
            for _ in 0..<40 { held.append(try await connect(address, "GET /")) }
            let answer7 = try await curl("http://\(address)/")
            #expect(answer7.code == 0)
            #expect(await rest(held[0]).isEmpty)
            for socket in held.dropFirst() { try? socket.close() }
            let answer8 = try await curl("http://\(address)/")
            #expect(answer8.code == 0)
        }
        #expect(log.lines.filter { $0.contains("too many connections") }.count == 1, "\(log.lines)")
    }

    @Test func whoHasAskedIsNotClosedForANewOne() async throws {
        let log = CollectedLog()
        let (asked, mayAnswer) = (Box(0), Box(false))
        try await withHTTPServer(on: Self.local, logger: log.logger) { request in
            if request.path == "/probe" {
                asked.update { $0 += 1 }
                await until { mayAnswer.get() }
            }
            return .text(200, "ok")
        } _: { address in
            let limit = HTTPServerOptions().maxConnectionsOfPeer
            let probes = try await withThrowingTaskGroup(of: AsyncSocket.self) { group in
                for _ in 0..<limit {
                    group.addTask { try await connect(address, "GET /probe HTTP/1.1\r\nHost: a\r\n\r\n") }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            await until { asked.get() == limit }
            // None of these gets in, and none of those goes.
            for _ in 0..<100 { #expect(await rest(try await connect(address)).isEmpty) }
            mayAnswer.set(true)
            for probe in probes { #expect(await rest(probe).hasPrefix("HTTP/1.1 200 ")) }
        }
        #expect(log.text.contains("as many as one may have"))
    }

    @Test func manyAtOnceAreAnswered() async throws {
        try await withServer({ $0.maxConnectionsOfPeer = 64 }) { address in
            let urls = (1...200).map { "http://\(address)/\($0)" }
            let outcome = try await runProgram("curl", ["-sS", "--parallel", "--parallel-max", "30"] + urls)
            #expect(outcome.code == 0, "\(outcome.error)")
            #expect(outcome.output.split(separator: "\n").count == 200)
        }
    }
}
