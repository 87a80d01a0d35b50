// What goes over the wire, frame by frame, and what clients make of it.

import Synchronization
import Testing

@testable import UnaryRPC

@Suite("The wire", .timeLimit(.minutes(2)))
struct WireTests {
    /// A client with the service config of the Secrets Store CSI driver, in a hurry.
    static var driverOptions: UnaryClientOptions {
        var options = UnaryClientOptions()
        options.serviceConfig = """
            {"methodConfig": [{"name": [{}], "waitForReady": true, "retryPolicy": {"maxAttempts": 3,
            "initialBackoff": "0.01s", "maxBackoff": "0.1s", "backoffMultiplier": 1.1,
            "retryableStatusCodes": ["UNAVAILABLE"]}}]}
            """
        return options
    }

    @Test("an error is Trailers-Only: one HEADERS frame that ends the stream", arguments: [false, true])
    func trailersOnly(late: Bool) async throws {
        let result: Result<[UInt8], RPCStatus> = .failure(RPCStatus(.unavailable, "later"))
        try await withServer(handler: { _ in late ? .later { result } : .now(result) }) { server, _ in
            let peer = try #require(RawPeer(connectingTo: server.socketPath))
            peer.send(RawPeer.hello + RawPeer.request("/test/Fail", authority: "localhost", message: []))
            let first = try #require(await peer.expectAnswer())
            #expect(first.endsStream)
        }
    }

    @Test("an answer with a message has headers first")
    func headersFirst() async throws {
        try await withServer { server, _ in
            let peer = try #require(RawPeer(connectingTo: server.socketPath))
            peer.send(RawPeer.hello + RawPeer.request("/test/Echo", authority: "localhost", message: [1]))
            let first = try #require(await peer.expectAnswer())
            #expect(!first.endsStream)
            let last = try #require(await peer.expectAnswer())
            #expect(last.endsStream)
        }
    }

    @Test("a client's retry policy works: UNAVAILABLE is tried three times, INTERNAL once")
    func retries() async throws {
        let attempts = Mutex(0)
        let handler: UnaryHandler = { call in
            attempts.withLock { $0 += 1 }
            let status = RPCStatus(call.method == "/test/Busy" ? .unavailable : .internal, "no")
            return .now(.failure(status))
        }
        try await withServer(client: Self.driverOptions, handler: handler) { _, client in
            let status = try await failure { try await client.call("/test/Busy", []) }
            #expect(status.code == .unavailable)
            #expect(attempts.withLock { $0 } == 3)
            let status3 = try await failure { try await client.call("/test/Broken", []) }
            #expect(status3.code == .internal)
            #expect(attempts.withLock { $0 } == 4)
        }
    }

    @Test("a raw path as authority is served, as drivers before 1.6 send it")
    func rawAuthority() async throws {
        try await withServer { server, _ in
            let peer = try #require(RawPeer(connectingTo: server.socketPath))
            peer.send(RawPeer.hello + RawPeer.request("/test/Echo", authority: server.socketPath, message: [1]))
            let first = try #require(await peer.expectAnswer())
            #expect(!first.endsStream)
        }
    }

    @Test("a connection that died is replaced: the server restarts on its path under a client that waits")
    func restart() async throws {
        try await withDirectory { directory in
            let path = "\(directory)/x.sock"
            try await withUnaryClient(socketPath: path, options: Self.driverOptions) { client in
                for generation in UInt8(1)...3 {
                    let listener = try UnixSocketListener.bind(path: path, logger: quiet)
                    try await withUnaryServer(
                        on: listener,
                        logger: quiet,
                        handler: { _ in .now(.success([generation])) }
                    ) { _ in
                        let answer = try await client.call("/test/Generation", [])
                        #expect(answer == [generation])
                    }
                    #expect(names(in: directory) == [])
                }
            }
        }
    }

    @Test("a compressed request is refused before it is unpacked")
    func compressed() async throws {
        let handled = Tally()
        let handler: UnaryHandler = { call in
            handled.add()
            return .now(.success(call.message))
        }
        try await withServer(handler: handler) { server, _ in
            let peer = try #require(RawPeer(connectingTo: server.socketPath))
            peer.send(
                RawPeer.hello
                    + RawPeer.request(
                        "/test/Echo",
                        authority: "localhost",
                        message: Self.gzippedZeros,
                        encoding: "gzip"
                    )
            )
            let answer = try #require(await peer.expectAnswer())
            // grpc-status 12 is UNIMPLEMENTED, as the protocol asks for.
            #expect(String(decoding: answer.payload, as: UTF8.self).contains("grpc-status\u{2}12"))
            #expect(handled.value == 0)
        }
    }

    // `head -c 1000 /dev/zero | gzip -9n`
    private static let gzippedZeros: [UInt8] = [
        31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 99, 96, 24, 5, 163, 96, 20, 12, 119, 0, 0, 128, 23, 11, 6, 232, 3, 0, 0,
    ]
}
