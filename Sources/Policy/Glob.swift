// Patterns over names: `*`, `**` and `?`, matched in one pass over the name.

/// A pattern that stands for whole names: namespaces, service accounts, repositories.
///
/// `*` is any run of characters without `/`, `**` is any run of characters, `?` is one character but `/`; a run may be
/// empty. Everything else is itself. There is no escape, because no name that is matched holds one of these characters.
/// The time for a match grows with the length of the name and with nothing else, whatever the pattern.
package struct Glob: Sendable, Hashable, CustomStringConvertible {
    /// The pattern as it was written.
    package let pattern: String

    /// What is before the first wildcard, what is between the first and the last, what is after the last.
    private let prefix: [UInt8]
    private let middle: Middle
    private let suffix: [UInt8]

    private enum Middle {
        case nothing, anyRun, anyRunInPart, automaton(GlobAutomaton)
    }

    /// Reads a pattern.
    ///
    /// - Throws: ``GlobError`` when it is empty, longer than 512 bytes, holds a character that is in no name (so that it
    ///   could never match), or is too long between its first and its last wildcard.
    package init(_ pattern: String) throws(GlobError) {
        self.pattern = pattern
        let elements = try GlobElement.elements(of: pattern)
        let firstWild = elements.firstIndex { $0.isWild } ?? elements.endIndex
        let lastWild = elements.lastIndex { $0.isWild } ?? elements.startIndex - 1
        prefix = elements[..<firstWild].compactMap(\.byte)
        suffix = firstWild > lastWild ? [] : elements[(lastWild + 1)...].compactMap(\.byte)
        switch firstWild > lastWild ? [] : Array(elements[firstWild...lastWild]) {
        case []: middle = .nothing
        case [.anyRun]: middle = .anyRun
        case [.anyRunInPart]: middle = .anyRunInPart
        case let wild: middle = .automaton(try GlobAutomaton(wild))
        }
    }

    /// Whether the pattern stands for every name that has no `/`.
    package var matchesEveryPart: Bool { pattern.utf8.allSatisfy { $0 == UInt8(ascii: "*") } }

    /// Whether the pattern can stand for a name that has so many parts between slashes.
    package func canMatch(parts: ClosedRange<Int>) -> Bool {
        let least = pattern.utf8.count(where: { $0 == UInt8(ascii: "/") }) + 1
        return pattern.contains("**") ? least <= parts.upperBound : parts.contains(least)
    }

    /// Whether the pattern stands for this name. A text that is empty or holds anything but printable ASCII is no name,
    /// and nothing stands for it.
    package func matches(_ name: String, ignoringCase: Bool = false) -> Bool {
        let bytes = name.utf8
        guard !bytes.isEmpty, bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return false }
        guard bytes.count >= prefix.count + suffix.count else { return false }
        let rest = bytes.dropFirst(prefix.count).dropLast(suffix.count)
        func same(_ left: UInt8, _ right: UInt8) -> Bool {
            left == right || (ignoringCase && left.lowercasedASCII == right.lowercasedASCII)
        }
        guard bytes.starts(with: prefix, by: same), bytes.suffix(suffix.count).elementsEqual(suffix, by: same) else {
            return false
        }
        return switch middle {
        case .nothing: rest.isEmpty
        case .anyRun: true
        case .anyRunInPart: !rest.contains(UInt8(ascii: "/"))
        case .automaton(let automaton): automaton.matches(rest, ignoringCase: ignoringCase)
        }
    }

    package var description: String { pattern }
    package static func == (left: Self, right: Self) -> Bool { left.pattern == right.pattern }
    package func hash(into hasher: inout Hasher) { hasher.combine(pattern) }
}

/// Why a text is no pattern. One line; it shows what the operator wrote.
package struct GlobError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What is wrong.
    package var message: String

    package init(_ message: String) { self.message = message }

    package var description: String { message }
}

/// One step of a pattern.
enum GlobElement: Hashable {
    case literal(UInt8), anyInPart, anyRunInPart, anyRun

    var byte: UInt8? { if case .literal(let byte) = self { byte } else { nil } }
    var isWild: Bool { byte == nil }

    static func elements(of pattern: String) throws(GlobError) -> [GlobElement] {
        guard !pattern.isEmpty else { throw GlobError("an empty pattern matches nothing") }
        guard pattern.utf8.count <= 512 else { throw GlobError("the pattern is longer than 512 bytes") }
        guard !pattern.contains("://") else {
            throw GlobError("the pattern is matched with names like owner/name, so leave out the scheme and the host")
        }
        var elements: [GlobElement] = []
        for character in pattern.unicodeScalars {
            switch character {
            case "?": elements.append(.anyInPart)
            case "*":
                // Stars side by side are one: `***` is any run, too.
                if elements.last == .anyRunInPart || elements.last == .anyRun {
                    elements[elements.count - 1] = .anyRun
                } else {
                    elements.append(.anyRunInPart)
                }
            case "a"..."z", "A"..."Z", "0"..."9", ".", "_", "-", "/": elements.append(.literal(UInt8(character.value)))
            default:
                let shown = character.value > 0x20 && character.value < 0x7F ? "\(character)" : character.hexadecimal
                throw GlobError("no name holds the character \(shown); wildcards are *, ** and ? only")
            }
        }
        let slash = GlobElement.literal(UInt8(ascii: "/"))
        guard elements.first != slash, elements.last != slash, !pattern.contains("//") else {
            throw GlobError("no name has an empty part; write owner/* for all repositories of owner")
        }
        return elements
    }
}

extension Unicode.Scalar {
    fileprivate var hexadecimal: String { "U+" + String(value, radix: 16, uppercase: true) }
}

extension UInt8 {
    var lowercasedASCII: UInt8 { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) ? self | 0x20 : self }
    var uppercasedASCII: UInt8 { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self) ? self & ~0x20 : self }
}
