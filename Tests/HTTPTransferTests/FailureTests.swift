// Peers that are not there or break off, and what must never be shown.

import CCurl
import InMemoryLogging
import Logging
import Testing
import TokenStore

@testable import HTTPTransfer

@Suite("Failures") struct FailureTests {
    @Test("A peer that breaks off or talks nonsense") func brokenPeers() async throws {
        let peers = [
            ("/nothing", "without an answer"), ("/early", "in the middle of its answer"), ("/garbage", "is no HTTP"),
            ("/badlength", "is no HTTP"),
        ]
        try await withServer { server in
            for (path, text) in peers {
                let error = try await withTransport { try await $0.failure(HTTPCall("POST", server.url(path))) }
                #expect(error.code == .broken, "\(error)")
                #expect(error.requestMayHaveArrived)
                #expect(error.message.contains(server.authority))
                #expect(error.message.contains(text), "\(error)")
                #expect(!"\(error)".contains("tok-"))
            }
        }
    }

    @Test("A kept connection that breaks: what is not idempotent is never sent twice") func resend() async throws {
        try await withServer { server in
            for (method, times) in [("POST", 1), ("PATCH", 1), ("GET", 2), ("DELETE", 2)] {
                try await withTransport { http in
                    _ = try await http.send(HTTPCall("GET", server.url("/echo")))
                    let error = try await http.failure(HTTPCall(method, server.url("/nothing")))
                    #expect(error.code == .broken)
                    #expect(error.requestMayHaveArrived)
                }
                #expect(try await server.counts().requests.count { $0 == "\(method) /nothing" } == times, "\(method)")
            }
        }
    }

    @Test(
        "A TLS failure says that nothing arrived, unless a kept connection had the request first",
        arguments: [false, true]
    )
    func failedResend(kept: Bool) throws {
        var facts = TransferFacts(
            result: CURLE_SSL_CONNECT_ERROR,
            target: try #require(URLParts(callURL: "https://forge.test/x")),
            trust: "none",
            timeout: .seconds(1),
            connectTimeout: .seconds(1)
        )
        facts.requestStarted = true
        facts.startedOnKeptConnection = kept
        let error = HTTPTransportError(facts)
        #expect(error.code == .tls)
        #expect(error.requestMayHaveArrived == kept)
    }

    @Test("A port where nothing listens") func refused() async throws {
        // Port 1 (tcpmux) is served by nobody.
        let error = try await withTransport { try await $0.failure(HTTPCall("POST", "https://127.0.0.1:1/x?q=tok-1")) }
        #expect(error.code == .unreachable)
        #expect(!error.requestMayHaveArrived)
        #expect(error.message == "127.0.0.1:1 refuses connections; check the port, and that the server runs")
    }

    @Test("A name that nobody has") func unknownName() async throws {
        // libcurl answers for .onion itself (RFC 7686), so nothing is asked of any name server.
        let call = HTTPCall("POST", "https://forge.onion/x", timeout: .seconds(60))
        let error = try await withTransport { try await $0.failure(call) }
        #expect(error.code == .unreachable)
        #expect(!error.requestMayHaveArrived)
        #expect(error.message == "the name forge.onion has no address; check the URL and the node's DNS")
    }

    @Test("Neither logs nor errors show a header, a query or a body") func secrecy() async throws {
        let log = InMemoryLogHandler()
        let closed = "http://127.0.0.1:1/refused?token=tok-query"
        var errors: [HTTPTransportError] = []
        try await withServer { server in
            errors = try await withTransport(log: log) { http in
                func call(_ url: String) -> HTTPCall {
                    HTTPCall(
                        "POST",
                        url,
                        headers: [HTTPField("X-Vault-Token", "tok-field")],
                        authorization: Secret(utf8: "Bearer tok-authorization"),
                        body: Array("tok-body".utf8),
                        timeout: .seconds(60),
                        bodyLimit: 4096
                    )
                }
                let echo = try await http.send(call(server.url("/echo?token=tok-query"))).decoded(Echo.self)
                #expect(echo.values("authorization") == ["Bearer tok-authorization"])
                var errors: [HTTPTransportError] = []
                for path in ["/garbage", "/nothing", "/early", "/chunks", "/bigfield?90000"] {
                    let url = server.url(path) + (path.contains("?") ? "" : "?token=tok-query")
                    errors.append(try await http.failure(call(url)))
                }
                errors.append(try await http.failure(call(closed)))
                errors.append(try await http.failure(call("https://user:tok-user@127.0.0.1:1/")))
                errors.append(try await http.failure(call(server.url("/echo?tok-query\r\nX: tok-inject"))))
                var injected = call(server.url("/echo"))
                injected.authorization = Secret(utf8: "Bearer tok-authorization\r\nX: y")
                errors.append(try await http.failure(injected))
                return errors
            }
        }
        #expect(errors.count == 9)
        for error in errors {
            #expect(!"\(error)\(String(reflecting: error))".contains("tok-"), "\(error.code)")
            #expect(!error.message.contains("\n"))
        }
        let lines = log.entries.map { "\($0.message) \($0.metadata)" }
        #expect(lines.count >= 7)
        #expect(lines.filter { $0.contains("tok-") } == [])
        let first = try #require(log.entries.first)
        #expect(first.level == .debug)
        #expect(first.metadata["method"] == "POST")
        #expect(first.metadata["status"] == "200")
        #expect(first.metadata["connection"] == "new")
        #expect("\(first.metadata["url"] ?? "")".hasSuffix("/echo"))
        #expect(log.entries.dropFirst().first?.metadata["connection"] == "reused")
    }
}
