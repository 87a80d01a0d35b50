// How the loopback token endpoint authenticates clients.

import Foundation
import JWTKit
import Synchronization
import TokenStore

/// The answer to a client that is not accepted.
struct ClientRefusal: Error { let answer: SourceAnswer }

extension LoopbackTokenEndpoint {
    private struct Assertion: JWTPayload {
        let iss: String
        let sub: String
        let aud: String
        let jti: String
        let iat: Int64
        let exp: Int64

        func verify(using algorithm: some JWTAlgorithm) throws {}
    }

    /// The client of a call; `nil` when the endpoint demands none.
    func authenticate(
        _ request: SourceRequest,
        _ rules: TokenEndpointRules
    ) async throws(ClientRefusal) -> String? {
        let ways = [
            request.headers["authorization"] != nil, request.form("client_secret") != nil,
            request.form("client_assertion") != nil,
        ]
        guard ways.filter({ $0 }).count <= 1 else {
            throw Self.refusal("invalid_request", "more than one way of client authentication", status: 400)
        }
        guard !rules.clients.isEmpty else {
            guard request.headers["authorization"] == nil else {
                throw Self.refusal("invalid_client", "no client was registered")
            }
            return nil
        }
        var id = request.form("client_id")
        var secret = request.form("client_secret")
        if let basic = request.basic {
            // RFC 6749, section 2.3.1: both are form-encoded inside of the Basic credentials.
            id = basic.username.removingPercentEncoding
            secret = basic.password.removingPercentEncoding
        }
        let assertion = request.form("client_assertion")
        guard let id, let proof = rules.clients[id] else { throw Self.refusal("invalid_client", "unknown client") }
        switch proof {
        case .none: return id
        case .secret(let expected):
            guard secret == expected else { throw Self.refusal("invalid_client", "wrong secret \(secret ?? "")") }
        case .key(let pem):
            try await verify(try Self.shown(assertion, request), client: id, publicPEM: pem, request, rules)
        case .podToken(let sub):
            let token = try Self.shown(assertion, request)
            do throws(SubjectTokens.Rejection) {
                let claims = try subjects.verify(token, audience: rules.audience, now: now())
                guard claims.sub == sub else { throw SubjectTokens.Rejection.wrongIssuer }
            } catch {
                throw Self.refusal("invalid_client", "assertion \(error): \(token)")
            }
        }
        return id
    }

    private static func shown(_ assertion: String?, _ request: SourceRequest) throws(ClientRefusal) -> String {
        let type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        guard let assertion, request.form("client_assertion_type") == type else {
            throw refusal("invalid_client", "no client assertion of a known type")
        }
        return assertion
    }

    /// The checks of RFC 7523, section 3.
    private func verify(
        _ assertion: String,
        client: String,
        publicPEM: String,
        _ request: SourceRequest,
        _ rules: TokenEndpointRules
    ) async throws(ClientRefusal) {
        let claims: Assertion
        do {
            let keys = JWTKeyCollection()
            if let rsa = try? Insecure.RSA.PublicKey(pem: publicPEM) {
                await keys.add(rsa: rsa, digestAlgorithm: .sha256)
            } else {
                await keys.add(ecdsa: try ES256PublicKey(pem: publicPEM))
            }
            claims = try await keys.verify(assertion, as: Assertion.self)
        } catch {
            throw Self.refusal("invalid_client", "the assertion's signature does not fit: \(assertion)")
        }
        let time = now().epochSeconds
        guard claims.iss == client, claims.sub == client else {
            throw Self.refusal("invalid_client", "iss or sub is not the client")
        }
        guard claims.aud.hasSuffix(rules.path) || claims.aud == rules.audience else {
            throw Self.refusal("invalid_client", "aud is not this endpoint")
        }
        guard claims.iat <= time + 30, claims.exp > time, claims.exp <= time + 600 else {
            throw Self.refusal("invalid_client", "the assertion's times are not acceptable")
        }
        guard shownAssertions.withLock({ $0.insert(claims.jti).inserted }) else {
            throw Self.refusal("invalid_client", "the assertion was shown before")
        }
    }

    private static func refusal(_ code: String, _ text: String, status: Int = 401) -> ClientRefusal {
        ClientRefusal(answer: error(code, text, status: status))
    }
}
