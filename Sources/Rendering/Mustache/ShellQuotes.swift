// Quotes and comments of the shell, as far as a template's checks follow them.

/// Quotes of the POSIX shell and of bash. What would need a whole parser to follow is refused before a value.
struct ShellQuotes: Equatable {
    private enum State { case plain, single, double, comment }

    private var state = State.plain
    /// Whether a `#` here begins a comment; `nil` when that hangs on a section, a bracket or the locale.
    private var isWordStart: Bool? = true
    /// The byte before, as long as it could begin something together with the next one.
    private var previous: UInt8 = 0
    private var isEscaped = false
    /// Inside `${`, in plain text or in double quotes.
    private var isInReference = false
    /// How many bytes were judged by whether they begin a word.
    private var judged = 0
    /// The first construct that can't be followed.
    private var trouble: String?

    mutating func take(_ byte: UInt8) {
        if isEscaped {
            isEscaped = false
            // The shell drops a backslash and a line end before it looks for words.
            if byte != UInt8(ascii: "\n") { (previous, isWordStart) = (0, false) }
            return
        }
        if byte == UInt8(ascii: "\\"), state == .plain || state == .double {
            isEscaped = true
            if isInReference { note("a backslash in ${...}") }
            return
        }
        let isDollar = previous == UInt8(ascii: "$")
        switch state {
        case .single: if byte == UInt8(ascii: "'") { state = .plain }
        case .comment: if byte == UInt8(ascii: "\n") { (state, isWordStart) = (.plain, true) }
        case .plain where isInReference, .double where isInReference: takeReference(byte)
        case .plain: takePlain(byte, isDollar: isDollar)
        case .double: takeDouble(byte, isDollar: isDollar)
        }
        // $$ is a variable of its own.
        previous = isDollar && byte == UInt8(ascii: "$") ? 0 : byte
    }

    private mutating func takePlain(_ byte: UInt8, isDollar: Bool) {
        var startsWord: Bool? = false
        switch byte {
        case UInt8(ascii: "'"):
            if isDollar { note("$'...'") }
            state = .single
        case UInt8(ascii: "\""): state = .double
        case UInt8(ascii: "`"): note("`...`")
        case UInt8(ascii: "#"):
            judged += 1
            if isWordStart == nil { note("a # that may begin a comment or not") }
            if isWordStart == true { state = .comment }
        case UInt8(ascii: "["):
            // Subscripts, old arithmetic and [[ have rules of their own.
            judged += 1
            if isWordStart != true || previous == byte { note("a [ in a word") }
        case UInt8(ascii: "{"): isInReference = isDollar
        case UInt8(ascii: "("):
            if previous == byte { note("((") }
            // Patterns and arrays of bash.
            if "?*+@!=".utf8.contains(previous) { note("a ( in a word") }
            startsWord = true
        // What follows may belong to the word that began with $( before it.
        case UInt8(ascii: ")"), 0x80...: startsWord = nil
        case UInt8(ascii: "<"): if previous == byte { note("<<") } else { startsWord = true }
        default: startsWord = " \t\n;&|>".utf8.contains(byte)
        }
        isWordStart = startsWord
    }

    private mutating func takeDouble(_ byte: UInt8, isDollar: Bool) {
        switch byte {
        case UInt8(ascii: "\""): (state, isWordStart) = (.plain, false)
        case UInt8(ascii: "`"): note("`...`")
        case UInt8(ascii: "("): if isDollar { note("$(...) in double quotes") }
        case UInt8(ascii: "["): if isDollar { note("$[...]") }
        case UInt8(ascii: "{"): isInReference = isDollar
        default: break
        }
    }

    /// What nests in a reference is read by rules in which shells differ.
    private mutating func takeReference(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "}"): (isInReference, isWordStart) = (false, false)
        case UInt8(ascii: "'"), UInt8(ascii: "\""), UInt8(ascii: "`"): note("quotes in ${...}")
        case UInt8(ascii: "{"), UInt8(ascii: "("): note("brackets in ${...}")
        case UInt8(ascii: "\n"): note("a line end in ${...}")
        // Commands of bash 5.3.
        case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "|"):
            if previous == UInt8(ascii: "{") { note("a command in ${...}") }
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
        if previous != beginning.previous,
            [previous, beginning.previous].contains(where: { "$<([{?*+@!=".utf8.contains($0) })
        {
            note("a sign that may join with the next one, at the edge of a section,")
        }
        return true
    }

    /// The next round begins where this one ended, and its values were judged from the first beginning only.
    func objection(toRepeatingFrom beginning: Self) -> (message: String, fix: String)? {
        if let trouble, beginning.trouble == nil {
            return ("\(trouble) stands in a section that repeats, and what it quotes is not followed", "leave it out")
        }
        guard isWordStart != beginning.isWordStart, judged != beginning.judged else { return nil }
        return ("a # or [ stands in a section that ends amid a word", "begin and end the section on lines of their own")
    }

    var objection: (message: String, fix: String)? {
        if let trouble {
            return ("\(trouble) stands before the value, and what it quotes is not followed", "leave it out")
        }
        if isEscaped { return ("a backslash stands before the value", "remove it") }
        if isInReference { return ("the value stands in ${...}", "put it into a variable of its own first") }
        if previous == UInt8(ascii: "$"), state != .single { return ("a $ stands before the value", "remove it") }
        guard state == .single || state == .double else { return nil }
        return ("the value stands in quotes, and brings its own", "remove the quotes around it")
    }
}
