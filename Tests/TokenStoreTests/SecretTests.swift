// A secret never prints, whichever way one tries.

import Logging
import Testing
import TokenStore

@Suite struct SecretTests {
    private let text = "ghs_topsecret0123456789"

    @Test func printsNothing() {
        let secret = Secret(utf8: text)
        let token = IssuedToken(
            username: "x-access-token",
            secret: secret,
            expiresAt: nil,
            grantedScope: TokenScope(),
            handle: RevocationHandle(identifier: "1", secret: secret)
        )
        let call = HTTPCall("GET", "https://api.example", authorization: secret)
        var dumped = ""
        dump(secret, to: &dumped)
        dump(token, to: &dumped)
        dump(["by key": secret], to: &dumped)
        dump(call, to: &dumped)
        let printed = [
            "\(secret)", String(describing: secret), String(reflecting: secret), "\(token)", String(reflecting: token),
            "\([secret])", "\(Optional(secret) as Any)", "\(call)", "\(Logger.MetadataValue.stringConvertible(secret))",
            "\(Mirror(reflecting: secret).children.map { "\($0.value)" })", dumped,
        ]
        for line in printed {
            #expect(!line.contains("topsecret"))
            #expect(!line.contains(secret.reveal().map(String.init).joined(separator: ", ")))
        }
        #expect("\(secret)" == "<secret>")
        #expect(Mirror(reflecting: secret).children.isEmpty)
    }

    @Test func holdsItsBytes() {
        let secret = Secret(utf8: text)
        #expect(secret.revealText() == text)
        #expect(secret.reveal() == Array(text.utf8))
        #expect(secret.count == 23)
        #expect(!secret.isEmpty)
        #expect(Secret([]).isEmpty)
        #expect(Secret([]).reveal() == [])
        #expect(Secret([0xFF, 0x41]).revealText() == "\u{FFFD}A")
    }

    @Test func comparesByBytes() {
        #expect(Secret(utf8: "a") == Secret([0x61]))
        #expect(Secret(utf8: "a") != Secret(utf8: "b"))
        #expect(Secret(utf8: "a") != Secret(utf8: "aa"))
        #expect(Secret([]) == Secret(utf8: ""))
    }

    @Test func digestIsSHA256() {
        // The digest of "abc" from FIPS 180-4's examples.
        let digest = Secret(utf8: "abc").sha256.map { $0 }
        #expect(digest.prefix(4) == [0xBA, 0x78, 0x16, 0xBF])
        #expect(digest.count == 32)
    }
}
