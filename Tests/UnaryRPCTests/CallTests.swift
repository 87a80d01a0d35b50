// Calls and answers: bytes, statuses, texts, metadata, authorities, sizes.

import Synchronization
import Testing
import UnaryRPC

@Suite("Calls and answers", .timeLimit(.minutes(2)))
struct CallTests {
    @Test("bytes come back as they were sent", arguments: [0, 1, 5, 16_384, 1_000_000])
    func echoes(count: Int) async throws {
        let message = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        try await withServer { _, client in
            let answer = try await client.call("/test/Echo", message)
            #expect(answer == message)
        }
    }

    @Test("a late answer comes from a task")
    func answersLater() async throws {
        try await withServer { call in
            .later {
                await Task.yield()
                return .success(call.message.reversed())
            }
        } _: { _, client in
            let answer2 = try await client.call("/test/Reverse", [1, 2, 3])
            #expect(answer2 == [3, 2, 1])
        }
    }

    @Test("the handler sees the method, and decides about unknown ones")
    func unknownMethod() async throws {
        let handler: UnaryHandler = { call in
            call.method == "/test/Known"
                ? .now(.success([]))
                : .now(.failure(RPCStatus(.unimplemented, "no method \(call.method)")))
        }
        try await withServer(handler: handler) { _, client in
            let answer2 = try await client.call("/test/Known", [])
            #expect(answer2 == [])
            let status = try await failure { try await client.call("/test/Other", []) }
            #expect(status == RPCStatus(.unimplemented, "no method /test/Other"))
        }
    }

    @Test("every code arrives", arguments: RPCStatus.Code.allCases.filter { $0 != .ok })
    func codes(code: RPCStatus.Code) async throws {
        try await withServer { _ in
            .now(.failure(RPCStatus(code, "text")))
        } _: { _, client in
            let status2 = try await failure { try await client.call("/test/Fail", []) }
            #expect(status2 == RPCStatus(code, "text"))
        }
    }

    @Test("a failure that says OK arrives as UNKNOWN")
    func okIsNoFailure() async throws {
        try await withServer { _ in
            .now(.failure(RPCStatus(.ok, "text")))
        } _: { _, client in
            let status2 = try await failure { try await client.call("/test/Fail", []) }
            #expect(status2 == RPCStatus(.unknown, "text"))
        }
    }

    @Test(
        "a text arrives as it is",
        arguments: [
            "", "plain", "100 % of \"it\"", "Zugriff verweigert: ключ 🔑 fehlt", "two\nlines\tand a tab",
            String(repeating: "long enough ", count: 341),
        ]
    )
    func texts(text: String) async throws {
        try await withServer { _ in
            .later { .failure(RPCStatus(.permissionDenied, text)) }
        } _: { _, client in
            let status = try await failure { try await client.call("/test/Fail", []) }
            #expect(status == RPCStatus(.permissionDenied, text))
        }
    }

    @Test("a text that is too long is cut, and its code arrives", arguments: ["x", "ключ", "🔑", "%"])
    func longTexts(piece: String) async throws {
        let text = String(repeating: piece, count: 100_000)
        try await withServer { _ in
            .now(.failure(RPCStatus(.internal, text)))
        } _: { _, client in
            let status = try await failure { try await client.call("/test/Fail", []) }
            #expect(status.code == .internal)
            #expect(status.message.hasSuffix("..."))
            #expect(text.hasPrefix(status.message.dropLast(3)))
            #expect(status.message.utf8.count > RPCStatus.longestMessage / 4)
        }
    }

    @Test("metadata arrives, text and bytes")
    func metadata() async throws {
        let sent = [
            MetadataEntry("x-trace", "abc 123"), MetadataEntry("x-trace", "again"),
            MetadataEntry("x-raw-bin", Array(UInt8.min...UInt8.max)),
        ]
        let seen = Mutex<[MetadataEntry]>([])
        try await withServer { call in
            seen.withLock { $0 = call.metadata }
            return .now(.success([]))
        } _: { _, client in
            _ = try await client.call("/test/Meta", [], metadata: sent)
            let entries = seen.withLock { $0 }
            #expect(entries.filter { $0.name.hasPrefix("x-") } == sent)
            #expect(entries.first?.text.isEmpty == false)
        }
    }

    @Test("metadata that HTTP/2 forbids fails the call, and only it")
    func badMetadata() async throws {
        try await withServer { _, client in
            for entry in [MetadataEntry("Upper Case", "x"), MetadataEntry("x-text", "line\nbreak")] {
                let status = try await failure { try await client.call("/test/Echo", [1], metadata: [entry]) }
                #expect(status.code == .internal)
            }
            let answer = try await client.call("/test/Echo", [1])
            #expect(answer == [1])
        }
    }

    @Test(
        "any authority is served",
        arguments: [
            "localhost", "/var/run/secrets-store-csi-providers/daypass.sock", "%2Fvar%2Frun%2Fx.sock",
            "var/run/x.sock", "example.org:443", "[::1]:80",
        ]
    )
    func authorities(authority: String) async throws {
        var options = UnaryClientOptions()
        options.authority = authority
        try await withServer(client: options) { call in
            .now(.success(Array(call.authority.utf8)))
        } _: { server, client in
            let answer2 = String(decoding: try await client.call("/test/Authority", []), as: UTF8.self)
            #expect(answer2 == authority)
        }
    }

