// The key of a token server, and tokens as registries verify them.

import Crypto
import CryptoExtras
import Foundation
import Subprocess

/// Signs registry tokens with RS256 (<https://distribution.github.io/distribution/spec/auth/jwt/>).
package struct RegistrySigner: Sendable {
    /// How a token names the key that signed it.
    package enum KeyStyle: Sendable, CaseIterable {
        /// docker's own fingerprint of the key, in `kid`: the first 30 bytes of the digest of the public key, in base32.
        case fingerprint
        /// The certificate itself, in `x5c`.
        case certificate
    }

    /// The certificate, in PEM: what a registry trusts as `rootcertbundle`.
    package let certificatePEM: String
    private let key: _RSA.Signing.PrivateKey
    private let certificateDER: String

    /// Makes a key and a certificate with openssl.
    package static func make() async throws -> Self {
        let made = try await run(
            .name("openssl"),
            arguments: [
                "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=token server",
                "-keyout", "/dev/stdout", "-out", "/dev/stdout",
            ],
            output: .string(limit: 1 << 16),
            error: .string(limit: 1 << 16)
        )
        return try Self(pem: made.standardOutput)
    }

    /// - Parameter pem: a private key and a certificate.
    init(pem: String) throws {
        let keyPEM = try Self.block("PRIVATE KEY", in: pem)
        certificatePEM = try Self.block("CERTIFICATE", in: pem)
        key = try _RSA.Signing.PrivateKey(pemRepresentation: keyPEM)
        certificateDER = certificatePEM.split(separator: "\n").filter { !$0.hasPrefix("-----") }.joined()
    }

    private static func block(_ name: String, in pem: String) throws -> String {
        let (begin, end) = ("-----BEGIN \(name)-----", "-----END \(name)-----")
        guard let start = pem.range(of: begin), let stop = pem.range(of: end) else {
            throw RegistryFailure("openssl made no \(name)")
        }
        return pem[start.lowerBound..<stop.upperBound] + "\n"
    }

    /// docker's fingerprint of a key: `ABCD:EFGH:...`, twelve groups.
    package var fingerprint: String {
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
        let digest = Array(SHA256.hash(data: key.publicKey.derRepresentation)).prefix(30)
        var bits = 0
        var held = 0
        var text: [Character] = []
        for byte in digest {
            bits = (bits << 8 | Int(byte)) & 0xFFFF
            held += 8
            while held >= 5 {
                held -= 5
                if text.count % 5 == 4 { text.append(":") }
                text.append(letters[bits >> held & 31])
            }
        }
        return String(text)
    }

    private struct Header: Codable {
        var typ = "JWT"
        var alg = "RS256"
        var kid: String?
        var x5c: [String]?
    }

    func sign(_ claims: RegistryClaims, _ style: KeyStyle) throws -> String {
        let header =
            switch style {
            case .fingerprint: Header(kid: fingerprint)
            case .certificate: Header(x5c: [certificateDER])
            }
        let parts = try [JSONEncoder().encode(header), JSONEncoder().encode(claims)].map(Self.base64URL)
        let signed = parts.joined(separator: ".")
        let signature = try key.signature(for: SHA256.hash(data: Data(signed.utf8)), padding: .insecurePKCS1v1_5)
        return "\(signed).\(Self.base64URL(signature.rawRepresentation))"
    }

    /// The claims of a token that this key signed; `nil` for any other.
    func verify(_ token: String) -> RegistryClaims? {
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let payload = Self.decode(parts[1]), let signature = Self.decode(parts[2]),
            key.publicKey.isValidSignature(
                _RSA.Signing.RSASignature(rawRepresentation: signature),
                for: SHA256.hash(data: Data("\(parts[0]).\(parts[1])".utf8)),
                padding: .insecurePKCS1v1_5
            )
        else { return nil }
        return try? JSONDecoder().decode(RegistryClaims.self, from: payload)
    }

    private static func base64URL(_ data: Data) -> String {
        data.base64EncodedString().replacingOccurrences(of: "+", with: "-").replacingOccurrences(of: "/", with: "_")
            .replacingOccurrences(of: "=", with: "")
    }

    private static func decode(_ text: Substring) -> Data? {
        let standard = text.replacingOccurrences(of: "-", with: "+").replacingOccurrences(of: "_", with: "/")
        return Data(base64Encoded: standard + String(repeating: "=", count: (4 - standard.count % 4) % 4))
    }
}

/// Why the registry's scenery does not stand.
package struct RegistryFailure: Error, CustomStringConvertible {
    package let description: String
    init(_ description: String) { self.description = description }
}

/// What a token says. The audience is one text: registries before 3.0 take no list.
struct RegistryClaims: Codable, Sendable {
    let iss: String
    let sub: String
    let aud: String
    let exp: Int64
    let nbf: Int64
    let iat: Int64
    let jti: String
    let access: [RegistryAccess]
}

/// One resource and what may be done with it.
package struct RegistryAccess: Codable, Sendable, Hashable {
    package var type: String
    package var name: String
    package var actions: [String]

    package init(_ name: String, _ actions: [String], type: String = "repository") {
        self.type = type
        self.name = name
        self.actions = actions
    }
}
