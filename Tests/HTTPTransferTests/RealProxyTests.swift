// Calls through tinyproxy, a proxy that others wrote, to servers with an authority of their own.

import Testing
import TokenStore

@testable import HTTPTransfer

@Suite("A real proxy") struct RealProxyTests {
    private func options(
        _ environment: [String: String],
        _ certificates: Certificates? = nil
    ) -> HTTPTransferOptions {
        let trust = certificates.map { TrustRoots(includesSystem: false, files: [$0.authority]) } ?? .system
        return .plain(trust: trust, proxy: .environment, environment: environment)
    }

    @Test("CONNECT to a TLS server: calls share a tunnel, and only the server's authority counts") func tunnel()
        async throws
    {
        try await withCertificates { certificates in
            try await withServer(certificates.server) { server in
                try await withTinyproxy { proxy in
                    let environment = ["https_proxy": "http://\(proxy.authority)"]
                    try await withTransport(options(environment, certificates)) { http in
                        for method in ["GET", "POST", "PUT"] {
                            let call = HTTPCall(
                                method,
                                server.url("/echo"),
                                authorization: Secret(utf8: "Bearer tok-1"),
                                body: method == "GET" ? nil : Array("{}".utf8)
                            )
                            let echo = try await http.send(call).decoded(Echo.self)
                            #expect(echo.connection == 1)
                            #expect(echo.values("authorization") == ["Bearer tok-1"])
                            #expect(echo.values("via") == [] && echo.values("proxy-connection") == [])
                        }
                    }
                    #expect(try proxy.requests() == ["CONNECT \(server.authority)"])
                    let error = try await withTransport(options(environment)) {
                        try await $0.failure(HTTPCall("POST", server.url("/echo")))
                    }
                    #expect(error.code == .tls)
                    #expect(error.message.contains("not signed by a trusted authority"), "\(error)")
                }
            }
        }
    }

    @Test("OpenSSL's own server behind the proxy") func opensslServer() async throws {
        try await withCertificates { certificates in
            try await withOpenSSLServer(certificates.server) { port in
                try await withTinyproxy { proxy in
                    let answer = try await withTransport(
                        options(["HTTPS_PROXY": "http://\(proxy.authority)"], certificates)
                    ) {
                        try await $0.send(HTTPCall("GET", "https://127.0.0.1:\(port)/"))
                    }
                    #expect(answer.status == 200)
                    #expect(answer.text.contains("s_server"))
                    #expect(try proxy.requests() == ["CONNECT 127.0.0.1:\(port)"])
                }
            }
        }
    }

