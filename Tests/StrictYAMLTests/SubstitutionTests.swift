// Replacing scalars after parsing, and collecting problems.

import StrictYAML
import Testing

@Suite struct SubstitutionTests {
    @Test func valuesChangeAndKeysAndPlacesStay() throws {
        let value = try YAMLValue.parse("- ${x}\n- { \"${x}\": [\"${x}\", 5] }\n", file: "f")
        let mapped = value.mapScalars { text, _ in text == "${x}" ? "true" : text }
        #expect(mapped.elements?[0].text == "true")
        #expect(mapped.elements?[1].entries?[0].key == "${x}")
        #expect(mapped.elements?[1]["${x}"]?.elements?[0].text == "true")
        #expect(mapped.elements?[1]["${x}"]?.elements?[0].line == 2)
        #expect(mapped.elements?[1]["${x}"]?.elements?[1].decodesAsFive == true)
    }

    /// What is put in is text: it can't become a truth value, a number, a list or an alias.
    @Test(arguments: ["true", "5", "null", "[a, b]", "{a: b}", "*x", "a: b\nc: d", "!!x y", ""])
    func whatIsPutInIsText(put: String) throws {
        let value = try YAMLValue.parse("x", file: "f").mapScalars { _, _ in put }
        #expect(value.text == put)
        #expect(try value.string() == put)
        #expect(!value.isNull)
        #expect(throws: YAMLProblems.self) { try value.bool() }
        #expect(throws: YAMLProblems.self) { try value.integer(Int.self) }
        #expect(throws: YAMLProblems.self) { try value.sequence() }
        #expect(throws: YAMLProblems.self) { try value.mapping() }
    }

    @Test func whatIsThrownIsThrown() throws {
        struct Stop: Error {}
        let value = try YAMLValue.parse("[a]", file: "f")
        #expect(throws: Stop.self) { try value.mapScalars { _, _ in throw Stop() } }
    }

    @Test func problemsAreCollectedInTheOrderOfTheText() throws {
        let value = try YAMLValue.parse("a: x\nb: y\nc: 3\n", file: "f")
        var collector = YAMLProblemCollector()
        for entry in try value.mapping().reversed() {
            _ = collector.collect { () throws(YAMLProblems) -> Int in try entry.value.integer() }
        }
        #expect(throws: YAMLProblems.self) { try collector.finish() }
        #expect(YAMLProblems(collector.problems)?.problems.map(\.path) == ["a", "b"])
        try YAMLProblemCollector().finish()
    }

    @Test(arguments: [
        ("repositoris", "repositories"), ("role_arn", "roleARN"), ("Region", "region"), ("pemrissions", "permissions"),
        ("nmae", "name"), ("colour", nil), ("x", nil), ("", nil),
    ])
    func suggestions(word: String, meant: String?) {
        #expect(
            closestWord(to: word, among: ["repositories", "roleARN", "region", "permissions", "name", "to"]) == meant
        )
    }
}

extension YAMLValue {
    fileprivate var decodesAsFive: Bool { (try? integer(Int.self)) == 5 }
}
