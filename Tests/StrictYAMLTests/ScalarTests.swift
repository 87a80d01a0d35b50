// What a scalar means, by what is asked for.

import StrictYAML
import Testing

private func scalar(_ text: String) throws -> YAMLValue {
    try #require(try YAMLValue.parse("key: \(text)\n", file: "f")["key"])
}

private func message<Value>(_ read: () throws(YAMLProblems) -> Value) -> String? {
    do {
        _ = try read()
        return nil
    } catch {
        return error.first.fix.isEmpty ? error.first.message : "\(error.first.message); \(error.first.fix)"
    }
}

@Suite struct ScalarTests {
    @Test(arguments: [
        ("yes", "yes"), ("0123", "0123"), ("1.0", "1.0"), ("null", "null"), ("~", "~"), ("'5'", "5"), ("\"\"", ""),
        ("2026-01-01", "2026-01-01"), ("off", "off"), ("1_000", "1_000"), ("0x1F", "0x1F"), (".inf", ".inf"),
        ("|\n  a\n  b\n", "a\nb\n"), (">-\n  a\n  b\n", "a b"), ("12:30:45", "12:30:45"), ("=", "="),
    ])
    func aTextIsItsText(written: String, text: String) throws {
        #expect(try scalar(written).string() == text)
        #expect(try scalar(written).decode(String.self) == text)
    }

    @Test func nothingIsNoText() throws {
        let nothing = try scalar("")
        #expect(message { () throws(YAMLProblems) in try nothing.string() } == "expected text, found nothing")
    }

    @Test(arguments: [
        ("yes", "the text \"yes\""), ("True", "the text \"True\""), ("'true'", "the text \"true\" in quotes"),
        ("1", "the text \"1\""), ("", "nothing"), ("[]", "a list"), ("{}", "a mapping"),
    ])
    func onlyTrueAndFalseAreTruthValues(written: String, found: String) throws {
        let value = try scalar(written)
        #expect(message { () throws(YAMLProblems) in try value.bool() } == "expected true or false, found \(found)")
    }

    @Test func truthValues() throws {
        #expect(try scalar("true").bool())
        #expect(try !scalar("false").bool())
        #expect(try scalar("true").decode(Bool.self))
    }

    @Test(arguments: [
        ("0", 0), ("7", 7), ("-12", -12), ("9223372036854775807", Int.max), ("-9223372036854775808", .min),
    ])
    func wholeNumbers(written: String, number: Int) throws {
        #expect(try scalar(written).integer() == number)
        #expect(try scalar(written).decode(Int.self) == number)
    }

    @Test(arguments: [
        ("0444", "the text \"0444\"; write it in decimal, without leading zeros"), ("0x10", "the text \"0x10\""),
        ("0o17", "the text \"0o17\""), ("+5", "the text \"+5\""), ("1_000", "the text \"1_000\""),
        ("1.0", "the text \"1.0\""),
        ("'5'", "the text \"5\" in quotes"), ("-", "the text \"-\""), ("", "nothing"), ("five", "the text \"five\""),
        (
            "9223372036854775808",
            """
            the text "9223372036854775808"; it must lie in -9223372036854775808 to 9223372036854775807
            """
        ),
    ])
    func noWholeNumbers(written: String, found: String) throws {
        // A lone "-" would begin a list.
        let value = try YAMLValue.parse("[\(written == "" ? "a: " : written)]", file: "f").elements?.first
        let read = try #require(written == "" ? value?["a"] : value)
        #expect(
            message { () throws(YAMLProblems) in try read.integer(Int.self) }
                == "expected a whole number, found \(found)"
        )
    }

    @Test func narrowNumbersHaveTheirRange() throws {
        let value = try scalar("300")
        #expect(
            message { () throws(YAMLProblems) in try value.decode(UInt8.self) }
                == "expected a whole number, found the text \"300\"; it must lie in 0 to 255"
        )
        #expect(try value.decode(UInt16.self) == 300)
    }

    @Test(arguments: [("1.5", 1.5), ("-3", -3), ("2e3", 2000)])
    func numbers(written: String, number: Double) throws {
        #expect(try scalar(written).decode(Double.self) == number)
    }

    @Test(arguments: [".nan", "inf", "nan", "0x10", "'1.5'", "one", "1e999", "[]"])
    func noNumbers(written: String) throws {
        let value = try scalar(written)
        #expect(
            message { () throws(YAMLProblems) in try value.number() }?.hasPrefix("expected a number, found ") == true
        )
    }
}
