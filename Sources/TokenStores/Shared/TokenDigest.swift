// Names for tokens whose source gives them none.

import TokenStore

enum TokenDigest {
    /// The first 48 bits of a token's SHA-256 digest, in hexadecimal: it names the token and tells nothing about it.
    static func short(_ token: Secret) -> String {
        let digits = Array("0123456789abcdef")
        return String(token.sha256.prefix(6).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }
}
