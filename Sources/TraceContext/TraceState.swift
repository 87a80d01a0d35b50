// What tracing systems add to a place in a trace.

/// The value of `tracestate`: https://www.w3.org/TR/trace-context-2/#tracestate-header.
package enum TraceState {
    /// The most characters that are kept.
    package static let longest = 512

    /// The list as one text without blanks around its members.
    ///
    /// - Returns: `nil` when it is none, or too long: it is left out then.
    package static func checked(_ text: String) -> String? {
        guard text.utf8.count <= longest else { return nil }
        var members: [Substring] = []
        var keys: Set<Substring> = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let member = trimmed(part)
            if member.isEmpty { continue }
            guard let mark = member.firstIndex(of: "=") else { return nil }
            let (key, value) = (member[..<mark], member[member.index(after: mark)...])
            guard isKey(key), isValue(value), keys.insert(key).inserted else { return nil }
            members.append(member)
        }
        guard members.count <= 32 else { return nil }
        return members.joined(separator: ",")
    }

    private static func trimmed(_ text: Substring) -> Substring {
        let isBlank = { (character: Character) in character == " " || character == "\t" }
        var text = text.drop(while: isBlank)
        while let last = text.last, isBlank(last) { text.removeLast() }
        return text
    }

    private static func isKey(_ key: Substring) -> Bool {
        func isAlphanumeric(_ byte: UInt8) -> Bool {
            (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte)
        }
        guard let first = key.utf8.first, isAlphanumeric(first), key.utf8.count <= 256 else { return false }
        return key.utf8.allSatisfy { isAlphanumeric($0) || "_-*/@".utf8.contains($0) }
    }

    /// Printable ASCII without commas and equal signs, not empty. A blank at its end was taken for one around it.
    private static func isValue(_ value: Substring) -> Bool {
        (1...256).contains(value.utf8.count)
            && value.utf8.allSatisfy { (0x20...0x7E).contains($0) && $0 != 0x2C && $0 != 0x3D }
    }
}
