// Permission bits as people who use Kubernetes write them.

/// Reads the permission bits of a file from the text of a YAML scalar.
///
/// YAML 1.1 takes `0444` for octal, YAML 1.2 for the decimal number 444, and JSON has no octal at all, so Kubernetes
/// objects are seen with `0444`, `"0444"`, `0o444` and `292`. The text decides here: with a leading `0` (or `0o`) it
/// is octal, without one it is refused, because nobody can tell what was meant.
enum FileMode {
    /// What a text means, or why it can't be taken.
    enum Reading: Equatable {
        case mode(Int)
        /// Not octal with a leading zero; the text may help.
        case unclear(fix: String)
    }

    static func read(_ text: String) -> Reading {
        let digits = text.hasPrefix("0o") ? text.dropFirst(2) : text.hasPrefix("0") ? text.dropFirst() : nil
        if let digits {
            // A lone 0 is a mode too, if a useless one; seven digits are more than any mode has.
            if digits.isEmpty, text == "0" { return .mode(0) }
            if (1...7).contains(digits.utf8.count), isNumber(digits), let mode = Int(digits, radix: 8) {
                return .mode(mode)
            }
            return .unclear(fix: "write it in octal with a leading 0, for example 0444")
        }
        guard isNumber(text[...]), let decimal = Int(text), decimal <= 0o7777 else {
            return .unclear(fix: "write it in octal with a leading 0, for example 0444")
        }
        let inOctal = "0" + String(decimal, radix: 8)
        guard Int(text, radix: 8) != nil else {
            return .unclear(fix: "write it in octal with a leading 0: the decimal number \(text) is \(inOctal)")
        }
        return .unclear(
            fix: "write it in octal with a leading 0: 0\(text), or \(inOctal) if the decimal number \(text) is meant"
        )
    }

    private static func isNumber(_ text: Substring) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }
}
