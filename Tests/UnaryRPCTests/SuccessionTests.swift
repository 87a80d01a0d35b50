// A listening socket that goes from one owner to the next: who may have it, and what becomes of its clients.

import Glibc
import Testing

@testable import UnaryRPC

@Suite("Succession", .timeLimit(.minutes(2)))
struct SuccessionTests {
    /// Waits inside the scope of a heir until the socket has come.
    private func inherit(_ meeting: String, _ isThere: @Sendable @escaping () -> Bool) async throws -> InheritedSocket?
    {
        try await withSocketHeir(at: meeting, logger: quiet) {
            await eventually("nobody stands by") { isThere() }
        }.1
    }

    @Test("clients that connect while nobody accepts are served by the heir; the file stays and then goes")
    func waitingClients() async throws {
        try await withDirectory { directory in
            let path = "\(directory)/x.sock"
            let meeting = "\(directory)/meet"
            let first = try UnixSocketListener.bind(path: path, logger: quiet)
            let offer = try SocketOffer.begin(of: first, at: meeting, logger: quiet)
            let inherited = try await offer.run {
                try await withUnaryServer(on: first, logger: quiet, hasSuccessor: { true }, handler: echo) { _ in
                    #expect(!offer.hasSuccessor)
                    return try await self.inherit(meeting) { offer.hasSuccessor }
                }
            }
            #expect(names(in: directory) == ["x.sock"])
            let before = try #require(FileStatus(of: path, followingLinks: false))
            let early = try #require(RawPeer(connectingTo: path))
            early.send(RawPeer.hello + RawPeer.request("/test/Echo", authority: "x", message: [7]))

            let socket = try #require(inherited)
            let taken = try UnixSocketListener.take(socket, path: path, logger: quiet)
            let second = try #require(taken)
            try await withUnaryServer(on: second, logger: quiet, handler: echo) { server in
                let answered = await early.expectFrame { $0.stream == 1 && $0.kind == RawPeer.Frame.data }
                #expect(answered?.payload.last == 7)
                #expect(FileStatus(of: path, followingLinks: false)?.isSameFile(as: before) == true)
                try await withUnaryClient(socketPath: server.socketPath) { client in
                    let answer = try await client.call("/test/Echo", [8])
                    #expect(answer == [8])
                }
            }
            #expect(names(in: directory) == [])
        }
    }

    @Test("a heir that leaves is none any more, and the next one counts")
    func leaving() async throws {
        try await withDirectory { directory in
            let meeting = "\(directory)/meet"
            let listener = try UnixSocketListener.bind(path: "\(directory)/x.sock", logger: quiet)
            try listener.publish()
            let offer = try SocketOffer.begin(of: listener, at: meeting, logger: quiet)
            try await offer.run {
                for _ in 0..<3 {
                    let inherited = try await inherit(meeting) { offer.hasSuccessor }
                    #expect(inherited != nil)
                    await eventually("a heir that left still counts") { !offer.hasSuccessor }
                }
            }
            listener.close()
            #expect(names(in: directory) == [])
        }
    }

    @Test("the heir follows from one owner to the next, also one that comes after it")
    func following() async throws {
        try await withDirectory { directory in
            let path = "\(directory)/x.sock"
            let meeting = "\(directory)/meet"
            let (_, inherited) = try await withSocketHeir(at: meeting, logger: quiet) {
                for _ in 0..<2 {
                    let listener = try UnixSocketListener.bind(path: path, logger: quiet)
                    try listener.publish()
                    let offer = try SocketOffer.begin(of: listener, at: meeting, logger: quiet)
                    try await offer.run { await eventually("nobody follows") { offer.hasSuccessor } }
                    listener.close(leavingFile: true)
                }
            }
            let socket = try #require(inherited)
            let taken = try UnixSocketListener.take(socket, path: path, logger: quiet)
            #expect(taken != nil, "the second owner's socket is the one at the path")
            taken?.close()
            #expect(names(in: directory) == [])
        }
    }

    @Test("without an owner there is nothing to inherit")
    func nobody() async throws {
        try await withDirectory { directory in
            let (result, inherited) = try await withSocketHeir(at: "\(directory)/meet", logger: quiet) { 5 }
            #expect(result == 5 && inherited == nil)
        }
    }

    @Test("a socket that is not the one at the path is not taken", arguments: ["other", "replaced", "removed", "file"])
    func notTheOne(what: String) async throws {
        try await withDirectory { directory in
            let path = "\(directory)/x.sock"
            let meeting = "\(directory)/meet"
            let listener = try UnixSocketListener.bind(path: path, logger: quiet)
            try listener.publish()
            let offer = try SocketOffer.begin(of: listener, at: meeting, logger: quiet)
            let inherited = try await offer.run { try await inherit(meeting) { offer.hasSuccessor } }
            switch what {
            case "replaced":
                let other = try UnixSocketListener.bind(path: path, logger: quiet)
                try other.publish()
                other.close(leavingFile: true)
            case "removed": unlink(path)
            case "file":
                unlink(path)
                try writeFile(path, "precious")
            default: break
            }
            let wanted = what == "other" ? "\(directory)/y.sock" : path
            let socket = try #require(inherited)
            let taken = try UnixSocketListener.take(socket, path: wanted, logger: quiet)
            #expect(taken == nil)
            listener.close()
        }
    }

