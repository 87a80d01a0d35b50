// Which names a pattern stands for.

import Support
import Testing

@testable import Policy

@Suite struct GlobTests {
    @Test(arguments: [
        // Without wildcards.
        ("binder", "binder", true), ("binder", "binder2", false), ("binder", "xbinder", false),
        ("our-org/x", "our-org/x", true), ("our-org/x", "Our-Org/x", false), ("a", "", false),
        // `*` stays in one part, and may be nothing.
        ("our-org/*", "our-org/x", true), ("our-org/*", "our-org/x/y", false), ("our-org/*", "our-org", false),
        ("our-org/*", "our-orgs/x", false), ("*", "binder", true), ("*", "a/b", false), ("*", "", false),
        ("team-*", "team-", true), ("*-ci", "-ci", true), ("a*b", "ab", true), ("a*b", "a/b", false),
        ("*/*", "a/b", true), ("*/*", "a/b/c", false), ("*/x", "a/x", true), ("o/*-*-z", "o/a-b-z", true),
        ("o/*-*-z", "o/a-z", false), ("o/*.*", "o/.", true), ("*a*a", "aa", true), ("*a*a", "a", false),
        // `**` crosses parts.
        ("**", "a", true), ("**", "a/b/c", true), ("group/**", "group/a", true), ("group/**", "group/a/b/c", true),
        ("group/**", "group", false), ("**/x", "a/b/x", true), ("**/x", "x", false), ("a/**/z", "a/b/c/z", true),
        ("a/**/z", "a/z", false), ("a**z", "a/b/cz", true), ("***", "a/b", true), ("a/**b*c", "a/x/bxc", true),
        ("a/**b*c", "a/x/bx/c", false), ("a/**b*c", "a/bx/bc", true),
        // `?` is exactly one character but a slash.
        ("a?c", "abc", true), ("a?c", "ac", false), ("a?c", "a/c", false), ("??", "ab", true), ("??", "a", false),
        ("?*", "a", true), ("*?", "a", true), ("*?*", "a", true), ("a/?*/c", "a/b/c", true), ("a/?*/c", "a//c", false),
        // What is before and after the wildcards may not overlap.
        ("aba*ba", "aba", false), ("aba*ba", "ababa", true), ("ab**ba", "aba", false),
        // No name.
        ("**", "a b", false), ("**", "é", false), ("*", "a\n", false), ("a*", "a\u{0}", false), ("?", "\u{7F}", false),
    ])
    func matches(pattern: String, name: String, expected: Bool) throws {
        #expect(try Glob(pattern).matches(name) == expected)
    }

    @Test(arguments: [
        ("Our-Org/*", "our-org/X", true), ("our-org/tool-?*", "OUR-ORG/TOOL-x", true), ("o/*A*b", "O/xaxB", true),
        ("O/x", "o/X", true), ("o/x", "o/y", false), ("o/*-?-*", "O/a-B-c", true), ("o/*Z*1", "o/z1", true),
        ("o/*Z*1", "o/y1", false), ("o/*_*_", "o/a__", true), ("o/*_", "o/a-", false),
    ])
    func ignoresCase(pattern: String, name: String, expected: Bool) throws {
        #expect(try Glob(pattern).matches(name, ignoringCase: true) == expected)
    }

    @Test func regardsCaseUnlessTold() throws {
        #expect(try !Glob("Our-Org/*").matches("our-org/x"))
        #expect(try !Glob("o/*A*b").matches("o/xaxb"))
    }

