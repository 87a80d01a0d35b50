// Text as one word of the POSIX shell.

enum ShellWord {
    /// The text in single quotes; a single quote leaves them for a moment
    /// (<https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_02_02>).
    ///
    /// It looks at bytes: a quote with a combining mark after it is one character, and none that equals a quote.
    static func quoted(_ text: String) -> String {
        var bytes = Array("'".utf8)
        for byte in text.utf8 {
            if byte == UInt8(ascii: "'") { bytes += Array(#"'\''"#.utf8) } else { bytes.append(byte) }
        }
        return String(decoding: bytes + Array("'".utf8), as: UTF8.self)
    }

    /// The text as it is where the shell reads it so, else in single quotes: readers that know no quotes, as
    /// `docker run --env-file`, then understand ordinary values too.
    static func quotedIfNeeded(_ text: String) -> String { text.utf8.allSatisfy(isPlain) ? text : quoted(text) }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: "_-.,:/@+=%".utf8.contains(byte)
        }
    }
}