    @Test(
        "what is no offer is refused",
        arguments: [
            "", "hello\n", "daypass-socket 2 1 1 /x\n", "daypass-socket 1 a 1 /x\n", "daypass-socket 1 1 1 \n",
            "daypass-socket 1 1 1 /x",
        ]
    )
    func noOffer(line: String) { #expect(OfferedSocket(Array(line.utf8)) == nil) }

    @Test("a visitor that comes when the listener is closed gets nothing, and no other descriptor")
    func tooLate() async throws {
        try await withDirectory { directory in
            let meeting = "\(directory)/meet"
            let listener = try UnixSocketListener.bind(path: "\(directory)/x.sock", logger: quiet)
            try listener.publish()
            let offer = try SocketOffer.begin(of: listener, at: meeting, logger: quiet)
            try await offer.run {
                listener.close(leavingFile: true)
                let visitor = try #require(RawPeer(connectingTo: meeting))
                await visitor.expectEnd()
                #expect(!offer.hasSuccessor)
            }
        }
    }

    @Test("a descriptor that does not listen is not taken")
    func noListener() async throws {
        try await withDirectory { directory in
            let path = "\(directory)/x.sock"
            let listener = try UnixSocketListener.bind(path: path, logger: quiet)
            try listener.publish()
            let status = try #require(FileStatus(of: path, followingLinks: false))
            let other = InheritedSocket(
                offered: OfferedSocket(path: path, identity: status),
                descriptor: socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            )
            let taken = try UnixSocketListener.take(other, path: path, logger: quiet)
            #expect(taken == nil)
            listener.close()
        }
    }

    @Test("where nothing can be offered, one stands by without")
    func longPath() async throws {
        let lines = LogRecorder.Lines()
        let path = "/tmp/" + String(repeating: "x", count: 200)
        let (result, inherited) = try await withSocketHeir(at: path, logger: LogRecorder.logger(lines)) { 7 }
        #expect(result == 7 && inherited == nil)
        #expect(lines.all.contains { $0.contains("can't be taken over") })
    }

    @Test("an offer's line is read as it was written")
    func offer() throws {
        try #require(FileStatus(of: "/tmp", followingLinks: true) != nil)
        let status = try #require(FileStatus(of: "/tmp", followingLinks: true))
        let offered = OfferedSocket(path: "/run/a b/x.sock", identity: status)
        #expect(OfferedSocket(offered.encoded) == offered)
    }

    @Test("a visitor that says nothing is no successor, and many visitors do no harm")
    func strangers() async throws {
        try await withDirectory { directory in
            let meeting = "\(directory)/meet"
            let listener = try UnixSocketListener.bind(path: "\(directory)/x.sock", logger: quiet)
            try listener.publish()
            let offer = try SocketOffer.begin(of: listener, at: meeting, logger: quiet)
            try await offer.run {
                do {
                    let peers = (0..<20).compactMap { _ in RawPeer(connectingTo: meeting) }
                    #expect(!peers.isEmpty && !offer.hasSuccessor)
                }
                let inherited = try await inherit(meeting) { offer.hasSuccessor }
                #expect(inherited != nil)
            }
            listener.close()
        }
    }

    @Test("calls that take a while are held back for the successor, and end as UNAVAILABLE without an answer")
    func holding() async throws {
        let started = Latch()
        let gate = Latch()
        let stop = Latch()
        let slowCalls = Tally()
        let handler: UnaryHandler = { call in
            guard call.method == "/test/Slow" else { return .now(.success(call.message)) }
            return .later {
                slowCalls.add()
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
            options.settleTimeout = .zero
            options.endingStatus = RPCStatus(.internal, "ending")
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { [options] in
                    try await withUnaryServer(
                        on: listener,
                        options: options,
                        logger: quiet,
                        hasSuccessor: { true },
                        handler: handler
                    ) { _ in await stop.wait() }
                }
                await eventually("the socket does not appear") { names(in: directory) == ["x.sock"] }
                try await withUnaryClient(socketPath: path) { client in
                    async let slow = client.call("/test/Slow", [42], timeout: .seconds(600))
                    await started.wait()
                    stop.open()
                    await eventually("the listener stays") { RawPeer(connectingTo: path) == nil }
                    // The word of the end may reach the server a moment later: until then calls are still begun.
                    var begun = slowCalls.value
                    var held: [Task<RPCStatus.Code, Never>] = []
                    repeat {
                        begun = slowCalls.value
                        held.append(
                            Task {
                                do throws(RPCStatus) {
                                    _ = try await client.call("/test/Slow", [43], timeout: .seconds(600))
                                    return .ok
                                } catch { return error.code }
                            }
                        )
                        let quick = try await client.call("/test/Quick", [1])
                        #expect(quick == [1], "what is answered at once is answered to the end")
                        try await Task.sleep(for: .milliseconds(50))
                    } while slowCalls.value > begun
                    gate.open()
                    let answer = try await slow
                    #expect(answer == [42])
                    let last = await held.last?.value
                    #expect(last == .unavailable)
                }
                try await group.waitForAll()
            }
            #expect(names(in: directory) == ["x.sock"], "the file is the successor's")
        }
    }
}
