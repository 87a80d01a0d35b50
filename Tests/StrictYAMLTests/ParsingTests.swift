// What is taken as YAML and what is refused before anything is decoded.

import StrictYAML
import Testing

/// Parses one document, and returns the lines that a person would see.
private func problems(_ text: String, limits: YAMLLimits = YAMLLimits()) -> [String] {
    do {
        _ = try YAMLValue.parse(text, file: "f.yaml", limits: limits)
        return []
    } catch {
        return error.problems.map(\.description)
    }
}

@Suite struct ParsingTests {
    @Test func valuesKnowTheirPlace() throws {
        let value = try YAMLValue.parse("a:\n  - x: 1\n    \"y z\":\n      - |\n        text\n", file: "f.yaml")
        let list = try #require(value["a"]?.elements)
        let block = try #require(list[0]["y z"]?.elements?[0])
        #expect((block.line, block.column) == (4, 9))
        #expect(block.path == "a[0][\"y z\"][0]")
        #expect(block.file == "f.yaml")
        #expect(block.text == "text\n")
        let entry = try #require(list[0].entries?[1])
        #expect((entry.key, entry.line, entry.column) == ("y z", 3, 5))
    }

    @Test func placesCanBeShiftedForATextInsideAnother() throws {
        let origin = YAMLOrigin(file: "f.yaml", path: "spec.tokens", line: 10, column: 4)
        let value = try YAMLValue.parse("- a: 1\n  b: 2\n", from: origin)
        let second = try #require(value.elements?[0]["b"])
        #expect((second.line, second.column, second.path) == (12, 10, "spec.tokens[0].b"))
        let broken = YAMLProblem(
            file: "f.yaml",
            line: 12,
            column: 5,
            path: "spec.tokens",
            message: "it is no YAML: while parsing a flow sequence: did not find expected ',' or ']'"
        )
        #expect(throws: YAMLProblems(broken)) { try YAMLValue.parse("a: [1\n", from: origin) }
    }

    @Test(arguments: [
        ("", "f.yaml:1:1: there is nothing in it"),
        ("# only a comment\n", "f.yaml:1:1: there is nothing in it"),
        (
            "a: 1\n---\nb: 2\n",
            "f.yaml:3:1: a second document begins here, and one is expected; remove the \"---\" line"
        ),
        ("a: [1, 2\n", "f.yaml:2:1: it is no YAML: while parsing a flow sequence: did not find expected ',' or ']'"),
        ("a: b: c\n", "f.yaml:1:5: it is no YAML: mapping values are not allowed in this context"),
        ("a: \u{7}\n", "f.yaml:1:1: it is no YAML: control characters are not allowed"),
        ("a: 1\nb: 2\na: 3\n", "f.yaml:1:1: the key \"a\" appears more than once in this mapping; keep one"),
        ("a: 1\n\"a\": 2\n", "f.yaml:1:1: the key \"a\" appears more than once in this mapping; keep one"),
        (
            "a: &x [1]\nb: *x\n",
            "f.yaml:2:4: anchors and aliases (&name, *name) are not accepted; write the value out"
        ),
        (
            "a: &x 1\nb: { c: &y 2 }\n",
            """
            f.yaml:1:4: a: anchors and aliases (&name, *name) are not accepted; write the value out
            f.yaml:2:9: b.c: anchors and aliases (&name, *name) are not accepted; write the value out
            """
        ),
        ("a: *missing\n", "f.yaml:1:4: it is no YAML: found undefined alias"),
        ("<<: { b: 1 }\n", "f.yaml:1:1: merge keys (<<) are not accepted; write the keys out"),
        ("? [a]\n: b\n", "f.yaml:1:3: a key must be a plain text, not a list or a mapping"),
        ("'': b\n", "f.yaml:1:1: a key is empty"),
        ("a: !secret b\n", "f.yaml:1:4: a: the tag \"!secret\" is not accepted; remove the tag"),
        (
            "a: !!binary aGk=\n",
            "f.yaml:1:4: a: the tag \"tag:yaml.org,2002:binary\" is not accepted; remove the tag"
        ),
        (
            "a: !!python/object:os.system [ls]\n",
            """
            f.yaml:1:4: a: the tag "tag:yaml.org,2002:python/object:os.system" is not accepted; remove the tag
            """
        ),
    ])
    func refuses(text: String, lines: String) {
        #expect(problems(text) == lines.split(separator: "\n").map(String.init))
    }

