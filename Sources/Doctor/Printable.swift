// Other people's text, as a line of a report may show it.

/// Text from objects, programs and peers.
package enum Printable {
    /// The text as printable ASCII, at most `most` characters of it.
    package static func text(_ text: some StringProtocol, most: Int = 120) -> String {
        let shown = text.prefix(most).map { character -> Character in
            guard let ascii = character.asciiValue, ascii > 0x1F, ascii < 0x7F else {
                return character.isWhitespace ? " " : "?"
            }
            return character
        }
        return String(shown) + (text.count > most ? "..." : "")
    }

    /// Several texts with commas, the first few of them.
    package static func list(_ texts: some Collection<String>, most: Int = 5) -> String {
        let shown = texts.prefix(most).map { text($0) }.joined(separator: ", ")
        return texts.count > most ? "\(shown) and \(texts.count - most) more" : shown
    }
}