    @Test("Plain HTTP goes through it too") func plainHTTP() async throws {
        try await withServer { server in
            try await withTinyproxy { proxy in
                try await withTransport(options(["http_proxy": proxy.authority])) { http in
                    let call = HTTPCall("POST", server.url("/echo?q=1"), body: Array("x".utf8))
                    let echo = try await http.send(call).decoded(Echo.self)
                    #expect(echo.target == "/echo?q=1")
                    #expect(echo.values("via").first?.contains("tinyproxy") == true)
                    #expect(echo.values("user-agent") == ["daypass/test"])
                    let missing = try await http.send(HTTPCall("GET", server.url("/status?404")))
                    #expect(missing.status == 404)
                }
                #expect(
                    try proxy.requests() == [
                        "POST http://\(server.authority)/echo?q=1", "GET http://\(server.authority)/status?404",
                    ]
                )
            }
        }
    }

    @Test("Basic credentials from the environment") func credentials() async throws {
        try await withCertificates { certificates in
            try await withServer(certificates.server) { tls in
                try await withServer { plain in
                    try await withTinyproxy(["BasicAuth user pass_-1"]) { proxy in
                        func environment(_ userinfo: String) -> [String: String] {
                            ["ALL_PROXY": "http://\(userinfo)\(proxy.authority)"]
                        }
                        try await withTransport(options(environment("user:pass%5F-1@"), certificates)) { http in
                            for server in [tls, plain] {
                                let echo = try await http.send(HTTPCall("POST", server.url("/echo"))).decoded(Echo.self)
                                #expect(echo.values("proxy-authorization") == [], "the target never sees them")
                            }
                        }
                        // tinyproxy asks with 407 and answers wrong credentials with 401, which without a tunnel could
                        // be the server's own.
                        for (userinfo, status) in [("", 407), ("user:wrong-1@", 401), ("user@", 401)] {
                            try await withTransport(options(environment(userinfo), certificates)) { http in
                                let error = try await http.failure(HTTPCall("POST", tls.url("/echo")))
                                #expect(error.code == .proxy, "\(error)")
                                #expect(!error.requestMayHaveArrived)
                                #expect(
                                    error.message.hasPrefix(
                                        "the proxy \(proxy.authority) from ALL_PROXY asks for other credentials (\(status))"
                                    ),
                                    "\(error)"
                                )
                                #expect(!"\(error)".contains("wrong-1"))
                                let call = HTTPCall("POST", plain.url("/echo"))
                                if status == 407 {
                                    #expect(try await http.failure(call).message.contains("(407)"))
                                } else {
                                    #expect(try await http.send(call).status == 401)
                                }
                            }
                        }
                    }
                    #expect(try await plain.counts().requests == ["POST /echo"])
                }
            }
        }
    }

    @Test("Hosts and ports that it does not let through") func refusals() async throws {
        try await withDirectory { directory in
            let filter = "\(directory)/filter"
            try await write("forbidden\\.test\n", to: filter)
            try await withTinyproxy(["Filter \"\(filter)\"", "ConnectPort 443"]) { proxy in
                try await withTransport(options(["all_proxy": "http://\(proxy.authority)"])) { http in
                    for url in ["https://forbidden.test/x", "https://127.0.0.1:8443/x"] {
                        let error = try await http.failure(HTTPCall("POST", url))
                        #expect(error.code == .proxy, "\(error)")
                        #expect(!error.requestMayHaveArrived)
                        #expect(error.message.contains("does not let"), "\(error)")
                        #expect(error.message.contains("(403)"), "\(error)")
                    }
                    // Without a tunnel the proxy answers in the server's place, and its answer is an answer.
                    #expect(try await http.send(HTTPCall("POST", "http://forbidden.test/x")).status == 403)
                }
            }
        }
    }

    @Test("A target that the proxy can't reach") func unreachableTarget() async throws {
        try await withTinyproxy { proxy in
            let error = try await withTransport(options(["https_proxy": "http://\(proxy.authority)"])) {
                try await $0.failure(HTTPCall("POST", "https://127.0.0.1:1/x"))
            }
            #expect(error.code == .proxy)
            #expect(!error.requestMayHaveArrived)
            #expect(error.message.contains("127.0.0.1:1") && error.message.contains("(500)"), "\(error)")
        }
    }

    @Test("NO_PROXY goes around it by suffix and by block, and not by half a name") func exemptions() async throws {
        try await withCertificates { certificates in
            try await withServer(certificates.server) { server in
                try await withTinyproxy { proxy in
                    // libcurl answers for names under localhost itself (RFC 6761); the proxy may not know them.
                    let named = "https://forge.corp.localhost:\(server.port)/echo"
                    let numbered = server.url("/echo")
                    let cases = [
                        (named, ".corp.localhost", false), (named, "corp.localhost", false),
                        (named, "localhost", false),
                        (named, "example.com, forge.corp.localhost", false), (named, "orp.localhost", true),
                        (named, "10.0.0.0/8", true), (named, "forge.corp", true), (numbered, "127.0.0.0/30", false),
                        (numbered, "10.0.0.0/8,127.0.0.1/32", false), (numbered, "127.0.0.2/32", true),
                        (numbered, "127.0.1.0/24", true),
                    ]
                    for (url, exempt, isProxied) in cases {
                        let before = try proxy.requests().count
                        let environment = ["https_proxy": "http://\(proxy.authority)", "no_proxy": exempt]
                        try await withTransport(options(environment, certificates)) { http in
                            let call = HTTPCall("GET", url)
                            if isProxied, url == named {
                                // Whether the proxy finds the host or not, it was asked.
                                _ = try? await http.send(call)
                            } else {
                                let status = try await http.send(call).status
                                #expect(status == 200, "\(url) \(exempt)")
                            }
                        }
                        #expect(try proxy.requests().count == before + (isProxied ? 1 : 0), "\(url) \(exempt)")
                    }
                }
            }
        }
    }

    @Test("A proxy that dies between calls, and comes back") func death() async throws {
        try await withCertificates { certificates in
            try await withServer(certificates.server) { server in
                let port = try freePort()
                let call = HTTPCall("POST", server.url("/echo"), body: Array("x".utf8))
                try await withTransport(options(["https_proxy": "http://127.0.0.1:\(port)"], certificates)) { http in
                    try await withTinyproxy(port: port) { _ in
                        let status = try await http.send(call).status
                        #expect(status == 200)
                    }
                    for _ in 0..<2 {
                        let error = try await http.failure(call)
                        #expect(error.code == .proxy, "\(error)")
                        #expect(!error.requestMayHaveArrived)
                        #expect(error.message.contains("can't be connected to"), "\(error)")
                    }
                    try await withTinyproxy(port: port) { proxy in
                        let status = try await http.send(call).status
                        #expect(status == 200)
                        #expect(try proxy.requests() == ["CONNECT \(server.authority)"])
                    }
                }
                let trust = TrustRoots(includesSystem: false, files: [certificates.authority])
                let counts = try await withTransport(.plain(trust: trust)) {
                    try await $0.send(HTTPCall("GET", server.url("/counts"))).decoded(Counts.self)
                }
                #expect(counts.requests == ["POST /echo", "POST /echo"])
            }
        }
    }
}
