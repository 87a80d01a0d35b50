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

/// Quotes of the POSIX shell. What would need a whole parser to follow is refused before a value.
struct ShellQuotes: Equatable {
    private enum State { case plain, single, double, comment }

    private var state = State.plain
    /// Whether a `#` here begins a comment; `nil` when that hangs on a section.
    private var isWordStart: Bool? = true
    private var previous: UInt8 = 0
    private var isEscaped = false
    /// In double quotes: inside `${`, where quotes nest.
    private var isInReference = false
    /// The first construct that can't be followed.
    private var trouble: String?

    mutating func take(_ byte: UInt8) {
        defer { previous = isEscaped ? 0 : byte }
        if isEscaped {
            (isEscaped, isWordStart) = (false, false)
            return
        }
        switch state {
        case .plain: takePlain(byte)
        case .single: if byte == UInt8(ascii: "'") { state = .plain }
        case .double: takeDouble(byte)
        case .comment: if byte == UInt8(ascii: "\n") { (state, isWordStart) = (.plain, true) }
        }
    }

    private mutating func takePlain(_ byte: UInt8) {
        let isDollar = previous == UInt8(ascii: "$")
        var startsWord = false
        switch byte {
        case UInt8(ascii: "\\"): isEscaped = true
        case UInt8(ascii: "'"):
            if isDollar { note("$'...'") }
            state = .single
        case UInt8(ascii: "\""): state = .double
        case UInt8(ascii: "`"): note("`...`")
        case UInt8(ascii: "#"):
            if isWordStart == nil { note("a # after a section") }
            if isWordStart == true { state = .comment }
        case UInt8(ascii: "<"): if previous == byte { note("<<") } else { startsWord = true }
        default: startsWord = " \t\n;&|()>".utf8.contains(byte)
        }
        isWordStart = startsWord
    }

    private mutating func takeDouble(_ byte: UInt8) {
        let isDollar = previous == UInt8(ascii: "$")
        switch byte {
        case UInt8(ascii: "\\"): isEscaped = true
        case UInt8(ascii: "\""):
            if isInReference { note("quotes in \"${...}\"") }
            (state, isWordStart) = (.plain, false)
        case UInt8(ascii: "`"): note("`...`")
        case UInt8(ascii: "("): if isDollar { note("$(...) in double quotes") }
        case UInt8(ascii: "{"): if isDollar { isInReference = true }
        case UInt8(ascii: "}"): isInReference = false
        default: break
        }
    }

    private mutating func note(_ what: String) { trouble = trouble ?? what }

    mutating func takeWord() { (previous, isWordStart) = (0, false) }

    mutating func merge(with beginning: Self) -> Bool {
        guard state == beginning.state, isEscaped == beginning.isEscaped, isInReference == beginning.isInReference
        else {
            return false
        }
        if isWordStart != beginning.isWordStart { isWordStart = nil }
        // What stands before the section may now stand before what follows it.
        if previous != beginning.previous, [previous, beginning.previous].contains(where: { "$<".utf8.contains($0) }) {
            note("$ or < at the edge of a section")
        }
        return true
    }

    var objection: (message: String, fix: String)? {
        if let trouble {
            return ("\(trouble) stands before the value, and what it quotes is not followed", "leave it out")
        }
        if isEscaped { return ("a backslash stands before the value", "remove it") }
        if previous == UInt8(ascii: "$") { return ("a $ stands before the value", "remove it") }
        guard state == .single || state == .double else { return nil }
        return ("the value stands in quotes, and brings its own", "remove the quotes around it")
    }
}
