// A relying party's view of service account tokens: it verifies them as the real services do.

import Crypto
import CryptoExtras
import Foundation
package import LoopbackCluster
package import TokenStore

/// Service account tokens of a loopback cluster, and their verification by a relying party.
package struct SubjectTokens: Sendable {
    /// The cluster's issuer.
    package let issuer: ServiceAccountIssuer

    package init() throws { issuer = try ServiceAccountIssuer() }

    /// A right token of a Pod.
    package func token(
        for subject: Subject = Self.subject,
        audience: String,
        at now: UTCInstant = SystemClock().now,
        lifetime: Duration = .seconds(3600)
    ) throws -> String {
        try issuer.sign(PodToken(for: subject, audience: audience, at: now, lifetime: lifetime))
    }

    /// The build of most tests.
    package static let subject = Subject(
        namespace: "binder",
        serviceAccount: "builder",
        podName: "build-1",
        podUID: "11111111-2222-3333-4444-555555555555"
    )

    /// What a verified token says.
    package struct Claims: Decodable, Sendable {
        package let iss: String
        package let sub: String
        package let aud: [String]
        package let exp: Int64
        package let nbf: Int64
        package let iat: Int64
    }

    /// Why a token is not accepted.
    package enum Rejection: Error, Sendable, Hashable {
        case malformed, badSignature, wrongIssuer, wrongAudience, expired, notYetValid
    }

    /// Verifies a token: RS256 signature by the cluster's published keys, issuer, audience, times.
    package func verify(
        _ token: String,
        audience: String,
        now: UTCInstant = SystemClock().now,
        leeway: Duration = .zero
    ) throws(Rejection) -> Claims {
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let header = Self.decode(parts[0]), let payload = Self.decode(parts[1]),
            let signature = Self.decode(parts[2]),
            let head = try? JSONDecoder().decode(Header.self, from: header),
            let claims = try? JSONDecoder().decode(Claims.self, from: payload)
        else { throw .malformed }
        guard head.alg == "RS256", let key = key(head.kid),
            key.isValidSignature(
                _RSA.Signing.RSASignature(rawRepresentation: signature),
                for: SHA256.hash(data: Data("\(parts[0]).\(parts[1])".utf8)),
                padding: .insecurePKCS1v1_5
            )
        else { throw .badSignature }
        guard claims.iss == issuer.name else { throw .wrongIssuer }
        guard claims.aud.contains(audience) else { throw .wrongAudience }
        guard UTCInstant(epochSeconds: claims.exp) > now.advanced(by: .zero - leeway) else { throw .expired }
        guard UTCInstant(epochSeconds: claims.nbf) <= now.advanced(by: leeway) else { throw .notYetValid }
        return claims
    }

    private struct Header: Decodable {
        let alg: String
        let kid: String?
    }

    private struct KeySet: Decodable {
        struct Key: Decodable {
            let kty: String
            let kid: String
            let n: String?
            let e: String?
        }
        let keys: [Key]
    }

    private func key(_ id: String?) -> _RSA.Signing.PublicKey? {
        guard let set = try? JSONDecoder().decode(KeySet.self, from: Data(issuer.jwks())),
            let key = set.keys.first(where: { $0.kid == id && $0.kty == "RSA" }),
            let n = key.n.flatMap({ Self.decode($0[...]) }), let e = key.e.flatMap({ Self.decode($0[...]) })
        else { return nil }
        return try? _RSA.Signing.PublicKey(n: n, e: e)
    }

    private static func decode(_ text: Substring) -> Data? {
        let standard = text.replacingOccurrences(of: "-", with: "+").replacingOccurrences(of: "_", with: "/")
        return Data(base64Encoded: standard + String(repeating: "=", count: (4 - standard.count % 4) % 4))
    }
}
