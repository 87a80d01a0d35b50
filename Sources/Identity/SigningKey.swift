// One public key of the cluster, and the one algorithm that it is for.

import Crypto
import CryptoExtras

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The algorithms that kube-apiserver signs with and Daypass accepts (RFC 7518 section 3.1).
enum SigningAlgorithm: String, Sendable, Hashable {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    case rs256 = "RS256"
    /// ECDSA on P-256 with SHA-256.
    case es256 = "ES256"
}

/// A public key. Its type fixes the algorithm, so that a token's header can't choose another one for it.
struct SigningKey: Sendable {
    private enum PublicKey: Sendable {
        case rsa(_RSA.Signing.PublicKey)
        case p256(P256.Signing.PublicKey)
    }

    /// The only algorithm that the key is used with.
    let algorithm: SigningAlgorithm
    private let key: PublicKey
    private let material: [UInt8]

    /// An RSA key of at least 2048 bits, from its modulus and exponent.
    init?(modulus: [UInt8], exponent: [UInt8]) {
        // BoringSSL refuses even, tiny and oversized exponents and moduli above 16384 bits by itself.
        guard let key = try? _RSA.Signing.PublicKey(n: modulus, e: exponent) else { return nil }
        self.algorithm = .rs256
        self.key = .rsa(key)
        self.material = Array(key.pkcs1DERRepresentation)
    }

    /// A key on P-256, from its coordinates.
    init?(x: [UInt8], y: [UInt8]) {
        guard x.count == 32, y.count == 32, let key = try? P256.Signing.PublicKey(rawRepresentation: x + y) else {
            return nil
        }
        self.algorithm = .es256
        self.key = .p256(key)
        self.material = x + y
    }

    /// Whether `signature` is this key's signature of `bytes`.
    func signed(_ bytes: ArraySlice<UInt8>, as signature: [UInt8]) -> Bool {
        switch key {
        case .rsa(let key):
            return key.isValidSignature(
                _RSA.Signing.RSASignature(rawRepresentation: signature),
                for: SHA256.hash(data: bytes),
                padding: .insecurePKCS1v1_5
            )
        case .p256(let key):
            guard let signature = try? P256.Signing.ECDSASignature(rawRepresentation: signature) else { return false }
            return key.isValidSignature(signature, for: SHA256.hash(data: bytes))
        }
    }
}

extension SigningKey: Equatable {
    static func == (left: Self, right: Self) -> Bool {
        left.algorithm == right.algorithm && left.material == right.material
    }
}
