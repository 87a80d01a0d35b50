// Deadlines, size limits, cancellation and the end of the scope.

import Testing
import TokenStore

@testable import HTTPTransfer

@Suite("Limits") struct LimitTests {
    @Test("A body over the limit is refused, by its announced or its real size") func bodyLimit() async throws {
        try await withServer { server in
            try await withTransport { http in
                let huge = ["9223372036854775807", "99999999999999999999999"].map { "/length?\($0)" }
                for path in ["/length?1001", "/chunks"] + huge {
                    let call = HTTPCall("POST", server.url(path), timeout: .seconds(60), bodyLimit: 1000)
                    let error = try await http.failure(call)
                    #expect(error.code == .tooLarge, "\(path): \(error)")
                    #expect(error.requestMayHaveArrived)
                    #expect(error.message.contains(server.authority))
                }
            }
        }
    }

    @Test("A body of just the limit is taken, also when nothing is allowed") func exactBody() async throws {
        try await withServer { server in
            try await withTransport { http in
                let body = "the body of an error"
                let call = HTTPCall("GET", server.url("/status?404"), bodyLimit: body.utf8.count)
                #expect(try await http.send(call).text == body)
                let none = try await http.send(HTTPCall("GET", server.url("/status?204"), bodyLimit: 0))
                #expect(none.status == 204)
                var tight = call
                tight.bodyLimit = 0
                #expect(try await http.failure(tight).code == .tooLarge)
            }
        }
    }

    @Test("A head over its limits is refused") func head() async throws {
        try await withServer { server in
            try await withTransport { http in
                for path in ["/bigfield?70000", "/bigfield?300000", "/manyfields?300", "/interims"] {
                    let error = try await http.failure(HTTPCall("POST", server.url(path), timeout: .seconds(60)))
                    #expect(error.code == .tooLarge, "\(path): \(error)")
                    #expect(error.requestMayHaveArrived)
                }
            }
        }
    }

    @Test("A large field within the limits is taken") func largeField() async throws {
        try await withServer { server in
            let answer = try await withTransport { try await $0.send(HTTPCall("GET", server.url("/bigfield?20000"))) }
            #expect(answer.header("x-big")?.count == 20000)
        }
    }

    @Test("The deadline holds while the answer is awaited, and in its middle") func deadline() async throws {
        try await withServer { server in
            try await withTransport { http in
                for path in ["/stall", "/half"] {
                    _ = try await http.send(HTTPCall("GET", server.url("/echo")))
                    let error = try await http.failure(HTTPCall("POST", server.url(path), timeout: .milliseconds(500)))
                    #expect(error.code == .timedOut)
                    #expect(error.requestMayHaveArrived)
                    #expect(error.message.contains("500 ms"))
                    #expect(error.message.contains(server.authority))
                }
            }
        }
    }

    @Test("The deadline holds while a TLS handshake hangs") func deadlineInHandshake() async throws {
        try await withServer(ServerSettings(mute: true)) { server in
            let url = "https://\(server.authority)/"
            for options in [HTTPTransferOptions.plain(), .plain(connectTimeout: .milliseconds(150))] {
                try await withTransport(options) { http in
                    let whole = options.connectTimeout > .seconds(1) ? Duration.milliseconds(150) : .seconds(60)
                    let error = try await http.failure(HTTPCall("POST", url, timeout: whole))
                    #expect(error.code == .timedOut, "\(error)")
                    #expect(!error.requestMayHaveArrived)
                    #expect(error.message.contains("150 ms"))
                    #expect(error.message.contains("handshake"))
                }
            }
        }
    }

    @Test("The deadline holds while a call waits for a free connection") func deadlineInQueue() async throws {
        try await withServer { server in
            try await withTransport(.plain(maxConnections: 1)) { http in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        _ = try await http.failure(HTTPCall("GET", server.url("/stall"), timeout: .seconds(60)))
                    }
                    try await server.waitForRequest("GET /stall")
                    let error = try await http.failure(
                        HTTPCall("POST", server.url("/echo"), timeout: .milliseconds(150))
                    )
                    #expect(error.code == .timedOut)
                    #expect(!error.requestMayHaveArrived)
                    #expect(error.message.contains("became free within 150 ms"))
                    group.cancelAll()
                }
            }
            #expect(try await server.counts().requests == ["GET /stall"])
        }
    }

    @Test("No time left means no call") func noTime() async throws {
        try await withServer { server in
            let error = try await withTransport {
                try await $0.failure(HTTPCall("POST", server.url("/echo"), timeout: .zero))
            }
            #expect(error.code == .timedOut)
            #expect(!error.requestMayHaveArrived)
            #expect(try await server.counts().requests == [])
        }
    }

    @Test("Cancelling a task ends its call, and no other") func cancellation() async throws {
        try await withServer { server in
            try await withTransport { http in
                for path in ["/stall", "/half"] {
                    let call = HTTPCall("POST", server.url(path), timeout: .seconds(600))
                    let error = try await withThrowingTaskGroup(of: HTTPTransportError.self) { group in
                        group.addTask { try await http.failure(call) }
                        try await server.waitForRequest("POST \(path)")
                        group.cancelAll()
                        return try await #require(group.next())
                    }
                    #expect(error.code == .cancelled)
                    #expect(error.requestMayHaveArrived)
                    #expect(try await http.send(HTTPCall("GET", server.url("/echo"))).status == 200)
                }
            }
        }
    }

    @Test("A call of a cancelled task is not sent") func cancelledBefore() async throws {
        try await withServer { server in
            try await withTransport { http in
                let error = try await withThrowingTaskGroup(of: HTTPTransportError.self) { group in
                    group.addTask {
                        withUnsafeCurrentTask { $0?.cancel() }
                        return try await http.failure(HTTPCall("POST", server.url("/echo")))
                    }
                    return try await #require(group.next())
                }
                #expect(error.code == .cancelled)
                #expect(!error.requestMayHaveArrived)
            }
            #expect(try await server.counts().requests == [])
        }
    }

    @Test("The end of the scope cancels what still runs; later calls are refused") func endOfScope() async throws {
        try await withServer { server in
            try await withThrowingTaskGroup(of: HTTPTransportError.self) { group in
                let http = try await withTransport { http in
                    for _ in 0..<3 {
                        group.addTask {
                            try await http.failure(HTTPCall("POST", server.url("/stall"), timeout: .seconds(600)))
                        }
                    }
                    try await server.waitForRequest("POST /stall", count: 3)
                    return http
                }
                for try await error in group {
                    #expect(error.code == .cancelled)
                    #expect(error.requestMayHaveArrived)
                }
                let late = try await http.failure(HTTPCall("POST", server.url("/echo")))
                #expect(late.code == .cancelled)
                #expect(!late.requestMayHaveArrived)
            }
        }
    }

    @Test("What the body throws leaves the scope, after the transport has ended") func throwingBody() async throws {
        await #expect(throws: ServerFailure.self) {
            try await withTransport { _ in throw ServerFailure() }
        }
    }
}

extension LoopbackServer {
    /// Waits until a request has arrived as often as told.
    func waitForRequest(_ request: String, count: Int = 1) async throws {
        try await wait { $0.requests.count { $0 == request } >= count }
    }

    /// Waits until the server saw what is told.
    func wait(for condition: (Counts) -> Bool) async throws {
        for _ in 0..<1000 {
            if condition(try await counts()) { return }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw ServerFailure()
    }
}
