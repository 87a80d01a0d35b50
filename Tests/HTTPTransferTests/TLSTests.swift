// Certificates, authorities, client certificates and HTTP/2.

import Foundation
import Testing
import TokenStore

@testable import HTTPTransfer

@Suite("TLS") struct TLSTests {
    @Test("A private authority is trusted when it is named, alone or beside the system's") func authority() async throws
    {
        try await withCertificates { certificates in
            let pem = try String(contentsOfFile: certificates.authority, encoding: .utf8)
            try await withServer(certificates.server) { server in
                let good: [(TrustRoots, [String: String])] = [
                    (TrustRoots(includesSystem: false, files: [certificates.authority]), [:]),
                    (TrustRoots(includesSystem: false, pem: pem), [:]),
                    (TrustRoots(includesSystem: true, files: [certificates.authority]), [:]),
                    (TrustRoots(includesSystem: true, pem: pem), [:]),
                    (.system, ["SSL_CERT_FILE": certificates.authority]),
                    (TrustRoots(includesSystem: true, pem: pem), ["SSL_CERT_FILE": "/nowhere.pem"]),
                ]
                for (trust, environment) in good {
                    let options = HTTPTransferOptions.plain(trust: trust, environment: environment)
                    for url in [server.url("/echo"), "https://localhost:\(server.port)/echo"] {
                        #expect(try await status(of: url, options) == 200, "\(trust) \(url)")
                    }
                }
                let error = try await withTransport { try await $0.failure(HTTPCall("POST", server.url("/echo"))) }
                #expect(error.code == .tls)
                #expect(!error.requestMayHaveArrived)
                #expect(error.message.contains("not signed by a trusted authority"))
                #expect(error.message.contains("/etc/ssl/certs/ca-certificates.crt"))
                #expect(error.message.contains(server.authority))
            }
        }
    }

    @Test("A certificate for another name is refused") func otherName() async throws {
        try await withCertificates { certificates in
            try await withServer(certificates.otherName) { server in
                let trust = TrustRoots(includesSystem: false, files: [certificates.authority])
                let error = try await withTransport(.plain(trust: trust)) {
                    try await $0.failure(HTTPCall("POST", server.url("/echo")))
                }
                #expect(error.code == .tls)
                #expect(error.message.contains("is for another name"), "\(error)")
                #expect(try await withTransport { try await $0.failure(HTTPCall("GET", server.url("/"))) }.code == .tls)
            }
        }
    }

    @Test("A rotated authority counts without a new transport", arguments: [(true, 2), (false, 2), (false, 1)])
    func rotation(_ includesSystem: Bool, _ count: Int) async throws {
        try await withCertificates { old in
            try await withCertificates { new in
                let file = "\(old.directory)/current.pem"
                try FileManager.default.copyItem(atPath: old.authority, toPath: file)
                try await withServer(new.server) { server in
                    let trust = TrustRoots(
                        includesSystem: includesSystem,
                        files: [String](repeating: file, count: count)
                    )
                    try await withTransport(.plain(trust: trust)) { http in
                        let call = HTTPCall("GET", server.url("/echo"))
                        #expect(try await http.failure(call).code == .tls)
                        try Data(contentsOf: URL(filePath: new.authority)).write(
                            to: URL(filePath: file),
                            options: .atomic
                        )
                        #expect(try await http.send(call).status == 200)
                        // A file that is gone leaves the last good set in force.
                        try FileManager.default.removeItem(atPath: file)
                        #expect(try await http.send(call).status == 200)
                    }
                }
            }
        }
    }

    @Test("A server that asks for a client certificate gets it, and refuses a call without") func mutual() async throws
    {
        try await withCertificates { certificates in
            var settings = certificates.server
            settings.clientCA = certificates.authority
            try await withServer(settings) { server in
                let trust = TrustRoots(includesSystem: false, files: [certificates.authority])
                let call = HTTPCall("POST", server.url("/echo"))
                let with = HTTPTransferOptions.plain(trust: trust, clientCertificate: certificates.client)
                #expect(try await withTransport(with) { try await $0.send(call).status } == 200)

                let without = try await withTransport(.plain(trust: trust)) { try await $0.failure(call) }
                #expect(without.code == .tls, "\(without)")
                #expect(!without.requestMayHaveArrived)
                #expect(without.message.contains("client certificate"))

                let odd = ClientCertificate(
                    certificateFile: certificates.client.certificateFile,
                    keyFile: "\(certificates.directory)/server.key"
                )
                let mismatched = HTTPTransferOptions.plain(trust: trust, clientCertificate: odd)
                let error = try await withTransport(mismatched) { try await $0.failure(call) }
                #expect(error.code == .tls)
                #expect(error.message.contains("belong together"), "\(error)")
                #expect(try await server.counts(trust: trust, with: certificates.client).requests == ["POST /echo"])
            }
        }
    }

