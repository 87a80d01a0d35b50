// A client that proves itself with a JSON Web Token instead of a secret (RFC 7523).

import JWTKit
import TokenStore

/// The client assertion of a token call (RFC 7523, section 2.2).
enum ClientAssertion {
    /// <https://www.rfc-editor.org/rfc/rfc7523.html#section-2.2>
    static let type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    /// How long an assertion of our own is good; it is used at once.
    static let life: Duration = .seconds(300)

    /// Adds an assertion to a form.
    static func add(_ assertion: Secret, to form: inout FormBody) {
        form.add("client_assertion_type", type)
        form.add("client_assertion", assertion)
    }

    private struct Claims: JWTPayload {
        let iss: String
        let sub: String
        let aud: String
        let jti: String
        let iat: Int64
        let exp: Int64

        func verify(using algorithm: some JWTAlgorithm) throws {}
    }

    /// Signs an assertion with a key of the client's (`private_key_jwt` of OpenID Connect Core, section 9): RS256 with an
    /// RSA key, ES256 with a P-256 key.
    ///
    /// - Parameters:
    ///   - key: a private key in PEM.
    ///   - file: where it lies, for messages.
    ///   - audience: what the server calls itself, most often the token endpoint's URL.
    /// - Throws: ``TokenStoreError`` with code `misconfigured` when the file holds no such key.
    static func sign(
        clientID: String,
        audience: String,
        key: Secret,
        keyID: String?,
        file: String,
        now: UTCInstant
    ) async throws(TokenStoreError) -> Secret {
        let claims = Claims(
            iss: clientID,
            sub: clientID,
            aud: audience,
            jti: String(UInt64.random(in: .min ... .max), radix: 16)
                + String(UInt64.random(in: .min ... .max), radix: 16),
            iat: now.epochSeconds,
            exp: (now + life).epochSeconds
        )
        let pem = key.revealText()
        var header = JWTHeader()
        header.typ = "JWT"
        header.kid = keyID
        do {
            let keys = JWTKeyCollection()
            if let rsa = try? Insecure.RSA.PrivateKey(pem: pem) {
                await keys.add(rsa: rsa, digestAlgorithm: .sha256)
            } else {
                await keys.add(ecdsa: try ES256PrivateKey(pem: pem))
            }
            return Secret(utf8: try await keys.sign(claims, header: header))
        } catch {
            // The library's error may quote what it read, so it is not kept as a cause.
            throw TokenStoreError(
                .misconfigured,
                "\(file) holds no readable private key",
                fix: "put an RSA key of 2048 bits or more, or a P-256 key, there in PEM, without a passphrase"
            )
        }
    }
}
