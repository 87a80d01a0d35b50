// An API server on loopback that serves the two paths of the service account issuer discovery.

import DriverCall
import FlyingFox
import FlyingSocks
import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The part of kube-apiserver that tells its service account issuer and its public keys, over plain HTTP on 127.0.0.1.
package final class LoopbackAPIServer: Sendable {
    /// The way in which every call is answered.
    package enum Behaviour: Sendable, Hashable {
        /// As kube-apiserver does.
        case answers
        /// With this status and no keys.
        case fails(status: Int)
        /// With 200 and this body.
        case talks(String)
    }

    private struct State {
        var behaviour = Behaviour.answers
        var keyFetches = 0
        var denied = 0
    }

    /// The base URL: `http://127.0.0.1:` and the port.
    package let url: String
    private let issuer: ServiceAccountIssuer
    private let accessToken: String
    private let state = Mutex(State())

    fileprivate init(url: String, issuer: ServiceAccountIssuer, accessToken: String) {
        self.url = url
        self.issuer = issuer
        self.accessToken = accessToken
    }

    /// The number of times that the keys were asked for, refused calls included.
    package var keyFetches: Int { state.withLock { $0.keyFetches } }

    /// The number of calls that came without the right bearer token.
    package var deniedCalls: Int { state.withLock { $0.denied } }

    /// How calls are answered from now on.
    package func behave(_ behaviour: Behaviour) { state.withLock { $0.behaviour = behaviour } }

    fileprivate func answer(_ request: HTTPRequest) throws -> HTTPResponse {
        let isAllowed = request.headers[.authorization] == "Bearer \(accessToken)"
        let behaviour = state.withLock { state in
            if request.path == "/openid/v1/jwks" { state.keyFetches += 1 }
            if !isAllowed { state.denied += 1 }
            return state.behaviour
        }
        switch behaviour {
        case .fails(let status): return Self.json("{}", status)
        case .talks(let body): return Self.json(body)
        case .answers: break
        }
        guard isAllowed else { return Self.json("{\"kind\":\"Status\",\"status\":\"Failure\",\"code\":401}", 401) }
        switch request.path {
        case "/.well-known/openid-configuration":
            return Self.json(
                """
                {"issuer":\(GoJSON.string(issuer.name)),"jwks_uri":"https://192.0.2.1:6443/openid/v1/jwks",\
                "response_types_supported":["id_token"],"subject_types_supported":["public"],\
                "id_token_signing_alg_values_supported":["RS256","ES256"]}
                """
            )
        case "/openid/v1/jwks":
            return Self.json(String(decoding: try issuer.jwks(), as: UTF8.self), type: "application/jwk-set+json")
        default:
            return Self.json("{\"kind\":\"Status\",\"status\":\"Failure\",\"code\":404}", 404)
        }
    }

    private static func json(_ body: String, _ status: Int = 200, type: String = "application/json") -> HTTPResponse {
        HTTPResponse(
            statusCode: HTTPStatusCode(status, phrase: status == 200 ? "OK" : "Failure"),
            headers: [.contentType: type],
            body: Data(body.utf8)
        )
    }
}

/// Runs an API server on a free port of 127.0.0.1 while `body` runs.
///
/// - Parameter accessToken: the bearer token that callers must show.
package func withLoopbackAPIServer<Result>(
    _ issuer: ServiceAccountIssuer,
    accessToken: String,
    _ body: (LoopbackAPIServer) async throws -> Result
) async throws -> Result {
    let server = HTTPServer(address: try .inet(ip4: "127.0.0.1", port: 0), logger: .disabled)
    return try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await server.run() }
        defer { group.cancelAll() }
        try await server.waitUntilListening(timeout: 60)
        guard case .ip4(_, let port) = await server.listeningAddress else { throw SocketError.unsupportedAddress }
        let api = LoopbackAPIServer(url: "http://127.0.0.1:\(port)", issuer: issuer, accessToken: accessToken)
        await server.appendRoute("*") { request in try api.answer(request) }
        return try await body(api)
    }
}
