// The text forms of what is in the columns. Each reads back as exactly what was written.

import TokenStore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A scope as JSON; equal scopes are equal texts.
struct ScopeText: Codable {
    let repositories: [String]
    let permissions: [String: AccessLevel]
    let actions: [RegistryAction]

    init(_ scope: TokenScope) {
        repositories = scope.repositories
        permissions = scope.permissions
        actions = scope.actions.sorted()
    }

    init?(json: String) {
        guard let decoded = try? JSONDecoder().decode(Self.self, from: Data(json.utf8)) else { return nil }
        self = decoded
    }

    var scope: TokenScope {
        TokenScope(repositories: repositories, permissions: permissions, actions: Set(actions))
    }

    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
}

extension Duration {
    private static let scale: UInt128 = 1_000_000_000_000_000_000

    /// Seconds in decimal, to the attosecond, without needless zeros: `-1.5`.
    var secondsText: String {
        let (seconds, rest) = attoseconds.magnitude.quotientAndRemainder(dividingBy: Self.scale)
        let sign = attoseconds < 0 ? "-" : ""
        guard rest > 0 else { return "\(sign)\(seconds)" }
        let digits = String(rest)
        var fraction = Substring(String(repeating: "0", count: 18 - digits.count) + digits)
        while fraction.last == "0" { fraction.removeLast() }
        return "\(sign)\(seconds).\(fraction)"
    }

    /// Reads ``secondsText``; `nil` for anything else.
    init?(secondsText text: String) {
        let isNegative = text.hasPrefix("-")
        let parts = text.dropFirst(isNegative ? 1 : 0).split(separator: ".", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), parts.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy(Self.isDigit) })
        else {
            return nil
        }
        let fraction = parts.count == 2 ? parts[1] : ""
        guard fraction.utf8.count <= 18,
            let magnitude = Int128(parts[0] + fraction + String(repeating: "0", count: 18 - fraction.utf8.count))
        else { return nil }
        self.init(attoseconds: isNegative ? -magnitude : magnitude)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }
}

/// SQLite's text ends at the first NUL. A tenant's text must not break a row, so NUL is written as `\0`, and the
/// backslash as two.
enum EscapedText {
    static func escape(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 == 0 || $0 == UInt8(ascii: "\\") }) else { return text }
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\0": escaped += "\\0"
            case "\\": escaped += "\\\\"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    /// Reads what ``escape(_:)`` wrote; `nil` for anything else.
    static func unescape(_ text: String) -> String? {
        guard text.utf8.contains(UInt8(ascii: "\\")) else { return text }
        var plain = String.UnicodeScalarView()
        var scalars = text.unicodeScalars.makeIterator()
        while let scalar = scalars.next() {
            guard scalar == "\\" else {
                plain.append(scalar)
                continue
            }
            switch scalars.next() {
            case "0": plain.append("\0")
            case "\\": plain.append("\\")
            default: return nil
            }
        }
        return String(plain)
    }
}
