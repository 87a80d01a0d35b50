// The way from a document's root to a value, shared between siblings.

/// Where a text comes from, when it is a part of another text.
package struct YAMLOrigin: Sendable, Hashable {
    /// The name of the file, or of the parameter, that problems carry.
    package var file: String
    /// What the paths of all values begin with; empty for a text that stands for itself.
    package var path: String
    /// What is added to all lines.
    package var line: Int
    /// What is added to all columns.
    package var column: Int

    package init(file: String, path: String = "", line: Int = 0, column: Int = 0) {
        self.file = file
        self.path = path
        self.line = line
        self.column = column
    }
}

/// The way from a document's root to a value. A step holds its parent, so that a tree of values shares its paths.
indirect enum YAMLPath: Sendable {
    case root(YAMLOrigin)
    case key(String, in: YAMLPath)
    case index(Int, in: YAMLPath)

    /// The name of the file that the document is in.
    var file: String {
        switch self {
        case .root(let origin): origin.file
        case .key(_, let parent), .index(_, let parent): parent.file
        }
    }

    /// For example `grants[1].allow.permissions`; a key that is no plain word is put in quotes.
    var text: String {
        switch self {
        case .root(let origin): return origin.path
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
    let head = text.prefix(60)
    let shown = head.map { character -> Character in
        guard let ascii = character.asciiValue, ascii > 0x1F, ascii < 0x7F, ascii != 0x22 else { return "?" }
        return character
    }
    return "\"\(String(shown))\(head.endIndex == text.endIndex ? "" : "...")\""
}
