// Calls that are refused before anything is sent.

import Testing
import TokenStore

@testable import HTTPTransfer

@Suite("Invalid calls") struct InvalidCallTests {
    static let url = "https://forge.test/x"

    @Test(
        "A call that can't be sent, or would smuggle something, is refused",
        arguments: [
            HTTPCall("", url), HTTPCall("get", url), HTTPCall("GET /x HTTP/1.1\r\nX: y", url), HTTPCall("G\0T", url),
            HTTPCall("CONNECT", url), HTTPCall("HEAD", url, body: []), HTTPCall("GET", url, bodyLimit: -1),
            HTTPCall("GET", ""), HTTPCall("GET", "/x"), HTTPCall("GET", "forge.test/x"), HTTPCall("GET", "https://"),
            HTTPCall("GET", "ftp://forge.test/x"), HTTPCall("GET", "file:///etc/passwd"),
            HTTPCall("GET", "unix:///run/x"), HTTPCall("GET", "https://user@forge.test/"),
            HTTPCall("GET", "https://:tok-1@forge.test/"), HTTPCall("GET", "https://forge.test/x#tok-1"),
            HTTPCall("GET", "https://forge.test/a b"), HTTPCall("GET", "https://forge.test/\r\nX: y"),
            HTTPCall("GET", "https://forge.test/\n"), HTTPCall("GET", "https://forge.test/\0"),
            HTTPCall("GET", "https://forge.test/\u{fc}"), HTTPCall("GET", "https://forge.test:99999/"),
            HTTPCall("GET", "https://forge.test:x/"), HTTPCall("GET", url + String(repeating: "a", count: 9000)),
            HTTPCall("GET", url, headers: [HTTPField("", "x")]), HTTPCall("GET", url, headers: [HTTPField("X Y", "x")]),
            HTTPCall("GET", url, headers: [HTTPField("X:", "x")]),
            HTTPCall("GET", url, headers: [HTTPField("X\r\nY", "x")]),
            HTTPCall("GET", url, headers: [HTTPField("X", "tok-1\r\nY: z")]),
            HTTPCall("GET", url, headers: [HTTPField("X", "a\nb")]),
            HTTPCall("GET", url, headers: [HTTPField("X", "a\rb")]),
            HTTPCall("GET", url, headers: [HTTPField("X", "a\0b")]),
            HTTPCall("GET", url, headers: [HTTPField("authorization", "Bearer tok-1")]),
            HTTPCall("GET", url, headers: [HTTPField("Content-Length", "5")]),
            HTTPCall("GET", url, headers: [HTTPField("Transfer-Encoding", "chunked")]),
            HTTPCall("GET", url, authorization: Secret(utf8: "")),
            HTTPCall("GET", url, authorization: Secret(utf8: "Bearer tok-1\r\nX: y")),
            HTTPCall("GET", url, authorization: Secret(utf8: "Bearer tok-1\0")),
        ]
    )
    func refused(_ call: HTTPCall) async throws {
        let error = #expect(throws: HTTPTransportError.self) { try OutgoingRequest(call) }
        #expect(error?.code == .invalidCall)
        #expect(error?.requestMayHaveArrived == false)
        #expect(error?.message.contains("tok-") == false)
        #expect(error?.message.contains("\n") == false)
    }

    @Test("The parts of a URL that may be shown")
    func parts() throws {
        let plain = try #require(URLParts(callURL: "HTTPS://Forge.Test/a/../b?token=tok-1"))
        #expect(plain.authority == "forge.test:443")
        #expect(plain.loggable == "https://forge.test:443/a/../b")
        let address = try #require(URLParts(callURL: "http://[::1]:8080"))
        #expect(address.loggable == "http://[::1]:8080/")
        #expect(address.hostIsAddress)
        let proxy = try #require(URLParts(proxyURL: "socks5h://user:tok-1@proxy.test"))
        #expect(proxy.authority == "proxy.test:1080")
        #expect(URLParts(proxyURL: "proxy.test:3128")?.authority == "proxy.test:3128")
        #expect(URLParts(proxyURL: "https://proxy.test")?.authority == "proxy.test:443")
        #expect(URLParts(proxyURL: "gopher://proxy.test") == nil)
    }

    @Test("Times are rounded up, bounded and readable")
    func durations() {
        #expect(Duration.nanoseconds(1).curlMilliseconds == 1)
        #expect(Duration.zero.curlMilliseconds == 1)
        #expect(Duration.seconds(-5).curlMilliseconds == 1)
        #expect(Duration.milliseconds(1500).curlMilliseconds == 1500)
        #expect(Duration.seconds(Int64.max).curlMilliseconds == Int(Int32.max))
        #expect(Duration.seconds(10).shown == "10 s")
        #expect(Duration.milliseconds(250).shown == "250 ms")
    }
}
