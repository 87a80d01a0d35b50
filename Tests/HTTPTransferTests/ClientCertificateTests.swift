// Client certificates: which are taken, and how they are exchanged while the daemon runs.

import Foundation
import Testing
import TokenStore

@testable import HTTPTransfer

@Suite("Client certificates") struct ClientCertificateTests {
    /// A server that asks for certificates of its authority, and the options of a client.
    private func withMutual(
        _ body: (LoopbackServer, Certificates, (ClientCertificate?) -> HTTPTransferOptions) async throws -> Void
    ) async throws {
        try await withCertificates { certificates in
            var settings = certificates.server
            settings.clientCA = certificates.authority
            try await withServer(settings) { server in
                let trust = TrustRoots(includesSystem: false, files: [certificates.authority])
                try await body(server, certificates) { .plain(trust: trust, clientCertificate: $0) }
            }
        }
    }

    @Test("One of another authority, an expired one and none are refused, each with what to do") func refused()
        async throws
    {
        try await withMutual { server, certificates, options in
            try await withCertificates { foreign in
                let call = HTTPCall("POST", server.url("/echo"))
                for pair in [foreign.client, certificates.expiredClient] {
                    let error = try await withTransport(options(pair)) { try await $0.failure(call) }
                    #expect(error.code == .tls, "\(error)")
                    #expect(!error.requestMayHaveArrived)
                    #expect(
                        error.message
                            == "\(server.authority) does not accept the client certificate \(pair.certificateFile); check "
                            + "its dates, and that the server knows its authority"
                    )
                }
                let none = try await withTransport(options(nil)) { try await $0.failure(call) }
                #expect(none.message == "\(server.authority) asks for a client certificate; set one")
            }
            let seen = try await withTransport(options(certificates.client)) {
                try await $0.send(HTTPCall("GET", server.url("/counts"))).decoded(Counts.self).requests
            }
            #expect(seen == [])
        }
    }

    @Test("A renewed certificate counts at once: no connection of the former is used again") func renewal() async throws
    {
        try await withMutual { server, certificates, options in
            try await withDirectory { directory in
                let files = ClientCertificate(
                    certificateFile: "\(directory)/tls.crt",
                    keyFile: "\(directory)/tls.key"
                )
                func install(_ pair: ClientCertificate) throws {
                    for (from, to) in [
                        (pair.certificateFile, files.certificateFile), (pair.keyFile, files.keyFile),
                    ] {
                        try Data(contentsOf: URL(filePath: from)).write(to: URL(filePath: to), options: .atomic)
                    }
                }
                try install(certificates.expiredClient)
                try await withTransport(options(files)) { http in
                    let call = HTTPCall("POST", server.url("/echo"))
                    #expect(try await http.failure(call).code == .tls)
                    try install(certificates.client)
                    let first = try await http.send(call).decoded(Echo.self)
                    let second = try await http.send(call).decoded(Echo.self)
                    #expect((first.peer, second.peer) == ("client", "client"))
                    #expect(first.connection == second.connection)
                    try install(certificates.renewedClient)
                    let renewed = try await http.send(call).decoded(Echo.self)
                    #expect(renewed.peer == "renewed")
                    #expect(renewed.connection != second.connection)
                    // Files that are gone leave the last pair in force, also for new connections.
                    try FileManager.default.removeItem(atPath: files.certificateFile)
                    try FileManager.default.removeItem(atPath: files.keyFile)
                    let echoes = try await withThrowingTaskGroup(of: Echo.self) { group in
                        for _ in 0..<4 {
                            group.addTask { try await http.send(call).decoded(Echo.self) }
                        }
                        return try await group.reduce(into: []) { $0.append($1) }
                    }
                    #expect(echoes.map(\.peer) == ["renewed", "renewed", "renewed", "renewed"])
                }
            }
        }
    }

    @Test("OpenSSL's own server: a certificate that it asks for, and TLS 1.1, which we refuse") func opensslServer()
        async throws
    {
        try await withCertificates { certificates in
            let trust = TrustRoots(includesSystem: false, files: [certificates.authority])
            let verify = ["-Verify", "1", "-verify_return_error", "-CAfile", certificates.authority]
            for version in ["-tls1_2", "-tls1_3"] {
                try await withOpenSSLServer(certificates.server, verify + [version]) { port in
                    let call = HTTPCall("GET", "https://127.0.0.1:\(port)/")
                    func options(_ pair: ClientCertificate?) -> HTTPTransferOptions {
                        .plain(trust: trust, clientCertificate: pair)
                    }
                    let answer = try await withTransport(options(certificates.client)) { try await $0.send(call) }
                    #expect(answer.status == 200)
                    #expect(
                        answer.text.replacing(" ", with: "").contains("Subject:CN=client"),
                        "the page shows the certificate that it got"
                    )
                    let none = try await withTransport(options(nil)) { try await $0.failure(call) }
                    #expect(none.code == .tls)
                    #expect(none.message.contains("asks for a client certificate"), "\(version): \(none)")
                    let expired = try await withTransport(options(certificates.expiredClient)) {
                        try await $0.failure(call)
                    }
                    #expect(expired.code == .tls)
                    #expect(
                        expired.message.contains("does not accept the client certificate"),
                        "\(version): \(expired)"
                    )
                }
            }
            try await withOpenSSLServer(certificates.server, ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"]) { port in
                let error = try await withTransport(.plain(trust: trust)) {
                    try await $0.failure(HTTPCall("GET", "https://127.0.0.1:\(port)/"))
                }
                #expect(error.code == .tls, "\(error)")
                #expect(error.message.contains("TLS 1.2 or newer"), "\(error)")
            }
        }
    }

    @Test("Files that can't be used are refused when the transport is set up") func setup() async throws {
        try await withDirectory { directory in
            func file(_ name: String, _ text: String) async throws -> String {
                try await write(text, to: "\(directory)/\(name)")
                return "\(directory)/\(name)"
            }
            let certificate = try await file("a.pem", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n")
            let key = try await file("a.key", "-----BEGIN PRIVATE KEY-----\ntok-1\n-----END PRIVATE KEY-----\n")
            let locked = try await file("b.key", "-----BEGIN ENCRYPTED PRIVATE KEY-----\ntok-1\n")
            let cases = [
                (directory + "/none", key, "the client certificate, \(directory)/none, can't be read"),
                (
                    certificate, directory + "/none",
                    "the key of the client certificate, \(directory)/none, can't be read"
                ),
                (key, key, "the client certificate, \(key), is not there in PEM form"),
                (
                    certificate, certificate,
                    "the key of the client certificate, \(certificate), is not there in PEM form"
                ),
                (certificate, locked, "the key of the client certificate, \(locked), is encrypted"),
            ]
            for (certificate, key, text) in cases {
                let pair = ClientCertificate(certificateFile: certificate, keyFile: key)
                let error = await #expect(throws: HTTPTransferSetupError.self) {
                    try await withTransport(.plain(clientCertificate: pair)) { _ in }
                }
                #expect(error?.message.hasPrefix(text) == true, "\(error?.message ?? "")")
                #expect(error?.message.contains("tok-") == false)
            }
        }
    }
}

@Suite("Kept connections") struct KeptConnectionTests {
    @Test("TLS calls share a connection; a server that restarts is found again") func restart() async throws {
        try await withCertificates { certificates in
            var settings = certificates.server
            settings.port = try freePort()
            let trust = TrustRoots(includesSystem: false, files: [certificates.authority])
            let call = HTTPCall("POST", "https://127.0.0.1:\(settings.port ?? 0)/echo", body: Array("x".utf8))
            try await withTransport(.plain(trust: trust)) { http in
                for life in 0..<3 {
                    try await withServer(settings) { _ in
                        for _ in 0..<3 {
                            // A connection that the former life left is never taken for one of this life.
                            let echo = try await http.send(call).decoded(Echo.self)
                            #expect(echo.connection == 1, "life \(life)")
                        }
                    }
                    let error = try await http.failure(call)
                    #expect(error.code == .unreachable, "\(error)")
                    #expect(!error.requestMayHaveArrived)
                }
            }
        }
    }
}
