// How a server ends: nothing is cut off that could end by itself, and the end always comes.

import Synchronization
import Testing

@testable import UnaryRPC

@Suite("Drain", .timeLimit(.minutes(2)))
struct DrainTests {
    @Test("a call in flight ends well; new calls get the ending status meanwhile, and connections are refused")
    func inFlight() async throws {
        let started = Latch()
        let gate = Latch()
        let stop = Latch()
        let handler: UnaryHandler = { call in
            guard call.method == "/test/Slow" else { return .now(.success([])) }
            return .later {
                started.open()
                await gate.wait()
                return .success(call.message)
            }
        }
        try await withDirectory { directory in
            let path = "\(directory)/x.sock"
            let listener = try UnixSocketListener.bind(path: path, logger: quiet)
            var options = UnaryServerOptions()
            options.drainTimeout = .seconds(100)
            options.settleTimeout = .milliseconds(50)
            options.endingStatus = RPCStatus(.internal, "ending")
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { [options] in
                    try await withUnaryServer(on: listener, options: options, logger: quiet, handler: handler) { _ in
                        await stop.wait()
                    }
                }
                await eventually("the socket does not appear") { names(in: directory) == ["x.sock"] }
                try await withUnaryClient(socketPath: path) { client in
                    async let slow = client.call("/test/Slow", [42], timeout: .seconds(600))
                    await started.wait()
                    let peer = try #require(RawPeer(connectingTo: path))
                    peer.send(RawPeer.hello)
                    _ = try await client.call("/test/Quick", [])

                    stop.open()
                    await eventually("the socket stays") { names(in: directory) == [] }
                    #expect(RawPeer(connectingTo: path) == nil)
                    await eventually("new calls are served on") {
                        do throws(RPCStatus) {
                            return try await client.call("/test/Quick", []) != []
                        } catch {
                            #expect(error == RPCStatus(.internal, "ending"))
                            return true
                        }
                    }

                    gate.open()
                    let answer = try await slow
                    #expect(answer == [42])
                    await peer.expectEnd()
                }
                try await group.waitForAll()
            }
        }
    }

    @Test("a handler that is stuck is cancelled after the drain's time, and its answer still arrives")
    func stuck() async throws {
        var options = UnaryServerOptions()
        options.drainTimeout = .seconds(60)
        options.cancelGrace = .seconds(60)
        let stuck = CancellationTests.Stuck()
        let stop = Latch()
        let lines = LogRecorder.Lines()
        try await withDirectory { directory in
            let path = "\(directory)/x.sock"
            let listener = try UnixSocketListener.bind(path: path, logger: quiet)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { [options] in
                    try await withUnaryServer(
                        on: listener,
                        options: options,
                        logger: LogRecorder.logger(lines),
                        handler: stuck.handler
                    ) { _ in await stop.wait() }
                }
                var clientOptions = UnaryClientOptions()
                clientOptions.waitForReady = true
                await eventually("the socket does not appear") { names(in: directory) == ["x.sock"] }
                try await withUnaryClient(socketPath: path, options: clientOptions) { client in
                    async let answer = failure { try await client.call("/test/Stuck", []) }
                    await stuck.started.wait()
                    stop.open()
                    let answer3 = try await answer
                    #expect(answer3 == RPCStatus(.internal, "the handler was cancelled"))
                }
                try await group.waitForAll()
            }
        }
        #expect(lines.all.contains { $0.contains("cancelling calls") })
    }

    @Test(
        "a handler that ignores its cancellation: the client gets the ending status, and the log says so",
        arguments: [false, true]
    )
    func ignoresCancellation(callerIsCancelled: Bool) async throws {
        var options = UnaryServerOptions()
        options.drainTimeout = callerIsCancelled ? .seconds(1000) : .milliseconds(50)
        options.endingStatus = RPCStatus(.internal, "ending")
        let started = Latch()
        let gate = Latch()
        let lines = LogRecorder.Lines()
        let handler: UnaryHandler = { _ in
            .later {
                started.open()
                await gate.waitRegardless()
                return .success([])
            }
        }
        try await withDirectory { directory in
            let path = "\(directory)/x.sock"
            let listener = try UnixSocketListener.bind(path: path, logger: quiet)
            try await withUnaryClient(socketPath: path, options: WireTests.driverOptions) { client in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        let status = try await failure { try await client.call("/test/Deaf", []) }
                        #expect(status == RPCStatus(.internal, "ending"))
                        gate.open()
                    }
                    try await withThrowingTaskGroup(of: Void.self) { servers in
                        servers.addTask { [options] in
                            try await withUnaryServer(
                                on: listener,
                                options: options,
                                logger: LogRecorder.logger(lines),
                                handler: handler
                            ) { _ in
                                await started.wait()
                                if callerIsCancelled { await Latch().wait() }
                            }
                        }
                        await started.wait()
                        if callerIsCancelled { servers.cancelAll() }
                        try await servers.waitForAll()
                    }
                    try await group.waitForAll()
                }
            }
        }
        #expect(lines.all.contains { $0.contains("handlers have not answered in time") })
    }

    @Test("peers that confirm nothing do not hold the drain up", arguments: [0, 1, 24, 33])
    func mutePeers(count: Int) async throws {
        try await withDirectory { directory in
            let listener = try UnixSocketListener.bind(path: "\(directory)/x.sock", logger: quiet)
            let peers = try await withUnaryServer(on: listener, logger: quiet, handler: echo) { server in
                let mute = try #require(RawPeer(connectingTo: server.socketPath))
                mute.send(Array(RawPeer.hello.prefix(count)))
                await eventually("the peer is not accepted") { server.counts.acceptedConnections == 1 }
                return Box(mute)
            }
            await peers.peer.expectEnd()
        }
    }

    private struct Box: @unchecked Sendable {
        let peer: RawPeer
        init(_ peer: RawPeer) { self.peer = peer }
    }

    @Test("an error of the body comes out after the drain")
    func bodyFails() async throws {
        struct Failure: Error {}
        try await withDirectory { directory in
            let listener = try UnixSocketListener.bind(path: "\(directory)/x.sock", logger: quiet)
            await #expect(throws: Failure.self) {
                try await withUnaryServer(on: listener, logger: quiet, handler: echo) { _ in throw Failure() }
            }
            #expect(names(in: directory) == [])
        }
    }

    @Test("the caller's cancellation ends the server at once, whatever the drain's time")
    func callerCancelled() async throws {
        var options = UnaryServerOptions()
        options.drainTimeout = .seconds(1000)
        options.cancelGrace = .seconds(1000)
        let stuck = CancellationTests.Stuck()
        try await withDirectory { directory in
            let path = "\(directory)/x.sock"
            let listener = try UnixSocketListener.bind(path: path, logger: quiet)
            await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { [options] in
                    try await withUnaryServer(on: listener, options: options, logger: quiet, handler: stuck.handler) {
                        _ in await Latch().wait()
                    }
                }
                await eventually("the socket does not appear") { names(in: directory) == ["x.sock"] }
                let peer = RawPeer(connectingTo: path)
                peer?.send(RawPeer.hello + RawPeer.request("/test/Stuck", authority: "localhost", message: [1]))
                await stuck.started.wait()
                group.cancelAll()
                while await group.nextResult() != nil {}
                await stuck.cancelled.wait()
                await peer?.expectEnd()
            }
            #expect(names(in: directory) == [])
        }
    }

    @Test("a path that was taken in the meantime stops the server before its body")
    func publishFails() async throws {
        try await withDirectory { directory in
            let path = "\(directory)/x.sock"
            let listener = try UnixSocketListener.bind(path: path, logger: quiet)
            try writeFile(path, "precious")
            await #expect(throws: UnixSocketError.self) {
                try await withUnaryServer(on: listener, logger: quiet, handler: echo) { _ in
                    Issue.record("the body ran")
                }
            }
            #expect(names(in: directory) == ["x.sock"])
        }
    }

    // The driver tries UNAVAILABLE again, and not CANCELLED, after which a volume may stay empty. The clients here are
    // not the core's: all of the core's clients in a process would read the server's sockets too.
    @Test("a call that meets the end of a server is answered or cut off with its connection, never cancelled")
    func endUnderLoad() async {
        await #expect(processExitsWith: .success) {
            try await withDirectory { directory in
                let path = "\(directory)/x.sock"
                for _ in 0..<20 {
                    let listener = try UnixSocketListener.bind(path: path, logger: quiet)
                    let answered = Tally()
                    try await withThrowingTaskGroup(of: [String].self) { group in
                        try await withUnaryServer(on: listener, logger: quiet, handler: echo) { _ in
                            for _ in 0..<8 {
                                group.addTask {
                                    await (try #require(RawPeer(connectingTo: path))).callUntilEnd(answered: answered)
                                }
                            }
                            await eventually("no calls") { answered.value >= 40 }
                        }
                        // grpc-status 14 is UNAVAILABLE; a client makes it of REFUSED_STREAM (7), too.
                        for try await failures in group {
                            #expect(
                                failures.allSatisfy {
                                    $0 == "reset [0, 0, 0, 7]" || $0.contains("grpc-status\u{2}14")
                                }
                            )
                        }
                    }
                }
            }
        }
    }
}
