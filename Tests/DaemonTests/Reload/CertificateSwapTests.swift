// The authorities of `http` are swapped while the daemon runs, before real TLS servers.

import Foundation
import Subprocess
import Support
import SystemPackage
import Testing
import TokenStore

@testable import Daemon

struct CertificateSwapTests {
    /// A certificate for 127.0.0.1 that is its own authority, in `NAME.pem`, and its key in `NAME.key`.
    private static func makeCertificate(_ name: String, in folder: String) async throws {
        let arguments = """
            req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=\(name) \
            -addext subjectAltName=IP:127.0.0.1 -keyout \(folder)/\(name).key -out \(folder)/\(name).pem
            """
        let outcome = try await runProgram("/usr/bin/openssl", arguments.split(separator: " ").map(String.init))
        try #require(outcome.code == 0, "\(outcome.text)")
    }

    private static let server = """
        import http.server, ssl, sys
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(204)
                self.end_headers()
            def log_message(self, *rest): pass
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[1] + ".pem", sys.argv[1] + ".key")
        server.socket = context.wrap_socket(server.socket, server_side=True)
        print(server.server_port, flush=True)
        server.serve_forever()
        """

    private static func withServer(_ certificate: String, _ body: (String) async throws -> Void) async throws {
        _ = try await Subprocess.run(
            .path("/usr/bin/python3"),
            arguments: ["-S", "-B", "-c", server, certificate],
            input: .none,
            output: .sequence,
            error: .discarded
        ) { process in
            defer { try? process.send(signal: .kill) }
            var lines = process.standardOutput.strings().makeAsyncIterator()
            let port = try #require(try await lines.next()).trimmingCharacters(in: .whitespacesAndNewlines)
            try await body("https://127.0.0.1:\(port)/")
        }
    }

    @Test func aSwappedAuthorityCountsAtOnce() async throws {
        let setUp: (String) throws -> String = { folder in
            try ReloadBench.write("-----BEGIN CERTIFICATE-----", to: "\(folder)/ca.pem")
            return "http: { proxy: none, caFile: \(folder)/ca.pem }\n"
        }
        try await ReloadBench.with(more: setUp) { bench in
            for name in ["a", "b"] { try await Self.makeCertificate(name, in: bench.folder) }
            func trust(_ name: String) async throws {
                try bench.write(try String(contentsOfFile: bench.path("\(name).pem"), encoding: .utf8), to: "ca.pem")
                let report = try await bench.reload()
                #expect(report.changes == ["the certificates of http changed"], "\(report)")
            }
            func reaches(_ url: String) async throws -> Bool {
                let http = bench.inForce.change { $0.generation.way.transport }
                do throws(HTTPTransportError) { return try await http.send(HTTPCall("GET", url)).status == 204 } catch {
                    #expect(error.code == .tls, "\(error)")
                    return false
                }
            }
            try await Self.withServer(bench.path("a")) { first in
                try await Self.withServer(bench.path("b")) { second in
                    try await trust("a")
                    let before = [try await reaches(first), try await reaches(second)]
                    #expect(before == [true, false])
                    try await trust("b")
                    let after = [try await reaches(first), try await reaches(second)]
                    #expect(after == [false, true])
                    try bench.write("rubbish", to: "ca.pem")
                    let refused = try await bench.reload()
                    #expect(refused.outcome == .refused && refused.problems.first?.hasPrefix("http: ") == true)
                }
            }
        }
    }
}
