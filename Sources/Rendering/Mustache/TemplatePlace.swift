// Where in a file a tag stands: inside a string, or as a word of the shell.

/// What is known of the text before a tag.
enum TemplatePlace: Equatable {
    case anywhere
    case doubleQuotes(DoubleQuotes)
    case shellWord(ShellQuotes)

    /// Takes the text up to the next tag.
    mutating func take(_ text: String) {
        switch self {
        case .anywhere: break
        case .doubleQuotes(var quotes):
            for byte in text.utf8 { quotes.take(byte) }
            self = .doubleQuotes(quotes)
        case .shellWord(var quotes):
            for byte in text.utf8 { quotes.take(byte) }
            self = .shellWord(quotes)
        }
    }

    /// Takes a value.
    mutating func takeValue() {
        guard case .shellWord(var quotes) = self else { return }
        quotes.takeWord()
        self = .shellWord(quotes)
    }

    /// Why no value can stand here; `nil` when one can.
    var objection: (message: String, fix: String)? {
        switch self {
        case .anywhere: nil
        case .doubleQuotes(let quotes): quotes.objection
        case .shellWord(let quotes): quotes.objection
        }
    }

    /// Joins this end of a section with its beginning, because the section may be left out or repeated.
    ///
    /// - Returns: whether both are in the same quotes.
    mutating func merge(with beginning: TemplatePlace) -> Bool {
        guard case .shellWord(var end) = self, case .shellWord(let begin) = beginning else { return self == beginning }
        guard end.merge(with: begin) else { return false }
        self = .shellWord(end)
        return true
    }

    /// Why a section can't be repeated that began so and ends here, already merged; `nil` when it can.
    func objection(toRepeatingFrom beginning: TemplatePlace) -> (message: String, fix: String)? {
        guard case .shellWord(let end) = self, case .shellWord(let begin) = beginning else { return nil }
        return end.objection(toRepeatingFrom: begin)
    }
}

/// Strings in double quotes that end on their line: JSON's, TOML's, YAML's.
struct DoubleQuotes: Equatable {
    private var isInside = false
    private var isEscaped = false

    mutating func take(_ byte: UInt8) {
        if byte == UInt8(ascii: "\n") {
            self = Self()
        } else if isEscaped {
            isEscaped = false
        } else if byte == UInt8(ascii: "\"") {
            isInside.toggle()
        } else if isInside, byte == UInt8(ascii: "\\") {
            isEscaped = true
        }
    }

    var objection: (message: String, fix: String)? {
        if isEscaped { return ("a backslash stands before the value", "remove it") }
        return isInside ? nil : ("the value does not stand in double quotes", "write \"{{...}}\"")
    }
}
