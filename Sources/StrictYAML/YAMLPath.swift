// The way from a document's root to a value, shared between siblings.

/// The way from a document's root to a value. A step holds its parent, so that a tree of values shares its paths.
indirect enum YAMLPath: Sendable {
    case root(file: String)
    case key(String, in: YAMLPath)
    case index(Int, in: YAMLPath)

    /// The name of the file that the document is in.
    var file: String {
        switch self {
        case .root(let file): file
        case .key(_, let parent), .index(_, let parent): parent.file
        }
    }

    /// For example `grants[1].allow.permissions`; a key that is no plain word is put in quotes.
    var text: String {
        switch self {
        case .root: return ""
        case .index(let index, let parent): return "\(parent.text)[\(index)]"
        case .key(let key, let parent):
            let before = parent.text
            guard isWord(key) else { return "\(before)[\(quoted(key))]" }
            return before.isEmpty ? key : "\(before).\(key)"
        }
    }

    private func isWord(_ key: String) -> Bool {
        guard !key.isEmpty, key.utf8.count <= 80 else { return false }
        return key.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"): true
            default: false
            }
        }
    }
}

/// A text of the document as a message may show it: in quotes, printable ASCII, at most 60 characters.
func quoted(_ text: some StringProtocol) -> String {
    let shown = text.prefix(60).map { character -> Character in
        guard let ascii = character.asciiValue, ascii > 0x1F, ascii < 0x7F, ascii != 0x22 else { return "?" }
        return character
    }
    return "\"\(String(shown))\(shown.count < 60 || text.count == 60 ? "" : "...")\""
}
