// What is sent and what is taken, on a good day.

import FlyingFox
import FlyingSocks
import Foundation
import Testing
import TokenStore

@testable import HTTPTransfer

@Suite("Calls and answers") struct ExchangeTests {
    struct Sent: Sendable, CustomTestStringConvertible {
        var method: String
        var body: [UInt8]?
        var contentLength: [String]

        var testDescription: String { "\(method) with \(body.map { "\($0.count) bytes" } ?? "no body")" }
    }

    static let sent = [
        Sent(method: "GET", body: nil, contentLength: []),
        Sent(method: "DELETE", body: nil, contentLength: []),
        Sent(method: "DELETE", body: Array("{}".utf8), contentLength: ["2"]),
        Sent(method: "DELETE", body: [], contentLength: ["0"]),
        Sent(method: "POST", body: nil, contentLength: ["0"]),
        Sent(method: "POST", body: [], contentLength: ["0"]),
        Sent(method: "POST", body: [0, 13, 10, 0xFF], contentLength: ["4"]),
        Sent(method: "PUT", body: Array("x".utf8), contentLength: ["1"]),
        Sent(method: "PUT", body: nil, contentLength: ["0"]),
        Sent(method: "PATCH", body: Array("x".utf8), contentLength: ["1"]),
        // Larger than what makes libcurl expect "100 Continue" on its own.
        Sent(method: "POST", body: [UInt8](repeating: 7, count: 1 << 20 + 1), contentLength: ["\(1 << 20 + 1)"]),
    ]

    @Test("A request arrives as it was given") func requests() async throws {
        try await withServer { server in
            try await withTransport { http in
                for sent in Self.sent {
                    let call = HTTPCall(sent.method, server.url("/echo?a=b%20c"), body: sent.body, bodyLimit: 8 << 20)
                    let answer = try await http.send(call)
                    let echo = try answer.decoded(Echo.self)
                    #expect(answer.status == 200, "\(sent)")
                    #expect(echo.method == sent.method)
                    #expect(echo.target == "/echo?a=b%20c")
                    #expect(echo.values("content-length") == sent.contentLength, "\(sent)")
                    #expect(echo.body.map(Array.init) ?? [] == sent.body ?? [], "\(sent)")
                    for absent in ["content-type", "expect", "transfer-encoding", "authorization", "accept-encoding"] {
                        #expect(echo.values(absent) == [], "\(absent) of \(sent)")
                    }
                    #expect(echo.values("user-agent") == ["daypass/test"])
                    #expect(echo.values("host") == [server.authority])
                }
            }
        }
    }

    @Test("Header fields keep their order, duplicates and empty values") func requestFields() async throws {
        try await withServer { server in
            let echo = try await withTransport { http in
                let headers = [
                    HTTPField("X-B", "2"), HTTPField("X-A", "1"), HTTPField("X-B", " 3 "), HTTPField("X-Empty", ""),
                    HTTPField("Accept", "application/json"), HTTPField("Content-Type", "application/json"),
                    HTTPField("X-Word", "gr\u{fc}n; a=\"b\""),
                ]
                let call = HTTPCall(
                    "POST",
                    server.url("/echo"),
                    headers: headers,
                    authorization: Secret(utf8: "Bearer tok-1"),
                    body: Array("{}".utf8)
                )
                return try await http.send(call).decoded(Echo.self)
            }
            let own = echo.head.filter { $0.hasPrefix("X-") }.map { $0.prefix { $0 != ":" } }
            #expect(own == ["X-B", "X-A", "X-B", "X-Empty", "X-Word"])
            #expect(echo.values("x-b") == ["2", "3"])
            #expect(echo.values("x-empty") == [""])
            #expect(echo.values("accept") == ["application/json"])
            #expect(echo.values("content-type") == ["application/json"])
            #expect(echo.values("authorization") == ["Bearer tok-1"])
            // The server reads bytes as Latin-1.
            #expect(echo.values("x-word") == [String("gr\u{fc}n; a=\"b\"".utf8.map { Character(Unicode.Scalar($0)) })])
        }
    }