    @Test func anchorsAreRefusedWhereTheyAre() {
        #expect(!problems("- &a b\n").isEmpty)
        #expect(!problems("&a b: c\n").isEmpty)
        #expect(!problems("a: !!str &b c\n").isEmpty)
    }

    /// Nested aliases in a key make Yams hash an exponential tree; this must come back at once.
    @Test func nestedAliasesCostNothing() {
        var text = "a0: &a0 [x, x]\n"
        for level in 1...40 { text += "a\(level): &a\(level) [*a\(level - 1), *a\(level - 1)]\n" }
        text += "? *a40\n: boom\n"
        #expect(
            problems(text) == ["f.yaml:2:10: anchors and aliases (&name, *name) are not accepted; write the value out"]
        )
        #expect(problems(text.replacing("\n", with: "\r")).count == 1)
        #expect(
            problems("- \"\n# \"\n- &a [x]\n- \"\n# \"\n- ? *a\n  : b\n").first?.hasPrefix("f.yaml:6:5: anchors")
                == true
        )
    }

    /// Each explicit key is hashed with all that is inside it, so nested ones cost quadratic time.
    @Test func nestedExplicitKeysCostNothing() {
        let inside = "[" + String(repeating: "a,", count: 200_000) + "]"
        let refusal = "explicit keys (? key) are not accepted; write key: value"
        #expect(problems(String(repeating: "? ", count: 900) + inside) == ["f.yaml:1:1: \(refusal)"])
        #expect(problems(String(repeating: "{?", count: 900) + inside) == ["f.yaml:1:2: \(refusal)"])
        let quoted = problems("[\"\n# \", " + String(repeating: "{?", count: 900) + inside)
        #expect(quoted == ["f.yaml:2:7: \(refusal)"])
        #expect(problems(String(repeating: "#\r? ", count: 900) + inside) == ["f.yaml:1:3: \(refusal)"])
        #expect(problems(String(repeating: "#\u{2028}? ", count: 900) + inside) == ["f.yaml:1:3: \(refusal)"])
    }

    @Test func questionsAreNoKeys() {
        let comment = String(repeating: "# why ? *x and &x\n", count: 100)
        #expect(problems(comment + "a: https://example.org/?b=1\nc: why ?\n  # d ?\n") == [])
    }

    @Test func globsAndAmpersandsAreNoAliases() throws {
        let text = """
            globs: ["our-org/*", '*', "*/x"]
            query: https://example.org/?a=1&b=2&c=*
            shell: a && b *
            """
        #expect(problems(text) == [])
    }

    @Test func sizeAndDepthAreBounded() {
        #expect(
            problems("a: \(String(repeating: "x", count: 100))", limits: YAMLLimits(bytes: 50)) == [
                "f.yaml:1:1: it is 103 bytes long, and 50 are allowed"
            ]
        )
        let deep = String(repeating: "[", count: 40) + String(repeating: "]", count: 40)
        #expect(
            problems(deep) == [
                "f.yaml:1:33: \(String(repeating: "[0]", count: 32)): it is nested deeper than 32 levels"
            ]
        )
        #expect(problems(String(repeating: "[", count: 32) + String(repeating: "]", count: 32)) == [])
        let blocks = (0..<40).map { String(repeating: " ", count: $0) + "a:" }.joined(separator: "\n")
        #expect(problems(blocks).count == 1)
    }

    /// Yams builds its tree recursively: what is far too deep must be refused before that.
    @Test(arguments: ["[", "- ", "{a: ", "[a: ", "[{b: "], [65, 1000, 20_000, 100_000])
    func nestingIsRefusedBeforeATreeIsBuilt(opening: String, levels: Int) {
        let found = problems(String(repeating: opening, count: levels))
        #expect(found.count == 1)
        #expect(found.first?.hasSuffix(": it is nested deeper than 32 levels") == true)
    }

    @Test func nestedMappingsOfLinesAreBounded() {
        let blocks = (0..<900).map { String(repeating: " ", count: $0) + "a:" }.joined(separator: "\n")
        #expect(problems(blocks) == ["f.yaml:64:64: it is nested deeper than 32 levels"])
        let lists = (0..<900).map {
            String(repeating: "  ", count: $0) + "a:\n" + String(repeating: "  ", count: $0) + "-"
        }
        #expect(problems(lists.joined(separator: " ")).count == 1)
    }

    @Test func keysAreCounted() {
        let limits = YAMLLimits(keys: 3)
        #expect(problems("[{a, b, c}, {d, e, f}]", limits: limits) == [])
        #expect(
            problems("[{a, b, c, d}]", limits: limits) == ["f.yaml:1:2: [0]: the mapping has 4 keys, and 3 are allowed"]
        )
    }

    @Test func valuesAreCounted() {
        let limits = YAMLLimits(nodes: 6)
        #expect(problems("a: [1, 2]\nb: {c: 3}\n", limits: limits) == [])
        let refusal = "there are more than 6 values in all"
        #expect(problems("[1, 2, 3, 4, 5, 6, 7, 8]", limits: limits) == ["f.yaml:1:17: [5]: \(refusal)"])
        #expect(problems("a: [1, 2]\nb: {c: 3, d: 4}\n", limits: limits) == ["f.yaml:2:14: b.d: \(refusal)"])
        #expect(problems("---\n[1, 2, 3]\n---\n[4, 5]\n", limits: limits).first?.hasSuffix(refusal) == true)
    }

    @Test func theReadingEndsWithEnoughProblems() {
        let text = (0..<50).map { "k\($0): !x y\n" }.joined()
        #expect(
            problems(text, limits: YAMLLimits(problems: 3)).map { $0.prefix(8) } == [
                "f.yaml:1", "f.yaml:2", "f.yaml:3",
            ]
        )
    }

    @Test func aFloodOfProblemsIsCut() {
        let text = (0..<500).map { "k\($0): !x y\n" }.joined()
        #expect(problems(text).count == YAMLProblems.most)
    }

    @Test func coreTagsChangeNothing() throws {
        let value = try YAMLValue.parse("a: !!str 5\nb: !!int 6\nc: !!map {}\nd: !!seq []\ne: ! f\n", file: "f")
        #expect(value["a"]?.text == "5")
        #expect(value["e"]?.text == "f")
    }

    @Test func severalDocuments() throws {
        let all = try YAMLValue.documents("---\na: 1\n---\n---\n# nothing\n---\nb: 2\n...\n", file: "f")
        #expect(all.map { $0.entries?.first?.key } == ["a", "b"])
        #expect(all[1].line == 7)
    }

    @Test func linesCountWithEveryLineBreak() throws {
        let value = try YAMLValue.parse("a: 1\r\nb: ü\r\nc: 3\r\n", file: "f")
        #expect(value["c"]?.line == 3)
    }

    /// A key or a token that was pasted into the wrong place must not be repeated.
    @Test func textIsNotShownWhereAListOrMappingIsExpected() throws {
        let value = try YAMLValue.parse("privateKey: ghp_secret\n", file: "f")
        let key = try #require(value["privateKey"])
        #expect(throws: YAMLProblems(key.problem("expected a mapping (key: value), found text"))) { try key.mapping() }
        #expect(throws: YAMLProblems(key.problem("expected a list, found text"))) { try key.sequence() }
        #expect(problems("key: ghp_secret: {").first?.contains("ghp_secret") == false)
    }

    @Test func oddTextIsShownHarmless() {
        let shown = problems("\"a\\n\\e[31mü\\\"b\": !x y\n")
        #expect(shown == ["f.yaml:1:18: [\"a??[31m??b\"]: the tag \"!x\" is not accepted; remove the tag"])
        let long = problems("\(String(repeating: "k", count: 90)): 1\n\(String(repeating: "k", count: 90)): 2\n")
        #expect(
            long == [
                "f.yaml:1:1: the key \"\(String(repeating: "k", count: 60))...\" appears more than once in this mapping; "
                    + "keep one"
            ]
        )
    }
}
