// How a value is written into each kind of file, and which values a kind can't carry.

/// The kinds of file that a template can be for.
///
/// No value that is escaped ends the line, the string, the element or the word that it stands in, whatever a store
/// answers; what could is refused.
enum TemplateEscape: String, CaseIterable {
    /// As it is: for lines of text.
    case none
    /// As it is, but nothing that readers of INI files take apart: comments, quotes, escapes, references.
    case ini
    /// Markup as entities; good in elements and in attributes (<https://www.w3.org/TR/xml/#syntax>).
    case xml
    /// For the inside of a string in double quotes. The three share the escapes that are used here:
    /// <https://www.rfc-editor.org/rfc/rfc8259#section-7>, <https://toml.io/en/v1.0.0#string>,
    /// <https://yaml.org/spec/1.2.2/#57-escaped-characters>.
    case json, toml, yaml
    /// A whole word of the POSIX shell, with its quotes.
    case shell

    /// The text as the file holds it; `nil` when it can't.
    func escaped(_ text: String) -> String? {
        guard !text.unicodeScalars.contains(where: Self.endsLine) else { return nil }
        switch self {
        case .none: return text
        case .ini: return Self.isPlainINI(text) ? text : nil
        case .xml: return text.unicodeScalars.contains(where: Self.isNoCharacter) ? nil : replaced(text, Self.entity)
        case .json, .toml, .yaml:
            return text.unicodeScalars.contains(where: Self.isNoCharacter) ? nil : replaced(text, Self.escape)
        case .shell: return text.utf8.allSatisfy { (0x20...0x7E).contains($0) } ? ShellWord.quoted(text) : nil
        }
    }

    /// What is wrong with a value that it can't carry.
    var objection: String {
        switch self {
        case .none: "holds a line break or another control character"
        case .ini: "holds a blank at an end, a quote, a backslash, ; # [ ${ %( or a control character"
        case .xml, .json, .toml, .yaml: "holds a control character, or one that is no character"
        case .shell: "holds non-ASCII text or a control character"
        }
    }

    /// Where values may stand, at the beginning of a template.
    var place: TemplatePlace {
        switch self {
        case .none, .ini, .xml: .anywhere
        case .json, .toml, .yaml: .doubleQuotes(DoubleQuotes())
        case .shell: .shellWord(ShellQuotes())
        }
    }

    /// Control characters (line breaks, U+0085 among them), and Unicode's two separators, which some readers take for line
    /// breaks.
    private static func endsLine(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }

    private static func isNoCharacter(_ scalar: Unicode.Scalar) -> Bool { scalar.properties.isNoncharacterCodePoint }

    private static func isPlainINI(_ text: String) -> Bool {
        guard let first = text.unicodeScalars.first, let last = text.unicodeScalars.last,
            !first.properties.isWhitespace, !last.properties.isWhitespace, first != "["
        else { return text.isEmpty }
        return !text.contains("${") && !text.contains("%(") && !text.utf8.contains { "\"'`\\;#".utf8.contains($0) }
    }

    private func replaced(_ text: String, _ replacement: (Unicode.Scalar) -> String?) -> String {
        text.unicodeScalars.reduce(into: "") { result, scalar in
            if let other = replacement(scalar) { result += other } else { result.unicodeScalars.append(scalar) }
        }
    }

    private static func entity(_ scalar: Unicode.Scalar) -> String? {
        switch scalar {
        case "&": "&amp;"
        case "<": "&lt;"
        case ">": "&gt;"
        case "\"": "&quot;"
        case "'": "&#39;"
        default: nil
        }
    }

    /// The apostrophe too, so that the string may stand in single quotes of another language.
    private static func escape(_ scalar: Unicode.Scalar) -> String? {
        switch scalar {
        case "\"": "\\\""
        case "\\": "\\\\"
        case "'": "\\u0027"
        case "\u{FEFF}": "\\uFEFF"
        default: nil
        }
    }
}
