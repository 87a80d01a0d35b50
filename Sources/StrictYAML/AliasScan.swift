// A look for aliases before Yams sees the text.

/// A place in a text: line and column from 1, the column in Unicode scalars.
struct Position {
    var line = 1
    var column = 1
}

/// The first place where an alias may stand: a `*name` whose `&name` is in the text too, both where a token can begin.
///
/// Yams resolves aliases while it builds its tree and hashes keys as it goes, so that nested aliases in a key cost
/// exponential time before the tree can be looked at. This scan knows nothing of quotes and comments; it errs towards
/// refusing.
func firstLikelyAlias(in text: String) -> Position? {
    guard text.utf8.contains(UInt8(ascii: "&")), text.utf8.contains(UInt8(ascii: "*")) else { return nil }
    let anchors = Set(names(after: UInt8(ascii: "&"), in: text).map(\.name))
    guard !anchors.isEmpty else { return nil }
    return names(after: UInt8(ascii: "*"), in: text).first { anchors.contains($0.name) }?.position
}

private func names(after sign: UInt8, in text: String) -> [(name: Substring, position: Position)] {
    var found: [(name: Substring, position: Position)] = []
    var line = 1
    var column = 1
    var previous = UInt8(ascii: "\n")
    let bytes = text.utf8
    var index = bytes.startIndex
    while index < bytes.endIndex {
        let byte = bytes[index]
        let next = bytes.index(after: index)
        // A byte beyond ASCII may end one of the line breaks that only Unicode has.
        if byte == sign, previous >= 0x80 || " \t\r\n[]{},:?-\"'".utf8.contains(previous) {
            let end = bytes[next...].firstIndex { !isAnchorByte($0) } ?? bytes.endIndex
            if end > next { found.append((text[next..<end], Position(line: line, column: column))) }
        }
        if byte == UInt8(ascii: "\n") {
            line += 1
            column = 1
        } else if byte & 0xC0 != 0x80 {
            column += 1
        }
        previous = byte
        index = next
    }
    return found
}

private func isAnchorByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"): true
    default: false
    }
}
