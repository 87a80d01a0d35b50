// What a server holds must go: calls, buffers, descriptors. Each in a process of its own, where nobody else counts.

import Glibc
import Support
import Testing

@testable import UnaryRPC

@Suite("Resources", .timeLimit(.minutes(5)))
struct ResourceTests {
    @Test("10,000 calls of all kinds leave no call, no buffer and no descriptor")
    func leaks() async {
        await #expect(processExitsWith: .success) {
            // The first scope makes what the runtime keeps for ever.
            try await Self.callAll(100)
            let before = names(in: "/proc/self/fd").count
            try await Self.callAll(10_000)
            // The runtime opens and closes one for its timers.
            let after = names(in: "/proc/self/fd").count
            #expect(after <= before + 1, "\(before) descriptors became \(after)")
            #expect(LiveObjects.serverCallCount == 0)
            #expect(LiveObjects.clientCallCount == 0)
            #expect(LiveObjects.bufferCount == 0)
        }
    }

    static func callAll(_ count: Int) async throws {
        try await withServer { call in
            switch call.method {
            case "/test/Now": .now(.success(call.message))
            case "/test/Late": .later { .success(call.message) }
            case "/test/Fail": .now(.failure(RPCStatus(.notFound, "no")))
            default:
                .later {
                    await Latch().wait()
                    return .success(call.message)
                }
            }
        } _: { server, client in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for caller in 0..<16 {
                    group.addTask {
                        for number in stride(from: caller, to: count, by: 16) {
                            try await Self.call(client, server, number)
                        }
                    }
                }
                try await group.waitForAll()
            }
            await eventually("calls stay in flight") { server.counts.callsInFlight == 0 }
        }
    }

    private static func call(_ client: UnaryClient, _ server: UnaryServer, _ number: Int) async throws {
        let message = [UInt8](repeating: 1, count: number % 50_000)
        switch number % 7 {
        case 0: _ = try await client.call("/test/Now", message)
        case 1: _ = try await client.call("/test/Late", message)
        case 2: _ = try await failure { try await client.call("/test/Fail", message) }
        case 3: _ = try await failure { try await client.call("/test/Stuck", message, timeout: .milliseconds(2)) }
        case 4:
            await withTaskGroup(of: Void.self) { group in
                group.addTask { _ = try? await client.call("/test/Stuck", message) }
                await Task.yield()
                group.cancelAll()
            }
        case 5:
            let peer = RawPeer(connectingTo: server.socketPath)
            peer?.send(RawPeer.hello + RawPeer.request("/test/Stuck", authority: "localhost", message: [1, 2]))
        default:
            let peer = RawPeer(connectingTo: server.socketPath)
            peer?.send(Array(RawPeer.hello.prefix(number % 33)))
        }
    }

    @Test("peers of all kinds leave no descriptor while the server runs")
    func descriptors() async {
        await #expect(processExitsWith: .success) {
            var options = UnaryServerOptions()
            options.handshakeTimeout = .milliseconds(200)
            options.keepaliveTime = .milliseconds(200)
            options.keepaliveTimeout = .seconds(2)
            try await withServer(options: options, client: WireTests.driverOptions) { server, client in
                let answer = try await client.call("/test/Echo", [1])
                #expect(answer == [1])
                let before = names(in: "/proc/self/fd").count
                var kept: [RawPeer] = []
                for number in 0..<200 {
                    let peer = try #require(RawPeer(connectingTo: server.socketPath))
                    peer.send(Array(RawPeer.hello.prefix(number % 34)))
                    kept.append(peer)
                }
                // The peers' own ends stay open: the server must close its ends by itself.
                await eventually("the server keeps descriptors") {
                    // The runtime opens and closes one for its timers.
                    names(in: "/proc/self/fd").count <= before + kept.count + 1
                }
                for peer in kept { await peer.expectEnd() }
                let answer2 = try await client.call("/test/Echo", [1])
                #expect(answer2 == [1])
            }
        }
    }

    @Test("few descriptors left: connections do not take them, accept does not spin, calls go on")
    func descriptorLimit() async {
        await #expect(processExitsWith: .success) {
            let lines = LogRecorder.Lines()
            try await withServer(logger: LogRecorder.logger(lines)) { server, client in
                let first = try await client.call("/test/Echo", [1])
                #expect(first == [1])
                let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
                var before = rlimit()
                try #require(getrlimit(resource, &before) == 0)
                // A low limit of which nothing is left but the reserve and a little for this test itself.
                let used = open("/dev/null", O_RDONLY)
                try #require(used >= 0)
                var kept = [used]
                let top = OpenFiles.highest + 150
                while let last = kept.last, last < top { kept.append(dup(last)) }
                var low = before
                low.rlim_cur = rlim_t(top + AcceptLoop.descriptorReserve)
                try #require(setrlimit(resource, &low) == 0)

                let start = ContinuousClock.now
                for number in UInt8(0)..<3 {
                    let peer = try #require(RawPeer(connectingTo: server.socketPath))
                    peer.send(RawPeer.hello)
                    await peer.expectEnd()
                    let answer = try await client.call("/test/Echo", [number])
                    #expect(answer == [number])
                }
                #expect(server.counts.acceptFailures >= 3)
                #expect(server.counts.acceptFailures <= Int((ContinuousClock.now - start) / .milliseconds(100)) + 1)
                #expect(lines.all.filter { $0.contains("cannot accept connections: Too many open files") }.count == 1)

                for descriptor in kept { close(descriptor) }
                try #require(setrlimit(resource, &before) == 0)
                let peer = try #require(RawPeer(connectingTo: server.socketPath))
                peer.send(RawPeer.hello + RawPeer.request("/test/Echo", authority: "localhost", message: [1]))
                let answer = await peer.expectAnswer()
                #expect(answer != nil)
            }
        }
    }
}
