// A JSON Web Token taken apart, before any key is touched.

import Refusals
import TokenStore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A JSON Web Token in compact form (RFC 7515 section 7.1) whose header is acceptable. Nothing in it is verified.
///
/// Header fields that would bring a key along (`jwk`, `jku`, `x5c`, `x5u`) are never read.
struct CompactToken {
    /// The most bytes of a token. kube-apiserver's are 1 to 2 KiB.
    static let longest = 16 << 10

    /// How the token says it is signed.
    let algorithm: SigningAlgorithm
    /// Which key the token says it is signed with.
    let keyID: String
    /// The bytes that the signature covers.
    let signedBytes: ArraySlice<UInt8>
    /// The signature.
    let signature: [UInt8]
    /// The claims, as JSON.
    let claims: [UInt8]

    /// - Throws: `TokenMalformed`, or `TokenRejected` for an algorithm that is not accepted.
    init(_ token: Secret) throws(Refusal) {
        guard !token.isEmpty else { throw Self.malformed("is empty") }
        guard token.count <= Self.longest else {
            throw Self.malformed("is \(token.count) bytes long, more than \(Self.longest)")
        }
        let bytes = token.reveal()
        let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3 else {
            throw Self.malformed(
                "is no JSON Web Token: it has \(parts.count == 1 ? "1 part" : "\(parts.count) parts"), not 3"
            )
        }
        guard let header = Base64URL.decode(parts[0]) else { throw Self.malformed("has a header that is no base64url") }
        guard let claims = Base64URL.decode(parts[1]) else { throw Self.malformed("has claims that are no base64url") }
        guard let signature = Base64URL.decode(parts[2]) else {
            throw Self.malformed("has a signature that is no base64url")
        }
        (algorithm, keyID) = try Self.read(header: header)
        self.claims = claims
        self.signature = signature
        signedBytes = bytes[..<parts[1].endIndex]
    }

    private struct Header: Decodable {
        var alg: String
        var kid: String?
        var isCritical: Bool

        enum CodingKeys: String, CodingKey { case alg, kid, crit }

        init(from decoder: any Decoder) throws {
            let values = try decoder.container(keyedBy: CodingKeys.self)
            alg = try values.decode(String.self, forKey: .alg)
            kid = try values.decodeIfPresent(String.self, forKey: .kid)
            isCritical = values.contains(.crit)
        }
    }

    private static func read(header bytes: [UInt8]) throws(Refusal) -> (SigningAlgorithm, String) {
        let header: Header
        do { header = try JSONDecoder().decode(Header.self, from: Data(bytes)) } catch {
            throw malformed("has a header that is no JSON object with alg and kid")
        }
        // RFC 7515 section 4.1.11: what is critical must be understood, and nothing is that kube-apiserver never sends.
        guard !header.isCritical else { throw malformed("has a header with crit, which is not accepted") }
        guard let algorithm = SigningAlgorithm(rawValue: header.alg) else {
            let how = header.alg.lowercased() == "none" ? "is not signed (alg" : "is signed with another algorithm (alg"
            throw Refusal(
                .tokenRejected,
                "the service account token \(how) \(Refusal.quoted(header.alg))); only RS256 and ES256 are accepted",
                fix: TokenAdvice.origin
            )
        }
        guard let keyID = header.kid, !keyID.isEmpty else {
            throw malformed("does not say which key signed it (no kid in its header)")
        }
        return (algorithm, keyID)
    }

    private static func malformed(_ what: String) -> Refusal {
        Refusal(.tokenMalformed, "the service account token \(what)", fix: TokenAdvice.origin)
    }
}

/// Advice that more than one refusal gives.
enum TokenAdvice {
    /// Without `tokenRequests` a tenant's own text may arrive in the place of kubelet's token.
    static let origin = """
        the token must be kubelet's own, from tokenRequests of the CSIDriver object; one that a SecretProviderClass or \
        a volumeAttribute brings along is not accepted
        """
}
