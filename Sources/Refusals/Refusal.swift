// The one way in which Daypass says no: a reason code, what is wrong and where, how to mend it.

/// A refusal as a person reads it in a Pod's event.
///
/// One line, the reason code first. Nothing in it is secret: no token, no answer's body, no userinfo of a URL. Text that
/// a tenant wrote is shown through ``quoted(_:)`` only.
package struct Refusal: Error, Sendable, Hashable, CustomStringConvertible {
    /// The stable code, which metrics and documents use too.
    package var reason: Reason
    /// What is wrong, and with which object.
    package var message: String
    /// What to do; empty when there is nothing to do but wait.
    package var fix: String

    package init(_ reason: Reason, _ message: String, fix: String = "") {
        self.reason = reason
        self.message = message
        self.fix = fix
    }

    /// The most bytes of ``description``: events and driver logs stay readable.
    package static let longestLine = 480

    /// `Reason: message; fix`, in one line of printable characters.
    package var description: String {
        let text = fix.isEmpty ? "\(reason.code): \(message)" : "\(reason.code): \(message); \(fix)"
        let line = String(text.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : Character($0) })
        guard line.utf8.count > Self.longestLine else { return line }
        var cut = ""
        var count = 0
        for character in line {
            count += character.utf8.count
            if count > Self.longestLine - 3 { break }
            cut.append(character)
        }
        return cut + "..."
    }

    /// A tenant's text as a message may show it: in quotes, printable ASCII, at most 80 characters.
    package static func quoted(_ text: some StringProtocol) -> String {
        let shown = text.prefix(80).map { character -> Character in
            guard let ascii = character.asciiValue, ascii > 0x1F, ascii < 0x7F, ascii != 0x22 else { return "?" }
            return character
        }
        return "\"\(String(shown))\(text.count > 80 ? "..." : "")\""
    }
}
