// Peers that are not allowed, say nothing, say nonsense, or come in thousands.

import Glibc
import Testing

@testable import UnaryRPC

@Suite("Peers", .timeLimit(.minutes(2)))
struct PeerTests {
    @Test("a user who is not allowed is closed unread, and logged once")
    func otherUser() async throws {
        let lines = LogRecorder.Lines()
        var options = UnaryServerOptions()
        options.logInterval = .seconds(1_000_000)
        try await withDirectory { directory in
            let listener = try UnixSocketListener.bind(
                path: "\(directory)/x.sock",
                allowedUIDs: [geteuid() + 1],
                logger: LogRecorder.logger(lines)
            )
            try await withUnaryServer(on: listener, options: options, logger: quiet, handler: echo) { server in
                for _ in 0..<3 {
                    let peer = try #require(RawPeer(connectingTo: server.socketPath))
                    peer.send(RawPeer.hello)
                    await peer.expectEnd()
                }
                #expect(server.counts.refusedConnections == 3)
                #expect(server.counts.acceptedConnections == 0)
                try await withUnaryClient(socketPath: server.socketPath) { client in
                    let status = try await failure { try await client.call("/test/Echo", []) }
                    #expect(status.code == .unavailable)
                }
            }
        }
        let refusals = lines.all.filter { $0.contains("refused a connection") }
        #expect(refusals.count == 1)
        #expect(refusals.first?.contains("\"uid\", value: \(geteuid()))") == true)
    }

    @Test("another user of this machine is refused, the server's own user is not", .enabled(if: geteuid() == 0))
    func realOtherUser() async {
        await #expect(processExitsWith: .success) {
            try await withDirectory { directory in
                try #require(chmod(directory, 0o755) == 0)
                let listener = try UnixSocketListener.bind(path: "\(directory)/x.sock", mode: 0o666, logger: quiet)
                try await withUnaryServer(on: listener, logger: quiet, handler: echo) { server in
                    try #require(seteuid(65534) == 0)
                    let stranger = RawPeer(connectingTo: server.socketPath)
                    try #require(seteuid(0) == 0)
                    await (try #require(stranger)).expectEnd()
                    #expect(server.counts.refusedConnections == 1)
                    try await withUnaryClient(socketPath: server.socketPath) { client in
                        let answer = try await client.call("/test/Echo", [1])
                        #expect(answer == [1])
                    }
                }
            }
        }
    }

    @Test(
        "nonsense is closed",
        arguments: [
            Array("GET / HTTP/1.1\r\n\r\n".utf8), [0], [0x16, 3, 1, 2, 0, 1], Array("PRI * HTTP/1.0\r\n".utf8),
            RawPeer.preface + [UInt8](repeating: 0xFF, count: 64),
            RawPeer.hello + RawPeer.frame(9, flags: 4, stream: 1, [1, 2, 3]),
            RawPeer.hello + RawPeer.frame(4, flags: 0, stream: 0, [1]),
        ]
    )
    func nonsense(bytes: [UInt8]) async throws {
        try await withServer { server, client in
            let peer = try #require(RawPeer(connectingTo: server.socketPath))
            peer.send(bytes)
            await peer.expectEnd()
            let answer2 = try await client.call("/test/Echo", [1])
            #expect(answer2 == [1])
        }
    }

    @Test("a peer that says nothing is closed when its time is over")
    func silentPeer() async throws {
        var options = UnaryServerOptions()
        options.handshakeTimeout = .milliseconds(100)
        try await withServer(options: options) { server, client in
            let peer = try #require(RawPeer(connectingTo: server.socketPath))
            await peer.expectEnd()
            let answer2 = try await client.call("/test/Echo", [1])
            #expect(answer2 == [1])
        }
    }

    @Test("a peer that begins to speak and falls silent is closed", arguments: [3, 24, 33])
    func fallsSilent(count: Int) async throws {
        var options = UnaryServerOptions()
        options.keepaliveTime = .milliseconds(100)
        // Long enough for the client, which shares a busy machine with the other tests.
        options.keepaliveTimeout = .seconds(2)
        try await withServer(options: options, client: WireTests.driverOptions) { server, client in
            let peer = try #require(RawPeer(connectingTo: server.socketPath))
            peer.send(Array(RawPeer.hello.prefix(count)))
            await peer.expectEnd()
            let answer2 = try await client.call("/test/Echo", [1])
            #expect(answer2 == [1])
        }
    }

    @Test("a call whose message never comes is given up")
    func headWithoutMessage() async throws {
        var options = UnaryServerOptions()
        options.messageTimeout = .milliseconds(100)
        try await withServer(options: options) { server, client in
            let peer = try #require(RawPeer(connectingTo: server.socketPath))
            let request = RawPeer.request("/test/Echo", authority: "localhost", message: [])
            // The DATA frame has 9 bytes of head and the 5 of an empty message.
            peer.send(RawPeer.hello + request.dropLast(14))
            let end = await peer.expectFrame { $0.stream == 1 && ($0.kind == RawPeer.Frame.reset || $0.endsStream) }
            #expect(end != nil)
            await eventually("the call stays in flight") { server.counts.callsInFlight == 0 }
            let answer = try await client.call("/test/Echo", [1])
            #expect(answer == [1])
        }
    }

    @Test("more silent peers than there is room for: the oldest goes")
    func crowd() async throws {
        var options = UnaryServerOptions()
        options.handshakeTimeout = .seconds(1000)
        options.maxSilentConnections = 4
        try await withServer(options: options) { server, client in
            let peers = (0..<6).compactMap { _ in RawPeer(connectingTo: server.socketPath) }
            try #require(peers.count == 6)
            await peers[0].expectEnd()
            await peers[1].expectEnd()
            peers[5].send(RawPeer.hello + RawPeer.request("/test/Echo", authority: "localhost", message: []))
            #expect(await peers[5].expectAnswer() != nil)
            let answer2 = try await client.call("/test/Echo", [1])
            #expect(answer2 == [1])
        }
    }

    @Test("thousands of connects do not stop the server")
    func thousands() async throws {
        // Where the kernel's queue of connections is full, a client has to try again.
        var clientOptions = UnaryClientOptions()
        clientOptions.waitForReady = true
        try await withServer(client: clientOptions) { server, client in
            for number in 0..<3000 {
                let peer = RawPeer(connectingTo: server.socketPath)
                switch number % 4 {
                case 0: break
                case 1: peer?.send([UInt8](repeating: UInt8(number & 255), count: 100))
                case 2: peer?.send(RawPeer.hello)
                default: peer?.send(Array(RawPeer.hello.prefix(number % 40)))
                }
            }
            let answer2 = try await client.call("/test/Echo", [1])
            #expect(answer2 == [1])
            await eventually("calls stay in flight") { server.counts.callsInFlight == 0 }
        }
    }
}
