// What a scalar means when a text, a number or a truth value is asked for.

extension YAMLValue {
    /// The scalar as text: `yes`, `0123`, `1.0` and `null` are the texts that they are.
    ///
    /// - Throws: ``YAMLProblems`` when it is a list, a mapping, or nothing at all.
    package func string() throws(YAMLProblems) -> String {
        guard case .scalar(let text, let style) = content, style != .plain || !text.isEmpty else {
            throw YAMLProblems(mistyped("text"))
        }
        return text
    }

    /// The scalar as a truth value: `true` or `false` without quotes, and nothing else.
    package func bool() throws(YAMLProblems) -> Bool {
        switch content {
        case .scalar("true", .plain): return true
        case .scalar("false", .plain): return false
        default: throw YAMLProblems(mistyped("true or false", showing: .textAndStyle))
        }
    }

    /// The scalar as a whole number: decimal digits without quotes, without leading zeros, signs other than `-`, or
    /// underscores.
    package func integer<Number: FixedWidthInteger>(_ type: Number.Type = Number.self) throws(YAMLProblems) -> Number {
        guard case .scalar(let text, .plain) = content else {
            throw YAMLProblems(mistyped("a whole number", showing: .textAndStyle))
        }
        let digits = text.utf8.first == UInt8(ascii: "-") ? text.utf8.dropFirst() : text.utf8[...]
        guard let first = digits.first, digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else {
            throw YAMLProblems(mistyped("a whole number", showing: .textAndStyle))
        }
        guard first != UInt8(ascii: "0") || digits.count == 1 else {
            throw YAMLProblems(
                mistyped("a whole number", showing: .textAndStyle, fix: "write it in decimal, without leading zeros")
            )
        }
        guard let number = Number(text) else {
            let range = "\(Number.min) to \(Number.max)"
            throw YAMLProblems(mistyped("a whole number", showing: .textAndStyle, fix: "it must lie in \(range)"))
        }
        return number
    }

    /// The scalar as a number: decimal, without quotes, finite.
    package func number() throws(YAMLProblems) -> Double {
        guard case .scalar(let text, .plain) = content, text.utf8.allSatisfy({ "0123456789+-.eE".utf8.contains($0) }),
            let number = Double(text), number.isFinite
        else {
            throw YAMLProblems(mistyped("a number", showing: .textAndStyle))
        }
        return number
    }
}
