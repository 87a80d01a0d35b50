// Who stops waiting cancels the work: deadlines, cancellations, deaths.

import Synchronization
import Testing

@testable import UnaryRPC

@Suite("Cancellation", .timeLimit(.minutes(2)))
struct CancellationTests {
    /// A handler that works until it is cancelled.
    final class Stuck: Sendable {
        let started = Latch()
        let cancelled = Latch()

        func handler(_ call: UnaryCall) -> UnaryReply {
            if call.method == "/test/Echo" { return .now(.success(call.message)) }
            return .later { [started, cancelled] in
                started.open()
                await Latch().wait()
                if Task.isCancelled { cancelled.open() }
                return .failure(RPCStatus(.internal, "the handler was cancelled"))
            }
        }
    }

    @Test("the client's deadline cancels the handler")
    func deadline() async throws {
        let stuck = Stuck()
        try await withServer(handler: stuck.handler) { server, client in
            // On a machine that is busy the first deadlines may pass before the call arrives.
            for milliseconds in [50, 200, 1000, 5000, 20_000] where !stuck.started.isOpen {
                let status = try await failure {
                    try await client.call("/test/Stuck", [], timeout: .milliseconds(milliseconds))
                }
                #expect(status.code == .deadlineExceeded)
            }
            await stuck.started.wait()
            await stuck.cancelled.wait()
            await eventually("the call stays in flight") { server.counts.callsInFlight == 0 }
            let answer = try await client.call("/test/Echo", [1])
            #expect(answer == [1])
        }
    }

    @Test("the client's cancellation cancels the handler, and the call ends as CANCELLED")
    func clientCancels() async throws {
        let stuck = Stuck()
        try await withServer(handler: stuck.handler) { server, client in
            let status = await withTaskGroup(of: RPCStatus?.self) { group in
                group.addTask {
                    do throws(RPCStatus) {
                        _ = try await client.call("/test/Stuck", [])
                        return nil
                    } catch {
                        return error
                    }
                }
                await stuck.started.wait()
                group.cancelAll()
                return await group.next() ?? nil
            }
            #expect(status?.code == .cancelled)
            await stuck.cancelled.wait()
            await eventually("the call stays in flight") { server.counts.callsInFlight == 0 }
        }
    }

    @Test("a call that outlives its client's scope is cancelled with the scope")
    func outlivesScope() async throws {
        let stuck = Stuck()
        try await withServer(handler: stuck.handler) { server, _ in
            try await withThrowingTaskGroup(of: RPCStatus.self) { group in
                try await withUnaryClient(socketPath: server.socketPath) { client in
                    group.addTask {
                        try await failure { try await client.call("/test/Stuck", [], timeout: .seconds(6000)) }
                    }
                    await stuck.started.wait()
                }
                for try await status in group { #expect(status.code == .cancelled) }
            }
            await stuck.cancelled.wait()
        }
    }

    @Test("a call in a cancelled task ends at once")
    func cancelledBefore() async throws {
        try await withServer { _, client in
            let code = await withTaskGroup(of: RPCStatus.Code?.self) { group in
                group.cancelAll()
                group.addTask {
                    do throws(RPCStatus) {
                        _ = try await client.call("/test/Echo", [])
                        return nil
                    } catch {
                        return error.code
                    }
                }
                return await group.next() ?? nil
            }
            #expect(code == .cancelled)
        }
    }

    @Test("a client that dies in mid-call cancels the handler")
    func clientDies() async throws {
        let stuck = Stuck()
        try await withServer(handler: stuck.handler) { server, client in
            var peer = RawPeer(connectingTo: server.socketPath)
            peer?.send(RawPeer.hello + RawPeer.request("/test/Stuck", authority: "localhost", message: [1]))
            await stuck.started.wait()
            #expect(server.counts.callsInFlight == 1)
            peer = nil
            await stuck.cancelled.wait()
            await eventually("the call stays in flight") { server.counts.callsInFlight == 0 }
            let answer2 = try await client.call("/test/Echo", [1])
            #expect(answer2 == [1])
        }
    }

    @Test("a client that dies before its request is whole leaves nothing behind")
    func clientDiesEarly() async throws {
        try await withServer { server, client in
            let whole = RawPeer.hello + RawPeer.request("/test/Echo", authority: "localhost", message: [1, 2, 3])
            for count in stride(from: 1, to: whole.count, by: 7) {
                let peer = RawPeer(connectingTo: server.socketPath)
                peer?.send(Array(whole.prefix(count)))
            }
            await eventually("calls stay in flight") { server.counts.callsInFlight == 0 }
            let answer2 = try await client.call("/test/Echo", [1])
            #expect(answer2 == [1])
        }
    }
}
