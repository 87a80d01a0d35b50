// The bytes of a log line, with a bound on each value and on the whole.

/// Collects the bytes of one line.
struct LineBuffer {
    /// How a character is written that a terminal or a parser would act on.
    enum Escaping {
        /// `\n`, `\u0007`: RFC 8259, section 7.
        case json
        /// `\n`, `\u{7}`.
        case text
    }

    private(set) var bytes: [UInt8] = []
    /// Whether a value was cut since this was last set to `false`.
    var hasCut = false
    /// How many bytes there may be. What is outside of values always has room.
    private let limit: Int

    init(limit: Int) {
        self.limit = limit
        bytes.reserveCapacity(1024)
    }

    mutating func append(_ text: StaticString) {
        text.withUTF8Buffer { bytes.append(contentsOf: $0) }
    }

    mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }

    /// Appends a value, escaped; at most `longest` bytes of it, and `...` when there are more.
    mutating func append(escaped text: String, _ escaping: Escaping, longest: Int) {
        let end = min(bytes.count + longest, limit)
        for scalar in text.unicodeScalars {
            let start = bytes.count
            append(scalar, escaping)
            guard bytes.count <= end else {
                bytes.removeSubrange(start...)
                append("...")
                hasCut = true
                return
            }
        }
    }

    private mutating func append(_ scalar: Unicode.Scalar, _ escaping: Escaping) {
        switch scalar {
        case "\"": append("\\\"")
        case "\\": append("\\\\")
        case "\n": append("\\n")
        case "\r": append("\\r")
        case "\t": append("\\t")
        case " "..."~": bytes.append(UInt8(truncatingIfNeeded: scalar.value))
        default:
            guard Self.mustBeEscaped(scalar) else { return bytes.append(contentsOf: scalar.utf8) }
            switch escaping {
            case .json: for unit in scalar.utf16 { append("\\u" + Self.hex(UInt32(unit), width: 4)) }
            case .text: append("\\u{" + Self.hex(scalar.value, width: 1) + "}")
            }
        }
    }

    /// Control characters, what turns the direction of text, line separators and what no one sees.
    private static func mustBeEscaped(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned: true
        default: false
        }
    }

    private static func hex(_ number: UInt32, width: Int) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
