// What the scalars of a configuration mean: names, paths, durations, patterns.

import StrictYAML

extension YAMLValue {
    /// A name that messages, logs and metrics can show as it is: letters, digits, `.`, `_` and `-`, at most 63.
    static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, text.utf8.count <= 63 else { return false }
        func alphanumeric(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
            case UInt8(ascii: "0")...UInt8(ascii: "9"): true
            default: false
            }
        }
        return alphanumeric(first) && text.utf8.allSatisfy { alphanumeric($0) || "._-".utf8.contains($0) }
    }

    static let nameRule =
        "names are letters, digits, \".\", \"_\" and \"-\", at most 63, and begin with a letter or digit"

    func name() throws(YAMLProblems) -> String {
        let text = try string()
        guard Self.isName(text) else { throw YAMLProblems(problem("it is no name", fix: Self.nameRule)) }
        return text
    }

    /// A text without spaces and control characters.
    func word(longest: Int) throws(YAMLProblems) -> String {
        let text = try string()
        guard !text.isEmpty, text.utf8.count <= longest, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw YAMLProblems(
                problem("it is empty, longer than \(longest) bytes, or holds a space or a character beyond ASCII")
            )
        }
        return text
    }

    /// The path of a file, from the root.
    func absolutePath(longest: Int = 4095) throws(YAMLProblems) -> String {
        let text = try string()
        guard text.hasPrefix("/"), !text.hasSuffix("/"), !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
            throw YAMLProblems(problem("it is no path of a file", fix: "write the whole path, from the root: /..."))
        }
        guard text.utf8.count <= longest else {
            throw YAMLProblems(problem("the path has \(text.utf8.count) bytes, and \(longest) fit"))
        }
        return text
    }

    func glob() throws(YAMLProblems) -> Glob {
        let text = try string()
        do throws(GlobError) { return try Glob(text) } catch { throw YAMLProblems(problem(error.message)) }
    }

    /// A whole number from a range.
    func integer(in range: ClosedRange<Int>) throws(YAMLProblems) -> Int {
        let number = try integer(Int.self)
        guard range.contains(number) else {
            throw YAMLProblems(problem("\(number) is not from \(range.lowerBound) to \(range.upperBound)"))
        }
        return number
    }

    /// A number from a range, with or without a fraction.
    func number(in range: ClosedRange<Double>) throws(YAMLProblems) -> Double {
        let number = try number()
        guard range.contains(number) else {
            let ends = [range.lowerBound, range.upperBound].map { $0 == $0.rounded() ? "\(Int($0))" : "\($0)" }
            throw YAMLProblems(problem("\(try string()) is not from \(ends[0]) to \(ends[1])"))
        }
        return number
    }

    /// A duration from a range: a whole number with its unit, `500ms`, `30s`, `5m` or `1h`.
    func duration(in range: ClosedRange<Duration>) throws(YAMLProblems) -> Duration {
        let text = try string()
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard !digits.isEmpty, digits.count <= 9, let number = Int64(digits),
            let duration = Self.duration(number, unit: text.dropFirst(digits.count))
        else {
            throw YAMLProblems(
                problem("it is no duration", fix: "write a whole number with its unit: 500ms, 30s, 5m or 1h")
            )
        }
        guard range.contains(duration) else {
            throw YAMLProblems(
                problem("it is not from \(Self.text(of: range.lowerBound)) to \(Self.text(of: range.upperBound))")
            )
        }
        return duration
    }

    private static func duration(_ number: Int64, unit: Substring) -> Duration? {
        switch unit {
        case "ms": .milliseconds(number)
        case "s": .seconds(number)
        case "m": .seconds(number * 60)
        case "h": .seconds(number * 3600)
        default: nil
        }
    }

    private static func text(of duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        if attoseconds != 0 { return "\(seconds * 1000 + attoseconds / 1_000_000_000_000_000)ms" }
        if seconds == 0 || seconds % 60 != 0 { return "\(seconds)s" }
        return seconds % 3600 == 0 ? "\(seconds / 3600)h" : "\(seconds / 60)m"
    }
}

extension YAMLValue.Entry {
    /// A problem whose place is the key's, and whose path is the value's.
    func problem(_ message: String, fix: String = "") -> YAMLProblem {
        YAMLProblem(file: value.file, line: line, column: column, path: value.path, message: message, fix: fix)
    }
}
