// The private keys of a loopback issuer.

import Crypto
import CryptoExtras
import DriverCall

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// An RSA key of 2048 bits and a key on P-256, with the key IDs that kube-apiserver would give them: base64url of the
/// SHA-256 of the public key's DER (`keyIDFromPublicKey` in `pkg/serviceaccount/jwt.go`).
struct IssuerKeys: Sendable {
    let rsa: _RSA.Signing.PrivateKey
    let p256: P256.Signing.PrivateKey

    init() throws {
        rsa = try _RSA.Signing.PrivateKey(keySize: .bits2048)
        p256 = P256.Signing.PrivateKey()
    }

    var rsaID: String { Self.id(rsa.publicKey.derRepresentation) }
    var p256ID: String { Self.id(p256.publicKey.derRepresentation) }

    /// The public keys as kube-apiserver serves them at `/openid/v1/jwks`.
    func jwks() throws -> [UInt8] {
        let primitives = try rsa.publicKey.getKeyPrimitives()
        let point = Array(p256.publicKey.rawRepresentation)
        let rsaKey = [
            "use": "sig", "kty": "RSA", "kid": rsaID, "alg": "RS256",
            "n": base64url(primitives.modulus), "e": base64url(primitives.publicExponent),
        ]
        let p256Key = [
            "use": "sig", "kty": "EC", "kid": p256ID, "alg": "ES256", "crv": "P-256",
            "x": base64url(point[..<32]), "y": base64url(point[32...]),
        ]
        return Array("{\"keys\":[\(GoJSON.object(rsaKey)),\(GoJSON.object(p256Key))]}".utf8)
    }

    private static func id(_ der: Data) -> String { base64url(SHA256.hash(data: der)) }
}

/// Base64url without padding.
package func base64url(_ bytes: some Sequence<UInt8>) -> String {
    let text = Data(bytes).base64EncodedString()
    return String(
        text.compactMap { character in
            switch character {
            case "+": "-"
            case "/": "_"
            case "=": nil
            default: character
            }
        }
    )
}
