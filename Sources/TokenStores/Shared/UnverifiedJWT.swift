// What a JSON Web Token says about itself, for tokens whose source tells their expiry in no other way.

import TokenStore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The claims of a token that came over TLS from the source that made it. Its signature is not checked, so nothing but
/// the token's own life may be taken from it.
struct UnverifiedJWT {
    /// The second of three parts, decoded.
    let claims: [UInt8]

    /// `nil` when the token is no JWT in compact form (RFC 7519).
    init?(_ token: Secret) {
        let parts = token.revealText().split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let claims = Self.base64URL(parts[1]) else { return nil }
        self.claims = claims
    }

    private struct Times: Decodable {
        let exp: Double?
    }

    /// `exp`; `nil` when there is none.
    var expiresAt: UTCInstant? {
        guard let exp = JSONBody.decode(Times.self, claims)?.exp, exp > 0, exp < 1e11 else { return nil }
        return UTCInstant(epochSeconds: Int64(exp))
    }

    static func base64URL(_ text: Substring) -> [UInt8]? {
        var standard = String(text.map { $0 == "-" ? "+" : $0 == "_" ? "/" : $0 })
        standard += String(repeating: "=", count: (4 - standard.utf8.count % 4) % 4)
        return Data(base64Encoded: standard).map(Array.init)
    }
}
