// Makes service account tokens as kube-apiserver does, and wrong ones as an attacker would.

import Crypto
import CryptoExtras
import DriverCall
import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// How a token is signed: the two right ways, and those that must be refused.
package enum TokenSigning: Sendable, Hashable, CaseIterable {
    /// RS256 with the RSA key.
    case rs256
    /// ES256 with the P-256 key.
    case es256
    /// `alg: none`, no signature.
    case unsigned
    /// HS256, the RSA public key's PEM as the secret, the RSA key's ID.
    case hmacWithPublicKey
    /// ES256 with a key that the cluster does not have.
    case unknownKey
    /// ES256 with a key that the cluster does not have, under the ID of the P-256 key.
    case forgedKeyID
    /// ES256 with the P-256 key, under the ID of the RSA key.
    case otherKeyID
    /// RS256 with the RSA key, no `kid`.
    case noKeyID
    /// RS256 with the RSA key, with a `crit` header.
    case critical
}

/// A cluster's issuer of service account tokens.
package final class ServiceAccountIssuer: Sendable {
    /// The issuer's name: `iss` of its tokens.
    package let name: String

    private let keys: Mutex<IssuerKeys>
    private let stranger = P256.Signing.PrivateKey()

    /// Makes new keys.
    package init(name: String = "https://kubernetes.default.svc.cluster.local") throws {
        self.name = name
        keys = Mutex(try IssuerKeys())
    }

    /// The public keys as a JSON Web Key Set.
    package func jwks() throws -> [UInt8] { try keys.withLock { $0 }.jwks() }

    /// Writes the public keys to a file, which is replaced at once.
    package func writeJWKS(to path: String) throws {
        try Data(jwks()).write(to: URL(filePath: path), options: .atomic)
    }

    /// Makes new keys; the old ones are the cluster's no longer.
    package func rotate() throws {
        let new = try IssuerKeys()
        keys.withLock { $0 = new }
    }

    /// Signs a token.
    package func sign(_ token: PodToken, _ signing: TokenSigning = .rs256) throws -> String {
        try sign(claims: token.json(issuer: name), signing)
    }

    /// Signs claims that are given as JSON, or as what is no JSON.
    package func sign(claims: [UInt8], _ signing: TokenSigning = .rs256) throws -> String {
        let keys = keys.withLock { $0 }
        let header = GoJSON.object(Self.header(signing, keys))
        let critical = "{\"alg\":\"RS256\",\"crit\":[\"exp\"],\"kid\":\(GoJSON.string(keys.rsaID))}"
        let input = base64url((signing == .critical ? critical : header).utf8) + "." + base64url(claims)
        return input + "." + base64url(try signature(of: Array(input.utf8), signing, keys))
    }

    private static func header(_ signing: TokenSigning, _ keys: IssuerKeys) -> [String: String] {
        switch signing {
        case .rs256, .critical: ["alg": "RS256", "kid": keys.rsaID]
        case .noKeyID: ["alg": "RS256"]
        case .es256, .forgedKeyID: ["alg": "ES256", "kid": keys.p256ID]
        case .otherKeyID: ["alg": "ES256", "kid": keys.rsaID]
        case .unknownKey: ["alg": "ES256", "kid": "unknown-key"]
        case .unsigned: ["alg": "none", "kid": keys.rsaID]
        case .hmacWithPublicKey: ["alg": "HS256", "kid": keys.rsaID]
        }
    }

    private func signature(of input: [UInt8], _ signing: TokenSigning, _ keys: IssuerKeys) throws -> [UInt8] {
        let digest = SHA256.hash(data: input)
        switch signing {
        case .rs256, .noKeyID, .critical:
            return Array(try keys.rsa.signature(for: digest, padding: .insecurePKCS1v1_5).rawRepresentation)
        case .es256, .otherKeyID:
            return Array(try keys.p256.signature(for: digest).rawRepresentation)
        case .unknownKey, .forgedKeyID:
            return Array(try stranger.signature(for: digest).rawRepresentation)
        case .unsigned:
            return []
        case .hmacWithPublicKey:
            let secret = SymmetricKey(data: Array(keys.rsa.publicKey.pemRepresentation.utf8))
            return Array(HMAC<SHA256>.authenticationCode(for: input, using: secret))
        }
    }
}
