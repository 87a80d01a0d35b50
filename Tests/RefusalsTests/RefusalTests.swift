// What a refusal looks like: one line, bounded, with nothing odd in it.

import Testing

@testable import Refusals

struct RefusalTests {
    @Test(arguments: [
        (Refusal(.notGranted, "no grant", fix: "ask"), "NotGranted: no grant; ask"),
        (Refusal(.notGranted, "no grant"), "NotGranted: no grant"),
        (Refusal(.fileInvalid, "a\nb\u{1B}[31m\u{7F}c"), "FileInvalid: a b [31m c"),
    ])
    func isOneLine(refusal: Refusal, text: String) { #expect(refusal.description == text) }

    @Test func isBounded() {
        let line = Refusal(.fileInvalid, String(repeating: "é", count: 1000), fix: "never shown").description
        #expect(line.utf8.count <= Refusal.longestLine)
        #expect(line.hasSuffix("é..."))
    }

    @Test(arguments: [
        ("plain", "\"plain\""), ("a\"b\nc\u{0}", "\"a?b?c?\""), ("naïve", "\"na?ve\""),
        (String(repeating: "x", count: 81), "\"" + String(repeating: "x", count: 80) + "...\""),
    ])
    func quotesWhatATenantWrote(text: String, shown: String) { #expect(Refusal.quoted(text) == shown) }

    @Test func codesAreUniqueAndOfOneForm() {
        let codes = Reason.all.map(\.code)
        #expect(Set(codes).count == codes.count)
        #expect(codes.allSatisfy { $0.first?.isUppercase == true && $0.allSatisfy { $0.isASCII && $0.isLetter } })
    }
}
