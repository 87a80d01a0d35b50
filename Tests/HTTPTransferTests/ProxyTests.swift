// Proxies: from the environment, by configuration, with exemptions, and when they refuse.

import Testing
import TokenStore

@testable import HTTPTransfer

@Suite("Proxies") struct ProxyTests {
    @Test("The environment's proxy is used for https, and NO_PROXY exempts by name, address and CIDR block")
    func environment() async throws {
        try await withCertificates { certificates in
            try await withServer(certificates.server) { server in
                try await withServer(ServerSettings(proxy: "open")) { proxy in
                    let trust = TrustRoots(includesSystem: false, files: [certificates.authority])
                    let all = ["HTTPS_PROXY": "http://\(proxy.authority)"]
                    let cases: [([String: String], Int)] = [
                        ([:], 0), (all, 1), (["https_proxy": proxy.authority], 1), (["ALL_PROXY": proxy.authority], 1),
                        (["http_proxy": proxy.authority], 0), (["HTTPS_PROXY": ""], 0),
                        (all.with("NO_PROXY", "127.0.0.1"), 0), (all.with("no_proxy", "localhost,127.0.0.0/8"), 0),
                        (all.with("NO_PROXY", "*"), 0), (all.with("NO_PROXY", "example.com,10.0.0.0/8"), 1),
                    ]
                    var used = 0
                    for (environment, uses) in cases {
                        let options = HTTPTransferOptions.plain(
                            trust: trust,
                            proxy: .environment,
                            environment: environment
                        )
                        let answer = try await withTransport(options) {
                            try await $0.send(HTTPCall("GET", server.url("/echo")))
                        }
                        #expect(answer.status == 200)
                        #expect(answer.header("x-proxy") == nil)
                        used += uses
                        let seen = try await proxy.counts().requests
                        #expect(
                            seen == [String](repeating: "CONNECT \(server.authority)", count: used),
                            "\(environment)"
                        )
                    }
                }
            }
        }
    }

    @Test("A proxy that asks for credentials") func authentication() async throws {
        // user:pass-1 in base64
        try await withServer(ServerSettings(proxy: "auth dXNlcjpwYXNzLTE=")) { proxy in
            func options(_ userinfo: String) -> HTTPTransferOptions {
                .plain(proxy: .url("http://\(userinfo)\(proxy.authority)"))
            }
            for scheme in ["http", "https"] {
                let call = HTTPCall("POST", "\(scheme)://127.0.0.1:1/x", authorization: Secret(utf8: "Bearer tok-1"))
                for userinfo in ["", "user:wrong-1@"] {
                    let error = try await withTransport(options(userinfo)) { try await $0.failure(call) }
                    #expect(error.code == .proxy, "\(error)")
                    #expect(!error.requestMayHaveArrived)
                    #expect(error.message.contains("(407)"))
                    #expect(error.message.contains(proxy.authority))
                    #expect(!"\(error)".contains("-1@"))
                }
            }
            try await withTransport(options("user:pass-1@")) { http in
                let plain = try await http.send(HTTPCall("POST", "http://127.0.0.1:1/x"))
                #expect(plain.text.contains("\"via\": \"proxy\", \"target\": \"http://127.0.0.1:1/x\""))
                // The proxy takes the credentials, tries the target, and ends the connection.
                let error = try await http.failure(HTTPCall("POST", "https://127.0.0.1:1/x"))
                #expect(error.code == .proxy)
                #expect(error.message.contains("broke the connection"), "\(error)")
            }
        }
    }

    @Test("A server's own 407 is an answer: behind a tunnel, and where no proxy is used") func originAsks() async throws
    {
        try await withServer(ServerSettings(proxy: "open")) { proxy in
            try await withServer { server in
                let environment = ["http_proxy": "http://\(proxy.authority)", "NO_PROXY": "127.0.0.1"]
                let options = HTTPTransferOptions.plain(proxy: .environment, environment: environment)
                let call = HTTPCall("POST", server.url("/status?407"))
                let answer = try await withTransport(options) { try await $0.send(call) }
                #expect(answer.status == 407)
            }
            try await withCertificates { certificates in
                try await withServer(certificates.server) { server in
                    let trust = TrustRoots(includesSystem: false, files: [certificates.authority])
                    let options = HTTPTransferOptions.plain(trust: trust, proxy: .url("http://\(proxy.authority)"))
                    let call = HTTPCall("POST", server.url("/status?407"))
                    let answer = try await withTransport(options) { try await $0.send(call) }
                    #expect(answer.status == 407)
                    let seen = try await proxy.counts().requests
                    #expect(seen == ["CONNECT \(server.authority)"])
                }
            }
        }
    }

    @Test("A proxy that refuses or breaks off") func refusal() async throws {
        for (mode, text) in [("deny", "(403)"), ("close", "broke the connection")] {
            try await withServer(ServerSettings(proxy: mode)) { proxy in
                let error = try await withTransport(.plain(proxy: .url("http://\(proxy.authority)"))) {
                    try await $0.failure(HTTPCall("POST", "https://target.test/x"))
                }
                #expect(error.code == .proxy, "\(error)")
                #expect(!error.requestMayHaveArrived)
                #expect(error.message.contains(proxy.authority))
                #expect(error.message.contains(text), "\(error)")
            }
        }
    }

    @Test("A proxy that is not there, unlike a target that is not there") func unreachable() async throws {
        let environment = ["HTTPS_PROXY": "http://u:tok-1@127.0.0.1:1", "NO_PROXY": "127.0.0.2"]
        try await withTransport(.plain(proxy: .environment, environment: environment)) { http in
            let error = try await http.failure(HTTPCall("POST", "https://target.test/x"))
            #expect(error.code == .proxy)
            #expect(
                error.message
                    == "the proxy 127.0.0.1:1 from HTTPS_PROXY can't be connected to; check the proxy's URL, and that it runs"
            )
            #expect(!error.requestMayHaveArrived)
            let direct = try await http.failure(HTTPCall("POST", "https://127.0.0.2:1/x"))
            #expect(direct.code == .unreachable, "\(direct)")
        }
        let unknown = HTTPTransferOptions.plain(proxy: .url("http://proxy.onion:3128", bypass: "localhost"))
        let error = try await withTransport(unknown) { try await $0.failure(HTTPCall("POST", "http://target.test/")) }
        #expect(error.code == .proxy, "\(error)")
        #expect(error.message.contains("proxy.onion:3128"))
    }

    @Test("A proxy that hangs ends with the deadline, and nothing was sent") func hanging() async throws {
        try await withServer(ServerSettings(mute: true)) { proxy in
            let error = try await withTransport(.plain(proxy: .url("http://\(proxy.authority)"))) {
                try await $0.failure(HTTPCall("POST", "https://target.test/", timeout: .milliseconds(150)))
            }
            #expect(error.code == .timedOut)
            #expect(!error.requestMayHaveArrived)
            #expect(error.message.contains(proxy.authority))
        }
    }
}

extension [String: String] {
    fileprivate func with(_ key: String, _ value: String) -> Self { merging([key: value]) { $1 } }
}
