// Words of the shell, read by a shell.

import Testing

@testable import Rendering

@Suite struct ShellWordTests {
    /// A quote with a combining mark after it is one character in Swift, and two things for a shell.
    @Test(arguments: ["plain", "a'b", "'\u{301}", "a'\u{301}; touch pwned; '\u{301}", "''\u{301}'", "\\'", ""])
    func shReadsThem(text: String) async throws {
        try await withScratch { scratch in
            let answer = try await scratch.run("sh", ["-c", "printf '%s' \(ShellWord.quoted(text))"])
            #expect(Array(answer.output.utf8) == Array(text.utf8))
            #expect(answer.errors == "" && answer.isSuccess)
        }
    }
}

@Suite struct JSONNumberTests {
    @Test(arguments: [
        ("[1e18]", true), ("[1E5]", true), ("{\"a\": 2.5e3}", true), ("[\"\\\\\", 1e1]", true),
        ("[\"\\\"1e1\"]", false),
        ("[\"1e18\"]", false), ("[true, false, 10, 1.5]", false), ("{\"1e1\": \"\"}", false),
    ])
    func exponents(text: String, isThere: Bool) {
        #expect(JSONValue.hasExponent(text) == isThere)
    }
}
