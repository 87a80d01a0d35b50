// Which keys of a JSON Web Key Set count.

import Crypto
import CryptoExtras
import LoopbackCluster
import Testing
import TokenStore

@testable import Identity

@Suite struct SigningKeysTests {
    private static func keys(_ entries: [String]) throws -> SigningKeys {
        try SigningKeys(jwks: Array("{\"keys\":[\(entries.joined(separator: ","))]}".utf8))
    }

    /// The fixture's key set as text, for changes to it.
    private static func fixture() throws -> String {
        String(decoding: try Fixture.issuer.get().jwks(), as: UTF8.self)
    }

    private static func ec(_ key: P256.Signing.PublicKey, _ more: String) -> String {
        let raw = Array(key.rawRepresentation)
        let point = "\"x\":\"\(base64url(raw[..<32]))\",\"y\":\"\(base64url(raw[32...]))\""
        return "{\"kty\":\"EC\",\"crv\":\"P-256\",\(point)\(more)}"
    }

    @Test func theKeysOfAClusterAreRead() throws {
        let keys = try SigningKeys(jwks: Fixture.issuer.get().jwks())
        #expect(keys.count == 2)
        #expect(keys.ignored == 0)
        #expect(keys[""] == nil)
    }

    @Test func keysOfOtherUseAreLeftOut() throws {
        let p384 = Array(P384.Signing.PrivateKey().publicKey.rawRepresentation)
        let small = try _RSA.Signing.PrivateKey(unsafeKeySize: .init(bitCount: 1024)).publicKey.getKeyPrimitives()
        let right = P256.Signing.PrivateKey().publicKey
        let keys = try Self.keys([
            Self.ec(right, ",\"kid\":\"right\",\"alg\":\"ES256\",\"use\":\"sig\",\"key_ops\":[\"verify\"]"),
            Self.ec(right, ",\"kid\":\"bare\""),
            Self.ec(right, ",\"kid\":\"enc\",\"use\":\"enc\""),
            Self.ec(right, ",\"kid\":\"ops\",\"key_ops\":[\"encrypt\"]"),
            Self.ec(right, ",\"kid\":\"alg\",\"alg\":\"RS256\""),
            Self.ec(right, ",\"kid\":\"\""),
            Self.ec(right, ""),
            "{\"kty\":\"EC\",\"crv\":\"P-384\",\"kid\":\"p384\",\"x\":\"\(base64url(p384[..<48]))\",\"y\":\"\(base64url(p384[48...]))\"}",
            "{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"off\",\"x\":\"\(base64url([UInt8](repeating: 1, count: 32)))\",\"y\":\"\(base64url([UInt8](repeating: 1, count: 32)))\"}",
            "{\"kty\":\"RSA\",\"kid\":\"small\",\"n\":\"\(base64url(small.modulus))\",\"e\":\"AQAB\"}",
            "{\"kty\":\"oct\",\"kid\":\"oct\",\"k\":\"c2VjcmV0\"}",
            "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"ed\",\"x\":\"\(base64url([UInt8](repeating: 7, count: 32)))\"}",
            "{\"kty\":7}", "7", "null",
        ])
        #expect(keys.count == 2)
        #expect(keys["right"]?.algorithm == .es256)
        #expect(keys["bare"]?.algorithm == .es256)
        for id in ["enc", "ops", "alg", "", "p384", "off", "small", "oct", "ed"] { #expect(keys[id] == nil, "\(id)") }
        #expect(keys.ignored == 13)
    }

    @Test func ofTwoKeysWithOneIDTheFirstCounts() throws {
        let first = P256.Signing.PrivateKey()
        let second = P256.Signing.PrivateKey()
        let keys = try Self.keys([
            Self.ec(first.publicKey, ",\"kid\":\"a\""), Self.ec(second.publicKey, ",\"kid\":\"a\""),
        ])
        let bytes = Array("text".utf8)
        let key = try #require(keys["a"])
        #expect(key.signed(bytes[...], as: Array(try first.signature(for: bytes).rawRepresentation)))
        #expect(!key.signed(bytes[...], as: Array(try second.signature(for: bytes).rawRepresentation)))
    }

    @Test(arguments: [
        ("", "is no JSON Web Key Set: it must be a JSON object with a list \"keys\""),
        ("<html>", "is no JSON Web Key Set: it must be a JSON object with a list \"keys\""),
        ("[]", "is no JSON Web Key Set: it must be a JSON object with a list \"keys\""),
        ("{\"keys\":{}}", "is no JSON Web Key Set: it must be a JSON object with a list \"keys\""),
        (
            "{\"keys\":[{\"kty\":\"oct\",\"kid\":\"a\"}]}",
            "holds no usable key (1 listed): needed is a signing key with a kid, RSA of at least 2048 bits for RS256 or "
                + "P-256 for ES256"
        ),
    ])
    func whatIsNoKeySetIsRefused(_ text: String, _ problem: String) {
        do throws(SigningKeys.Problem) {
            _ = try SigningKeys(jwks: Array(text.utf8))
            Issue.record("accepted")
        } catch { #expect(error.message == problem) }
    }

    @Test func aKeySetKnowsWhetherItIncludesAnOlderOne() throws {
        let a = P256.Signing.PrivateKey().publicKey
        let b = P256.Signing.PrivateKey().publicKey
        let one = try Self.keys([Self.ec(a, ",\"kid\":\"a\"")])
        let both = try Self.keys([Self.ec(a, ",\"kid\":\"a\""), Self.ec(b, ",\"kid\":\"b\"")])
        let changed = try Self.keys([Self.ec(b, ",\"kid\":\"a\"")])
        #expect(both.includes(one))
        #expect(!one.includes(both))
        #expect(!changed.includes(one))
    }

    @Test(
        arguments: [
            ("", []), ("AA", [0]), ("AQAB", [1, 0, 1]), ("-_-_", [251, 255, 191]), ("_w", [255]), ("__8", [255, 255]),
        ] as [(String, [UInt8])]
    )
    func base64urlIsRead(_ text: String, _ bytes: [UInt8]) { #expect(Base64URL.decode(text.utf8) == bytes) }

    @Test(arguments: ["A", "AA==", "+/+/", "AB", "AAAAA", "A A", "AA\n", "é"])
    func whatIsNoBase64urlIsRefused(_ text: String) { #expect(Base64URL.decode(text.utf8) == nil) }
}