    @Test(arguments: [
        ("", "an empty pattern matches nothing"),
        (
            "https://github.com/o/*",
            "the pattern is matched with names like owner/name, so leave out the scheme and the host"
        ),
        ("o/", "no name has an empty part; write owner/* for all repositories of owner"),
        ("/o", "no name has an empty part; write owner/* for all repositories of owner"),
        ("o//x", "no name has an empty part; write owner/* for all repositories of owner"),
        ("o/[ab]", "no name holds the character [; wildcards are *, ** and ? only"),
        ("(a|b)", "no name holds the character (; wildcards are *, ** and ? only"),
        ("o/{a,b}", "no name holds the character {; wildcards are *, ** and ? only"),
        ("!o/x", "no name holds the character !; wildcards are *, ** and ? only"),
        (#"o/\*"#, #"no name holds the character \; wildcards are *, ** and ? only"#),
        ("o/ x", "no name holds the character U+20; wildcards are *, ** and ? only"),
        ("o/é", "no name holds the character U+E9; wildcards are *, ** and ? only"),
        ("o/x\n", "no name holds the character U+A; wildcards are *, ** and ? only"),
        (String(repeating: "a", count: 513), "the pattern is longer than 512 bytes"),
        (
            "*" + String(repeating: "a", count: 126) + "*",
            "there are more than 127 characters between the first and the last wildcard"
        ),
    ])
    func refuses(pattern: String, message: String) {
        #expect(throws: GlobError(message)) { try Glob(pattern) }
    }

    @Test func takesTheLongestPatterns() throws {
        let part = String(repeating: "a", count: 125)
        #expect(try Glob("*\(part)*").matches("x\(part)y"))
        #expect(try !Glob("*\(part)*").matches("x\(part.dropLast())y"))
        let long = String(repeating: "b", count: 255)
        #expect(try Glob("o/\(long)").matches("o/\(long)"))
        #expect(try Glob("\(long)/*").matches("\(long)/x"))
    }

    /// A pattern that makes a matcher which takes choices back try more ways than there are atoms.
    @Test func hardPatternsEnd() throws {
        let hard = String(repeating: "*a", count: 40) + "*b"
        let name = String(repeating: "a", count: 20_000)
        #expect(try !Glob(hard).matches(name))
        #expect(try !Glob("**" + hard).matches(name))
        #expect(try Glob(hard).matches(name + "b"))
        #expect(try !Glob("**/" + String(repeating: "?*", count: 40) + "/b").matches(name))
    }

    /// Random patterns against the definition, spelled out.
    @Test func agreesWithTheDefinition() throws {
        var random = SeededRandom(seed: 1)
        var matched = 0
        for _ in 0..<10_000 {
            let pattern = random.text(of: ["a", "b", "A", "/", "*", "**", "?"], most: 7)
            let name = random.text(of: ["a", "b", "A", "/"], most: 8)
            guard let glob = try? Glob(pattern) else { continue }
            let expected = !name.isEmpty && defined(Array(pattern), Array(name))
            let folded = !name.isEmpty && defined(Array(pattern.lowercased()), Array(name.lowercased()))
            #expect(glob.matches(name) == expected, "\(pattern) \(name)")
            #expect(glob.matches(name, ignoringCase: true) == folded, "\(pattern) \(name)")
            if expected { matched += 1 }
        }
        #expect(matched > 500)
    }

    private func defined(_ pattern: [Character], _ name: [Character]) -> Bool {
        guard let first = pattern.first else { return name.isEmpty }
        if pattern.starts(with: "**") {
            return (0...name.count).contains { defined(Array(pattern.dropFirst(2)), Array(name.dropFirst($0))) }
        }
        if first == "*" {
            return (0...name.count).contains {
                !name.prefix($0).contains("/") && defined(Array(pattern.dropFirst()), Array(name.dropFirst($0)))
            }
        }
        guard let character = name.first, first == "?" ? character != "/" : character == first else { return false }
        return defined(Array(pattern.dropFirst()), Array(name.dropFirst()))
    }

    @Test(arguments: [
        ("a", 1...1, true), ("a", 2...2, false), ("a/*", 2...2, true), ("a/*", 3...9, false), ("**", 2...2, true),
        ("a/**", 2...2, true), ("a/**", 1...1, false), ("a/**/b", 2...2, false), ("a/**/b", 2...3, true),
    ])
    func knowsHowManyPartsItCanHave(pattern: String, parts: ClosedRange<Int>, expected: Bool) throws {
        #expect(try Glob(pattern).canMatch(parts: parts) == expected)
    }

    @Test(arguments: [("*", true), ("**", true), ("a*", false), ("?*", false)])
    func knowsItMatchesAll(pattern: String, expected: Bool) throws {
        #expect(try Glob(pattern).matchesEveryPart == expected)
    }
}
