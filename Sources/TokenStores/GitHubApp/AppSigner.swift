// Who signs the App's tokens: the key itself, or somebody who keeps it and signs what is handed in.

import JWTKit
import TokenStore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What an App's token says, in whole seconds.
struct AppClaims: JWTPayload {
    let iat: Int64
    let exp: Int64
    let iss: String

    func verify(using algorithm: some JWTAlgorithm) throws {}
}

/// Signs the App's tokens.
protocol AppSigner: Sendable {
    /// Where the key is, for messages: `the key in /etc/daypass/keys/github.pem`.
    var place: String { get }

    /// A JSON Web Token in compact form, signed with RS256.
    func token(_ claims: AppClaims) async throws(TokenStoreError) -> Secret
}

/// Signs with a key that the daemon holds.
struct KeySigner: AppSigner {
    let key: Insecure.RSA.PrivateKey
    let file: String

    var place: String { file }

    func token(_ claims: AppClaims) async throws(TokenStoreError) -> Secret {
        do {
            let keys = await JWTKeyCollection().add(rsa: key, digestAlgorithm: .sha256)
            return Secret(utf8: try await keys.sign(claims))
        } catch {
            throw TokenStoreError(
                .misconfigured,
                "the App's private key can't sign",
                fix: "generate a new key on the App's settings page",
                cause: error
            )
        }
    }
}

/// Signs elsewhere: what a signer must do is RSASSA-PKCS1-v1_5 with SHA-256 over bytes (RS256 of RFC 7518, section 3.3).
protocol RemoteAppSigner: AppSigner {
    /// The signature of `input`, raw.
    func signature(of input: [UInt8]) async throws(TokenStoreError) -> [UInt8]
}

extension RemoteAppSigner {
    func token(_ claims: AppClaims) async throws(TokenStoreError) -> Secret {
        let header = Self.base64URL(Array(#"{"alg":"RS256","typ":"JWT"}"#.utf8))
        let input = "\(header).\(Self.base64URL(try JSONBody.encode(claims)))"
        let signature = try await signature(of: Array(input.utf8))
        // RSA of 2048 to 8192 bits; an EC signature is far shorter.
        guard (256...1024).contains(signature.count) else {
            throw TokenStoreError(
                .misconfigured,
                "the signature by \(place) has \(signature.count) bytes, and is no RSA signature of 2048 bits or more",
                fix: "GitHub takes RSA keys only: use the key that GitHub generated for the App"
            )
        }
        return Secret(utf8: "\(input).\(Self.base64URL(signature))")
    }

    private static func base64URL(_ bytes: [UInt8]) -> String {
        String(
            Data(bytes).base64EncodedString().compactMap { character in
                switch character {
                case "+": "-"
                case "/": "_"
                case "=": nil
                default: character
                }
            }
        )
    }
}

/// A raw signature out of the base64 that remote signers write, with blanks at its ends; `nil` when it is none.
func signatureBytes(base64 text: some StringProtocol) -> [UInt8]? {
    let bytes = Data(base64Encoded: String(text)).map(Array.init)
    return bytes?.isEmpty == false ? bytes : nil
}
