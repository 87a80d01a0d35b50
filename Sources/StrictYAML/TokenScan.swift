// A look at the text before Yams sees it: what would cost too much must not get there.

/// A place in a text: line and column from 1, the column in Unicode scalars.
struct Position {
    var line = 1
    var column = 1
}

/// Looks for aliases and nested explicit keys.
///
/// Yams resolves aliases and hashes keys while it builds its tree, so that nested aliases in a key cost exponential
/// time, and explicit keys (`? key`) inside each other quadratic time, before the tree can be looked at. (Other keys
/// are at most 1024 characters long: libyaml's own bound.) This scan knows comments that have a line of their own, and
/// otherwise only where a token can begin; it errs towards refusing.
struct TokenScan {
    /// More explicit keys than this are refused here; fewer cost little and are refused with their place in the tree.
    private static let mostExplicitKeys = 16

    private struct Name {
        var text: Substring
        var position: Position
    }

    private var anchors: Set<Substring> = []
    private var aliases: [Name] = []
    private var explicitKeys: [Position] = []

    /// The first place where an alias may stand: a `*name` whose `&name` is in the text too.
    var alias: Position? { aliases.first { anchors.contains($0.text) }?.position }

    /// The place of the first explicit key, when there may be too many.
    var explicitKey: Position? { explicitKeys.count > Self.mostExplicitKeys ? explicitKeys.first : nil }

    init(_ text: String) {
        let bytes = text.utf8
        let mayAlias = bytes.contains(UInt8(ascii: "&")) && bytes.contains(UInt8(ascii: "*"))
        guard mayAlias || bytes.contains(UInt8(ascii: "?")) else { return }
        var place = Position()
        var previous = UInt8(ascii: "\n")
        var isBlankSoFar = true
        var isComment = false
        for index in bytes.indices {
            let byte = bytes[index]
            if isBlankSoFar, byte == UInt8(ascii: "#") { isComment = true }
            // A byte beyond ASCII may end one of the line breaks that only Unicode has.
            if !isComment, previous >= 0x80 || " \t\r\n[]{},:?-\"'".utf8.contains(previous) {
                note(byte, at: index, place, in: bytes)
            }
            if byte == UInt8(ascii: "\n") {
                place = Position(line: place.line + 1, column: 1)
                isBlankSoFar = true
                isComment = false
            } else {
                if byte & 0xC0 != 0x80 { place.column += 1 }
                if byte != UInt8(ascii: " ") { isBlankSoFar = false }
                if Self.mayEndComment(byte) { isComment = false }
            }
            previous = byte
        }
    }

    private mutating func note(_ byte: UInt8, at index: String.Index, _ place: Position, in bytes: String.UTF8View) {
        switch byte {
        case UInt8(ascii: "?"): explicitKeys.append(place)
        case UInt8(ascii: "&"), UInt8(ascii: "*"):
            let start = bytes.index(after: index)
            let end = bytes[start...].firstIndex { !Self.isNameByte($0) } ?? bytes.endIndex
            guard end > start else { return }
            let name = Substring(bytes[start..<end])
            if byte == UInt8(ascii: "&") {
                anchors.insert(name)
            } else {
                aliases.append(Name(text: name, position: place))
            }
        default: break
        }
    }

    /// Carriage return, and the last bytes of NEL, LS and PS, which libyaml takes for line breaks; and quotes, because
    /// what looks like a comment may be the end of a quoted text, with tokens after it.
    private static func mayEndComment(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\r") || byte == 0x85
            || byte == 0xA8 || byte == 0xA9
    }

    /// What libyaml takes for the letters of an anchor's name.
    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"): true
        default: false
        }
    }
}
