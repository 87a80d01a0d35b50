// `env`: shell assignments, for wrappers that must export variables inside the container.

import Refusals
import TokenStore

/// `NAME_USERNAME`, `NAME_TOKEN`, `NAME_HOST` and `NAME_EXPIRES_AT` for each token, NAME being the token's name in
/// capitals. All four are always there; `NAME_EXPIRES_AT` is empty when the store does not tell.
struct EnvFormat: FileFormat {
    static let name = "env"

    private let entries: [(token: PlannedToken, prefix: String)]

    init(_ input: FormatInput) throws(Refusal) {
        var entries: [(token: PlannedToken, prefix: String)] = []
        for token in input.tokens {
            let prefix = Self.prefix(token.name)
            guard let first = prefix.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else {
                let rule = "a variable can't begin as the token \(Refusal.quoted(token.name)) does"
                throw input.ask.invalid(rule, fix: "give the token a name that begins with a letter")
            }
            entries.append((token, prefix))
        }
        try input.refuseDuplicates(entries.map(\.prefix), of: "variable prefix", fix: "rename one of the tokens")
        self.entries = entries
    }

    func contents(_ issued: [IssuedToken]) throws(Refusal) -> [UInt8] {
        var lines: [String] = []
        for (entry, issued) in zip(entries, issued) {
            let credential = try Credential(issued, of: entry.token, in: Self.name, isASCII: true)
            let values = [
                ("USERNAME", credential.username), ("TOKEN", credential.password), ("HOST", entry.token.host ?? ""),
                ("EXPIRES_AT", issued.expiresAt?.rfc3339 ?? ""),
            ]
            lines += values.map { "\(entry.prefix)_\($0.0)=\(ShellWord.quotedIfNeeded($0.1))" }
        }
        return Array((lines.joined(separator: "\n") + "\n").utf8)
    }

    /// Letters in capitals and digits; anything else becomes `_`.
    private static func prefix(_ name: String) -> String {
        String(
            name.unicodeScalars.map { scalar -> Character in
                switch scalar {
                case "a"..."z", "A"..."Z": Character(scalar.properties.uppercaseMapping)
                case "0"..."9": Character(scalar)
                default: "_"
                }
            }
        )
    }
}
