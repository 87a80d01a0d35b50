// Names of Kubernetes objects, before they reach a path, a command line or a shell.

/// What a text from an object may be used for.
enum ObjectName {
    /// Whether it is a name (RFC 1123): lower case letters, digits, dashes and dots, none but letters and digits at the
    /// ends, no two dots in a row
    /// (<https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-subdomain-names>).
    static func isName(_ text: String) -> Bool {
        guard (1...253).contains(text.utf8.count) else { return false }
        return text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { part in
            guard let first = part.first, let last = part.last, isAlphanumeric(first), isAlphanumeric(last) else {
                return false
            }
            return part.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
        }
    }

    /// A word of a command that a person may paste into a shell: a name as it is, all else printable in single quotes,
    /// and never an option.
    static func shell(_ text: String) -> String {
        if isName(text) { return text }
        let shown = Printable.text(text)
        let word = shown.hasPrefix("-") ? "?\(shown.dropFirst())" : shown
        return "'\(word.replacing("'", with: #"'\''"#))'"
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: false
        }
    }
}
