// The little XML that fixed answers are made of, read strictly and without a library that knows all of XML.

/// An element: its name without a prefix, its text, its children. Attributes are skipped.
///
/// Only what answers of fixed form need is read: one declaration, elements, text, the five named entities and numbered
/// characters. A document type, a comment, CDATA or a processing instruction makes the whole unreadable, so that nothing
/// can be declared, hidden or expanded.
struct PlainXML: Sendable {
    let name: String
    private(set) var text = ""
    private(set) var children: [PlainXML] = []

    /// Reads a document; `nil` when it is anything else than one element.
    static func parse(_ bytes: [UInt8]) -> PlainXML? {
        var reader = Reader(bytes: bytes[...])
        return reader.document()
    }

    /// The text of the element at a path of names below this one; `nil` when there is none.
    func text(_ path: String...) -> String? {
        var element = self
        for name in path {
            guard let child = element.children.first(where: { $0.name == name }) else { return nil }
            element = child
        }
        return element.text
    }

    /// The first element of this name, this one and all below it considered, parents first.
    func first(_ name: String) -> PlainXML? {
        if self.name == name { return self }
        for child in children { if let found = child.first(name) { return found } }
        return nil
    }

    private struct Reader {
        /// Deeper than any answer that is read here.
        static let deepest = 16

        var bytes: ArraySlice<UInt8>

        mutating func document() -> PlainXML? {
            skipBlanks()
            if take("<?xml ") {
                guard let end = bytes.firstIndex(of: UInt8(ascii: ">")), end > bytes.startIndex,
                    bytes[end - 1] == UInt8(ascii: "?")
                else { return nil }
                bytes = bytes[(end + 1)...]
                skipBlanks()
            }
            guard let root = element(depth: 0) else { return nil }
            skipBlanks()
            return bytes.isEmpty ? root : nil
        }

        private mutating func element(depth: Int) -> PlainXML? {
            guard depth < Self.deepest, take("<"), let name = name(), let isClosed = restOfTag() else { return nil }
            var element = PlainXML(name: Self.local(name))
            if isClosed { return element }
            var text: [UInt8] = []
            while let byte = bytes.first {
                if take("</") {
                    guard self.name() == name else { return nil }
                    skipBlanks()
                    guard take(">") else { return nil }
                    element.text = String(decoding: text, as: UTF8.self)
                    return element
                }
                switch byte {
                case UInt8(ascii: "<"):
                    guard let child = self.element(depth: depth + 1) else { return nil }
                    element.children.append(child)
                case UInt8(ascii: "&"):
                    guard let character = entity() else { return nil }
                    text += Array(String(character).utf8)
                default:
                    text.append(byte)
                    bytes.removeFirst()
                }
            }
            return nil
        }

        /// The attributes and the end of a tag; whether it closes itself. A `<` or `&` in an attribute is not read.
        private mutating func restOfTag() -> Bool? {
            var quote: UInt8?
            while let byte = bytes.popFirst() {
                if let open = quote {
                    if byte == open { quote = nil }
                    if byte == UInt8(ascii: "<") { return nil }
                    continue
                }
                switch byte {
                case UInt8(ascii: "\""), UInt8(ascii: "'"): quote = byte
                case UInt8(ascii: ">"): return false
                case UInt8(ascii: "/"): return take(">") ? true : nil
                case UInt8(ascii: "<"): return nil
                default: continue
                }
            }
            return nil
        }

        private mutating func name() -> String? {
            let name = bytes.prefix { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
                case UInt8(ascii: "0")...UInt8(ascii: "9"): true
                case UInt8(ascii: ":"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."): true
                default: false
                }
            }
            bytes = bytes.dropFirst(name.count)
            return name.isEmpty ? nil : String(decoding: name, as: UTF8.self)
        }

        private mutating func entity() -> Character? {
            guard let end = bytes.prefix(12).firstIndex(of: UInt8(ascii: ";")) else { return nil }
            let word = String(decoding: bytes[(bytes.startIndex + 1)..<end], as: UTF8.self)
            bytes = bytes[(end + 1)...]
            switch word {
            case "lt": return "<"
            case "gt": return ">"
            case "amp": return "&"
            case "quot": return "\""
            case "apos": return "'"
            default:
                let number =
                    word.hasPrefix("#x")
                    ? UInt32(word.dropFirst(2), radix: 16)
                    : word.hasPrefix("#") ? UInt32(word.dropFirst()) : nil
                return number.flatMap(Unicode.Scalar.init).map(Character.init)
            }
        }

        private mutating func take(_ text: String) -> Bool {
            guard bytes.starts(with: text.utf8) else { return false }
            bytes = bytes.dropFirst(text.utf8.count)
            return true
        }

        private mutating func skipBlanks() { bytes = bytes.drop { $0 == 0x20 || (0x09...0x0D).contains($0) } }

        private static func local(_ name: String) -> String {
            String(name.split(separator: ":").last ?? Substring(name))
        }
    }
}
