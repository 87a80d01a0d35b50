// Who sees the status page.

import Testing

@testable import AdminHTTP

@Suite struct StatusAccessTests {
    private func status(
        _ access: StatusAccess,
        _ peer: HTTPRequest.Peer,
        host: String? = "localhost:8095",
        _ more: String = ""
    ) throws -> Int {
        let field = host.map { "Host: \($0)\r\n" } ?? ""
        let version = host == nil ? "1.0" : "1.1"
        let request = try HTTPRequest(head: "GET /status HTTP/\(version)\r\n\(field)\(more)\r\n".utf8, peer: peer)
        return access.refusal(of: request)?.status ?? 200
    }

    @Test(arguments: [
        ("127.0.0.1", 200), ("::1", 200), ("::ffff:127.0.0.1", 200), ("127.0.0.6", 403), ("127.0.0.2", 403),
        ("10.0.0.1", 403), ("::ffff:10.0.0.1", 403), ("fe80::1", 403), ("0.0.0.0", 403), ("", 403),
    ])
    func onlyLoopbackIsLocal(_ address: String, _ expected: Int) throws {
        #expect(try status(.loopback, .ip(address)) == expected)
        #expect(try status(.all, .ip(address)) == 200)
        #expect(try status(.off, .ip(address)) == 403)
    }

    @Test(arguments: [
        ("localhost", 200), ("LOCALHOST:1", 200), ("127.0.0.1:65535", 200), ("[::1]", 200), ("[::1]:8095", 200),
        ("", 421), ("evil.example", 421), ("localhost.evil.example", 421), ("127.0.0.1.evil.example:80", 421),
        ("localhost:", 421), ("localhost:x", 421), ("localhost:123456", 421), ("::1", 421), ("[::1].evil", 421),
        ("127.0.0.1@evil", 421), ("10.0.0.1:8095", 421),
    ])
    func aForeignNameIsNoWayIn(_ host: String, _ expected: Int) throws {
        #expect(try status(.loopback, .ip("127.0.0.1"), host: host) == expected)
        #expect(try status(.all, .ip("127.0.0.1"), host: host) == 200)
        // A browser can't be made to open a Unix socket.
        #expect(try status(.loopback, .unix, host: host) == 200)
    }

    @Test func noHostIsNoLocalName() throws { #expect(try status(.loopback, .ip("::1"), host: nil) == 421) }

    @Test(arguments: ["Forwarded: for=10.0.0.1", "X-Forwarded-For: 10.0.0.1", "x-forwarded-host: a"])
    func aProxyIsNotLocal(_ field: String) throws {
        #expect(try status(.loopback, .ip("127.0.0.1"), "\(field)\r\n") == 403)
        #expect(try status(.all, .ip("127.0.0.1"), "\(field)\r\n") == 200)
    }

    @Test func theRefusalSaysWhatToDo() throws {
        let request = try HTTPRequest(head: "GET /status HTTP/1.1\r\nHost: a\r\n\r\n".utf8, peer: .ip("10.0.0.1"))
        let refusal = try #require(StatusAccess.loopback.refusal(of: request))
        #expect(refusal.message.contains("kubectl -n daypass port-forward POD 8095"))
    }
}