    @Test("TLS before 1.2 and plain HTTP on a TLS port are refused") func handshake() async throws {
        try await withCertificates { certificates in
            let options = HTTPTransferOptions.plain(
                trust: TrustRoots(includesSystem: false, files: [certificates.authority])
            )
            var old = certificates.server
            old.maximumTLS = "TLSv1_1"
            var recent = certificates.server
            recent.maximumTLS = "TLSv1_2"
            try await withServer(old) { server in
                let error = try await withTransport(options) { try await $0.failure(HTTPCall("POST", server.url("/"))) }
                #expect(error.code == .tls, "\(error)")
                #expect(!error.requestMayHaveArrived)
            }
            try await withServer(recent) { server in
                let answer = try await withTransport(options) {
                    try await $0.send(HTTPCall("GET", server.url("/echo")))
                }
                #expect(answer.status == 200)
            }
            try await withServer(ServerSettings(greeting: "HTTP/1.1 400 Bad Request\r\n\r\n")) { server in
                let url = "https://\(server.authority)/"
                let error = try await withTransport(options) { try await $0.failure(HTTPCall("POST", url)) }
                #expect(error.code == .tls, "\(error)")
                #expect(!error.requestMayHaveArrived)
            }
        }
    }

    @Test("HTTP/2 is used where it is offered, and calls share the connection") func http2() async throws {
        try await withCertificates { certificates in
            var settings = certificates.server
            settings.alpn = "h2"
            try await withServer(settings) { server in
                let trust = TrustRoots(includesSystem: false, files: [certificates.authority])
                let connections = try await withTransport(.plain(trust: trust)) { http in
                    try await withThrowingTaskGroup(of: String.self) { group in
                        for number in 0..<20 {
                            group.addTask {
                                try await http.send(
                                    HTTPCall("POST", server.url("/\(number)"), body: Array("x".utf8))
                                ).text
                            }
                        }
                        return try await group.reduce(into: Set<String>()) { $0.insert($1) }
                    }
                }
                #expect(connections == ["1"])
            }
        }
    }

    @Test("Options that can't be used are refused with the reason")
    func setup() async throws {
        try await withDirectory { directory in
            let empty = "\(directory)/empty.pem"
            try Data("nothing here".utf8).write(to: URL(filePath: empty))
            let bad: [(HTTPTransferOptions, String)] = [
                (.plain(trust: TrustRoots(includesSystem: false)), "no CA is trusted"),
                (
                    .plain(trust: TrustRoots(includesSystem: true, files: ["/nowhere.pem"])),
                    "/nowhere.pem can't be read"
                ),
                (.plain(trust: TrustRoots(includesSystem: false, files: [empty])), "holds no certificate"),
                (.plain(trust: TrustRoots(includesSystem: false, pem: "x")), "holds no certificate"),
                (.plain(proxy: .url("ftp://proxy:1")), "the proxy URL in the configuration"),
                (.plain(proxy: .environment, environment: ["HTTPS_PROXY": "http://u:tok-1@"]), "in HTTPS_PROXY"),
                (.plain(maxConnections: 0), "maxConnections"),
            ]
            for (options, text) in bad {
                let error = await #expect(throws: HTTPTransferSetupError.self) {
                    try await withTransport(options) { _ in }
                }
                #expect(error?.message.contains(text) == true, "\(text)")
                #expect(error?.message.contains("tok-") == false)
            }
        }
    }
}

extension LoopbackServer {
    fileprivate func counts(trust: TrustRoots, with certificate: ClientCertificate) async throws -> Counts {
        try await withTransport(.plain(trust: trust, clientCertificate: certificate)) {
            try await $0.send(HTTPCall("GET", url("/counts"))).decoded(Counts.self)
        }
    }
}
