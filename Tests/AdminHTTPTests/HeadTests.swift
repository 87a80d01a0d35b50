// What a request's head may look like, and what is refused.

import Testing

@testable import AdminHTTP

@Suite struct HeadTests {
    private func request(_ head: String) throws(HTTPRejection) -> HTTPRequest {
        try HTTPRequest(head: head.utf8, peer: .unix)
    }

    @Test func aBrowsersRequestIsRead() throws {
        let request = try request(
            "GET /readyz?verbose&exclude=keys&exclude=a=b&x= HTTP/1.1\r\nHost: localhost:8095\r\nAccept:\t*/* \r\nX-Empty:\r\n\r\n"
        )
        #expect(request.method == "GET" && request.path == "/readyz" && request.isHTTP11)
        #expect(request.values("exclude") == ["keys", "a=b"] && request.values("verbose") == [""])
        #expect(request.headers == ["host": "localhost:8095", "accept": "*/*", "x-empty": ""])
    }

    @Test func oldClientsNeedNoHost() throws {
        let request = try request("GET / HTTP/1.0\n\n")
        #expect(!request.isHTTP11 && request.headers.isEmpty && request.query.isEmpty)
    }

    @Test(arguments: [
        ("", 400), ("\r\n\r\n", 400), ("GET\r\n\r\n", 400), ("GET /\r\n\r\n", 400),
        ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400), (" GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("G@T / HTTP/1.1\r\nHost: a\r\n\r\n", 400), ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
        ("GET / http/1.1\r\nHost: a\r\n\r\n", 400), ("GET http://x/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /\u{E9} HTTP/1.1\r\nHost: a\r\n\r\n", 400), ("GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a\r\nnothing\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a\u{7F}\r\n\r\n", 400),
        ("\u{16}\u{3}\u{1}\u{2}", 400), ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    ])
    func whatCantBeUnderstoodIsRefused(_ head: String, _ status: Int) {
        #expect { try request(head) } throws: { ($0 as? HTTPRejection)?.status == status }
    }

    @Test func tooManyFieldsAreRefused() throws {
        let field = "X: y\r\n"
        _ = try request("GET / HTTP/1.1\r\nHost: a\r\n" + String(repeating: field, count: 99) + "\r\n")
        #expect {
            try request("GET / HTTP/1.1\r\nHost: a\r\n" + String(repeating: field, count: 100) + "\r\n")
        } throws: {
            ($0 as? HTTPRejection)?.status == 431
        }
    }

    // MARK: Bytes that come in pieces

    private func head(_ pieces: [String], limit: Int = 64) throws(HTTPRejection) -> String? {
        var reader = HeadReader(limit: limit)
        for piece in pieces {
            if let head = try reader.add(Array(piece.utf8)) { return String(decoding: head, as: UTF8.self) }
        }
        return nil
    }

    @Test func aHeadEndsWithItsEmptyLine() throws {
        let whole = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
        #expect(try head([whole + "body"]) == whole)
        #expect(try head(whole.map(String.init)) == whole)
        #expect(try head(["\r\n", "\n", whole]) == whole)
        #expect(try head(["GET / HTTP/1.0\n", "\n"]) == "GET / HTTP/1.0\n\n")
        #expect(try head(["GET / HTTP/1.1\r\nHost: a\r\n\r"]) == nil)
    }

    @Test func aHeadHasABound() throws {
        let fits = "GET /" + String(repeating: "a", count: 48) + " HTTP/1.1\n\n"
        #expect(try head([fits]) == fits)
        #expect(try head([fits], limit: 65) == fits)
        #expect { try head([fits], limit: 63) } throws: { ($0 as? HTTPRejection)?.status == 431 }
        for pieces in [[String(repeating: "a", count: 65)], Array(repeating: "aaaaaaaa", count: 9)] {
            #expect { try head(pieces) } throws: { ($0 as? HTTPRejection)?.status == 431 }
        }
        // Also when its end is in the same piece.
        #expect { try head([String(repeating: "a", count: 80) + "\n\n"]) } throws: {
            ($0 as? HTTPRejection)?.status == 431
        }
    }
}
