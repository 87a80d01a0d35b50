// Keys from the API server.

import Identity
import LoopbackCluster
import Refusals
import Testing
import TokenStore
import TokenStoreTesting

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

@Suite struct ClusterKeySourceTests {
    private static let server = "https://[fd00::1]:6443"

    private func withSource(
        _ http: ScriptedTransport,
        token: String = "own-token\n",
        _ body: (ClusterKeySource, String) async throws -> Void
    ) async throws {
        try await withDirectory { directory in
            try write(token, to: "\(directory)/token")
            let source = ClusterKeySource(server: Self.server, tokenFile: "\(directory)/token", http: http)
            try await body(source, "\(directory)/token")
        }
    }

    private func refusal(_ http: ScriptedTransport, token: String = "own-token") async throws -> String {
        var text = "accepted"
        try await withSource(http, token: token) { source, path in
            do throws(Refusal) { _ = try await source.fetch() } catch {
                text = error.description.replacing(path, with: "TOKENFILE")
            }
        }
        return text
    }

    @Test func issuerAndKeysAreFetchedWithTheOwnToken() async throws {
        let jwks = String(decoding: try Fixture.issuer.get().jwks(), as: UTF8.self)
        let http = ScriptedTransport()
        for _ in 0..<2 {
            http.then(
                200,
                json: "{\"issuer\":\"https://issuer.example\",\"jwks_uri\":\"https://outside.example/jwks\"}"
            )
            http.then(200, json: jwks)
        }
        try await withSource(http) { source, tokenFile in
            let document = try await source.fetch()
            #expect(document == JWKSDocument(issuer: "https://issuer.example", jwks: Array(jwks.utf8)))
            try write("second-token", to: tokenFile)
            _ = try await source.fetch()
        }
        let paths = ["/.well-known/openid-configuration", "/openid/v1/jwks"].map { Self.server + $0 }
        #expect(http.calls.map(\.url) == paths + paths)
        #expect(http.calls.allSatisfy { $0.method == "GET" && $0.timeout == .seconds(5) && $0.bodyLimit == 262_144 })
        let tokens = http.calls.map { $0.authorization?.revealText() }
        #expect(tokens == ["Bearer own-token", "Bearer own-token", "Bearer second-token", "Bearer second-token"])
    }

    @Test(arguments: [401, 403]) func aRefusalOfTheServerNamesTheRole(_ status: Int) async throws {
        let http = ScriptedTransport()
        http.then(status, json: "{}")
        let expected = """
            KeysUnavailable: the API server answers \(status) to Daypass's own token at \
            \(Self.server)/.well-known/openid-configuration; bind the ClusterRole \
            system:service-account-issuer-discovery to Daypass's service account, and check that TOKENFILE is this \
            cluster's
            """
        #expect(try await refusal(http) == expected)
        let later = ScriptedTransport()
        later.then(200, json: "{\"issuer\":\"https://issuer.example\"}")
        later.then(status, json: "{}")
        #expect(try await refusal(later).contains("\(status) to Daypass's own token at \(Self.server)/openid/v1/jwks"))
    }

    @Test func otherAnswersAreNamed() async throws {
        let discovery = "\(Self.server)/.well-known/openid-configuration"
        let table: [(Int, String, String)] = [
            (
                404, "",
                "the API server has no service account issuer discovery (404 at \(discovery)); set identity.issuer and identity.jwks.file"
            ),
            (503, "", "the API server answers 503 at \(discovery)"),
            (302, "", "the API server answers 302 at \(discovery)"),
            (200, "<html>", "\(discovery) answers without an issuer"),
            (200, "{\"issuer\":\"\"}", "\(discovery) answers without an issuer"),
            (200, String(repeating: " ", count: 262_145), "\(discovery) answers more than 262144 bytes"),
        ]
        for (status, body, problem) in table {
            let http = ScriptedTransport()
            http.then(status, json: body)
            #expect(try await refusal(http) == "KeysUnavailable: \(problem)")
        }
    }

    @Test func aServerThatCanNotBeReachedIsNamed() async throws {
        let problem = HTTPTransportError(.tls, "unable to get local issuer certificate", requestMayHaveArrived: false)
        let expected = """
            KeysUnavailable: the API server can't be asked for its keys at \
            \(Self.server)/.well-known/openid-configuration: tls: unable to get local issuer certificate; check that the \
            API server's certificate is of the CA in /var/run/secrets/kubernetes.io/serviceaccount/ca.crt
            """
        #expect(try await refusal(failing(problem)) == expected)
        let cancelled = HTTPTransportError(.cancelled, "cancelled", requestMayHaveArrived: false)
        #expect(try await refusal(failing(cancelled)).hasPrefix("Cancelled: "))
    }

    private func failing(_ error: HTTPTransportError) -> ScriptedTransport {
        let http = ScriptedTransport()
        http.then { _ throws(HTTPTransportError) in throw error }
        return http
    }

    @Test(arguments: ["", "\n", "two words", "a\u{7F}b", "a\r\nX-Injected: 1"])
    func whatIsNoTokenIsNotSent(_ token: String) async throws {
        let http = ScriptedTransport()
        #expect(
            try await refusal(http, token: token)
                == "KeysUnavailable: Daypass's own service account token TOKENFILE holds no token"
        )
        #expect(http.calls.isEmpty)
    }

    @Test func withoutAnOwnTokenTheFixIsNamed() async throws {
        let http = ScriptedTransport()
        let source = ClusterKeySource(server: Self.server, tokenFile: "/nowhere/token", http: http)
        let refusal = await #expect(throws: Refusal.self) { try await source.fetch() }
        #expect(refusal?.description.contains("/nowhere/token does not exist") == true)
        #expect(refusal?.fix.contains("automountServiceAccountToken") == true)
    }

    @Test(arguments: [
        ("10.96.0.1", "443", "https://10.96.0.1:443"), ("fd00::1", "6443", "https://[fd00::1]:6443"),
        ("kubernetes.default.svc", "443", "https://kubernetes.default.svc:443"),
    ])
    func theServerIsFoundFromTheEnvironment(_ host: String, _ port: String, _ url: String) throws {
        let environment = ["KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port]
        #expect(try InCluster.server(environment: environment) == url)
    }

    @Test(
        arguments: [
            (nil, nil), ("10.96.0.1", nil), ("", "443"), ("a/b", "443"), ("a@b", "443"), ("10.96.0.1", "0"),
            ("10.96.0.1", "70000"), ("10.96.0.1", "443/x"),
        ] as [(String?, String?)]
    )
    func anEnvironmentThatNamesNoServerIsRefused(_ host: String?, _ port: String?) {
        var environment: [String: String] = [:]
        environment["KUBERNETES_SERVICE_HOST"] = host
        environment["KUBERNETES_SERVICE_PORT"] = port
        #expect(throws: Refusal.self) { try InCluster.server(environment: environment) }
    }
}