    @Test("An answer's fields keep their order and duplicates; a folded line is one value") func fields() async throws {
        try await withServer { server in
            let answer = try await withTransport { try await $0.send(HTTPCall("GET", server.url("/fields"))) }
            #expect(
                answer.headers == [
                    HTTPField("X-First", "1"), HTTPField("Set-Cookie", "a=1"), HTTPField("x-second", "2"),
                    HTTPField("Set-Cookie", "b=2"), HTTPField("X-Empty", ""), HTTPField("X-Folded", "one two"),
                    HTTPField("Content-Length", "0"),
                ]
            )
            #expect(answer.header("X-SECOND") == "2")
        }
    }

    @Test("Cookies that a server sets are not sent back") func cookies() async throws {
        try await withServer { server in
            try await withTransport { http in
                _ = try await http.send(HTTPCall("GET", server.url("/fields")))
                let echo = try await http.send(HTTPCall("GET", server.url("/echo"))).decoded(Echo.self)
                #expect(echo.values("cookie") == [])
            }
        }
    }

    @Test("Interim answers and trailers leave no fields") func interimAnswers() async throws {
        try await withServer { server in
            try await withTransport { http in
                let interim = try await http.send(HTTPCall("GET", server.url("/interim")))
                #expect(interim.status == 200)
                #expect(interim.headers == [HTTPField("X-Final", "1"), HTTPField("Content-Length", "5")])
                #expect(interim.text == "final")
                let trailers = try await http.send(HTTPCall("GET", server.url("/trailers")))
                #expect(trailers.header("X-Late") == nil)
                #expect(trailers.text == "hello")
            }
        }
    }

    @Test("Redirects and errors are answers") func statuses() async throws {
        let statuses = [204, 301, 302, 307, 308, 401, 403, 404, 429, 500, 503]
        try await withServer { server in
            try await withTransport { http in
                for status in statuses {
                    let answer = try await http.send(HTTPCall("POST", server.url("/status?\(status)"), body: []))
                    #expect(answer.status == status)
                    #expect(answer.header("location") == "/echo")
                    #expect(answer.text == (status == 204 ? "" : "the body of an error"))
                }
            }
            #expect(try await server.counts().requests == statuses.map { "POST /status?\($0)" })
        }
    }

    @Test("A HEAD call has fields and no body, however large the body would be") func head() async throws {
        try await withServer { server in
            try await withTransport { http in
                let answer = try await http.send(HTTPCall("HEAD", server.url("/length?99999999"), bodyLimit: 10))
                #expect(answer.status == 200)
                #expect(answer.header("content-length") == "99999999")
                #expect(answer.body == [])
            }
        }
    }

    @Test("The path is sent as it is written") func path() async throws {
        try await withServer { server in
            let target = "/echo/../echo"
            let failure = try await withTransport { try await $0.failure(HTTPCall("GET", server.url(target))) }
            #expect(failure.code == .broken)
            #expect(try await server.counts().requests == ["GET \(target)"])
        }
    }

    @Test("20 calls in a row share a connection") func reuse() async throws {
        try await withServer { server in
            try await withTransport { http in
                for number in 0..<20 {
                    let method = number % 2 == 0 ? "GET" : "POST"
                    let echo = try await http.send(HTTPCall(method, server.url("/echo"))).decoded(Echo.self)
                    #expect(echo.connection == 1)
                }
            }
            #expect(try await server.counts().connections == 2)
        }
    }

    @Test("50 calls at once are all answered, and at most as many connections are open as allowed")
    func concurrency() async throws {
        try await withServer { server in
            try await withTransport(.plain(maxConnections: 8)) { http in
                try await withThrowingTaskGroup(of: String.self) { group in
                    for number in 0..<50 {
                        group.addTask {
                            let url = server.url("/echo?\(number)")
                            let call = HTTPCall("POST", url, body: Array("\(number)".utf8), timeout: .seconds(60))
                            let echo = try await http.send(call).decoded(Echo.self)
                            #expect(echo.body == Data("\(number)".utf8))
                            return echo.target
                        }
                    }
                    var targets: Set<String> = []
                    for try await target in group { targets.insert(target) }
                    #expect(targets == Set((0..<50).map { "/echo?\($0)" }))
                }
            }
            #expect(try await server.counts().connections <= 8 + 1)
        }
    }

    @Test("A Unix socket stands in for the host") func unixSocket() async throws {
        try await withDirectory { directory in
            try await withServer(ServerSettings(unix: "\(directory)/s")) { _ in
                let proxied = HTTPTransferOptions.plain(
                    proxy: .url("http://127.0.0.1:1"),
                    unixSocketPath: "\(directory)/s"
                )
                let echo = try await withTransport(proxied) {
                    try await $0.send(HTTPCall("GET", "http://vault.internal:8200/echo")).decoded(Echo.self)
                }
                #expect(echo.values("host") == ["vault.internal:8200"])
            }
            let missing = HTTPTransferOptions.plain(unixSocketPath: "\(directory)/none")
            let failure = try await withTransport(missing) { try await $0.failure(HTTPCall("GET", "http://x/")) }
            #expect(failure.code == .unreachable)
            #expect(failure.message.contains("\(directory)/none"))
        }
    }

    @Test("A server that others wrote is understood") func flyingFox() async throws {
        let server = HTTPServer(address: .loopback(port: 0))
        await server.appendRoute("*") { request in
            let body = try await request.bodyData
            let name = HTTPHeader("X-Method")
            return HTTPResponse(statusCode: .created, headers: [name: request.method.rawValue], body: body)
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            try await server.waitUntilListening(timeout: 60)
            try await Self.exchange(with: server)
            await server.stop()
            group.cancelAll()
        }
    }

    private static func exchange(with server: HTTPServer) async throws {
        guard case .ip6(_, let port) = await server.listeningAddress else { throw ServerFailure() }
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            let body = method == "GET" ? nil : Array(method.utf8)
            let call = HTTPCall(method, "http://[::1]:\(port)/x", body: body)
            let answer = try await withTransport { try await $0.send(call) }
            #expect(answer.status == 201)
            #expect(answer.header("x-method") == method)
            #expect(answer.body == body ?? [])
        }
    }
}
