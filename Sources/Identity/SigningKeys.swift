// The cluster's public keys by their ID, read from a JSON Web Key Set.

import Refusals

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The keys of a JSON Web Key Set (RFC 7517) that can verify service account tokens. Others in it are left out: other
/// types and curves, RSA below 2048 bits, keys for encryption, keys without an ID.
struct SigningKeys: Sendable, Equatable {
    /// Why a key set is of no use, in words that follow the name of its place.
    struct Problem: Error {
        let message: String

        /// The problem with the key set of this place.
        func refusal(from location: String) -> Refusal {
            Refusal(
                .keysUnavailable,
                "what was read from \(location) \(message)",
                fix: "it must be what kubectl get --raw /openid/v1/jwks prints"
            )
        }
    }

    private let byID: [String: SigningKey]
    /// The number of keys that were left out.
    let ignored: Int

    /// The number of usable keys.
    var count: Int { byID.count }

    /// The key of this ID. There is no default.
    subscript(id: String) -> SigningKey? { byID[id] }

    /// Reads a key set; when two keys have one ID, the first counts.
    ///
    /// - Throws: ``Problem`` when it is no key set, or when no key of it is usable.
    init(jwks: [UInt8]) throws(Problem) {
        let set: KeySet
        do { set = try JSONDecoder().decode(KeySet.self, from: Data(jwks)) } catch {
            throw Problem(message: "is no JSON Web Key Set: it must be a JSON object with a list \"keys\"")
        }
        var byID: [String: SigningKey] = [:]
        for entry in set.keys {
            guard let (id, key) = entry.signingKey, byID[id] == nil else { continue }
            byID[id] = key
        }
        guard !byID.isEmpty else {
            throw Problem(
                message: """
                    holds no usable key (\(set.keys.count) listed): needed is a signing key with a kid, RSA of at \
                    least 2048 bits for RS256 or P-256 for ES256
                    """
            )
        }
        self.byID = byID
        ignored = set.keys.count - byID.count
    }

    /// Whether every key of `older` is still here, unchanged.
    func includes(_ older: SigningKeys) -> Bool { older.byID.allSatisfy { byID[$0.key] == $0.value } }
}

private struct KeySet: Decodable {
    var keys: [Entry]

    /// One key; an entry that is no JSON Web Key does not spoil the others.
    struct Entry: Decodable {
        var signingKey: (id: String, key: SigningKey)?

        init(from decoder: any Decoder) throws { signingKey = (try? JSONWebKey(from: decoder))?.signingKey }
    }
}

private struct JSONWebKey: Decodable {
    var kty: String
    var kid: String
    var use: String?
    var keyOps: [String]?
    var alg: String?
    var n: String?
    var e: String?
    var crv: String?
    var x: String?
    var y: String?

    enum CodingKeys: String, CodingKey {
        case kty, kid, use, alg, n, e, crv, x, y
        case keyOps = "key_ops"
    }

    var signingKey: (id: String, key: SigningKey)? {
        guard !kid.isEmpty, use ?? "sig" == "sig", keyOps?.contains("verify") ?? true, let key else { return nil }
        guard (alg ?? key.algorithm.rawValue) == key.algorithm.rawValue else { return nil }
        return (kid, key)
    }

    private var key: SigningKey? {
        switch (kty, crv) {
        case ("RSA", _):
            guard let n = bytes(n), let e = bytes(e) else { return nil }
            return SigningKey(modulus: n, exponent: e)
        case ("EC", "P-256"):
            guard let x = bytes(x), let y = bytes(y) else { return nil }
            return SigningKey(x: x, y: y)
        default:
            return nil
        }
    }

    private func bytes(_ text: String?) -> [UInt8]? { text.flatMap { Base64URL.decode($0.utf8) } }
}