    @Test("the deadline reaches the handler, and no deadline is none")
    func deadlines() async throws {
        let seen = Mutex<ContinuousClock.Instant?>(nil)
        let handler: UnaryHandler = { call in
            seen.withLock { $0 = call.deadline }
            return .now(.success([]))
        }
        try await withServer(handler: handler) { server, client in
            let before = ContinuousClock.now
            _ = try await client.call("/test/Time", [], timeout: .seconds(1000))
            let deadline = try #require(seen.withLock { $0 })
            // The client's timeout, in the wire's rounding, from some time during the call.
            #expect(deadline > before + .seconds(990))
            #expect(deadline < .now + .seconds(1100))

            let peer = try #require(RawPeer(connectingTo: server.socketPath))
            peer.send(RawPeer.hello + RawPeer.request("/test/Time", authority: "localhost", message: []))
            _ = await peer.expectAnswer()
            #expect(seen.withLock { $0 } == nil)
        }
    }

    @Test("a request of 5 MiB is served below the limit and refused above, unseen by the handler")
    func requestSizes() async throws {
        let message = [UInt8](repeating: 7, count: 5 << 20)
        try await withServer { _, client in
            let answer2 = try await client.call("/test/Echo", message)
            #expect(answer2 == message)
        }

        var options = UnaryServerOptions()
        options.maxMessageBytes = 4 << 20
        let handled = Mutex(0)
        let handler: UnaryHandler = { call in
            handled.withLock { $0 += 1 }
            return .now(.success(call.message))
        }
        try await withServer(options: options, handler: handler) { _, client in
            let status = try await failure { try await client.call("/test/Echo", message) }
            #expect(status.code == .resourceExhausted)
            #expect(handled.withLock { $0 } == 0)
            let answer2 = try await client.call("/test/Echo", [1])
            #expect(answer2 == [1])
        }
    }

    @Test("an answer above the client's limit is refused by the client")
    func answerSizes() async throws {
        var options = UnaryClientOptions()
        options.maxMessageBytes = 1 << 20
        let handler: UnaryHandler = { call in
            .now(.success([UInt8](repeating: 1, count: call.message.isEmpty ? 5 << 20 : 5)))
        }
        try await withServer(client: options, handler: handler) { _, client in
            let status2 = try await failure { try await client.call("/test/Big", []) }
            #expect(status2.code == .resourceExhausted)
            let answer = try await client.call("/test/Small", [1])
            #expect(answer.count == 5)
        }
    }

    @Test("a hundred calls run at once")
    func concurrency() async throws {
        let count = 100
        let arrived = Mutex(0)
        let handler: UnaryHandler = { call in
            .later {
                arrived.withLock { $0 += 1 }
                // Nobody leaves before all have come: fails unless all of them run at once.
                await eventually("not all calls arrived") { arrived.withLock { $0 } == count }
                return .success(call.message)
            }
        }
        try await withServer(handler: handler) { server, client in
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<count {
                    group.addTask { try await client.call("/test/Echo", [UInt8(number)]) == [UInt8(number)] }
                }
                for try await isSame in group { #expect(isSame) }
            }
            await eventually("calls stay in flight") { server.counts.callsInFlight == 0 }
            #expect(server.counts.acceptedConnections == 1)
        }
    }

    @Test("a client without a server learns so at once, unless it waits for it")
    func noServer() async throws {
        try await withDirectory { directory in
            let path = "\(directory)/x.sock"
            try await withUnaryClient(socketPath: path) { client in
                let status2 = try await failure { try await client.call("/test/Echo", []) }
                #expect(status2.code == .unavailable)
            }
            var options = UnaryClientOptions()
            options.waitForReady = true
            try await withUnaryClient(socketPath: path, options: options) { client in
                let status = try await failure {
                    try await client.call("/test/Echo", [], timeout: .milliseconds(200))
                }
                #expect(status.code == .deadlineExceeded)
            }
        }
    }

    @Test("a path that begins with several slashes is that with one", arguments: ["/", "//"])
    func slashes(more: String) async throws {
        try await withDirectory { directory in
            let listener = try UnixSocketListener.bind(path: "\(more)\(directory)/x.sock", logger: quiet)
            try await withUnaryServer(on: listener, logger: quiet, handler: echo) { server in
                try await withUnaryClient(socketPath: server.socketPath) { client in
                    let answer = try await client.call("/test/Echo", [9])
                    #expect(answer == [9])
                }
            }
        }
    }

    @Test("a socket's path may hold any character", arguments: ["a b.sock", "100%41.sock", "q?x#y.sock", "é.sock"])
    func paths(name: String) async throws {
        try await withDirectory { directory in
            let listener = try UnixSocketListener.bind(path: "\(directory)/\(name)", logger: quiet)
            try await withUnaryServer(on: listener, logger: quiet, handler: echo) { server in
                try await withUnaryClient(socketPath: server.socketPath) { client in
                    let answer = try await client.call("/test/Echo", [9])
                    #expect(answer == [9])
                }
            }
        }
    }
}
