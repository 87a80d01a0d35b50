// JSON as Go's encoding/json writes it, byte by byte.

/// Writes what Go's `json.Marshal` writes for texts and maps of texts (<https://pkg.go.dev/encoding/json#Marshal>): keys
/// in byte order, no spaces, `<`, `>`, `&` and the two Unicode line separators escaped.
package enum GoJSON {
    package static func object(_ map: [String: String]) -> String { objectOfJSON(map.mapValues { string($0) }) }

    /// An object whose values are JSON already.
    package static func objectOfJSON(_ map: [String: String]) -> String {
        let sorted = map.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        return "{" + sorted.map { "\(string($0.key)):\($0.value)" }.joined(separator: ",") + "}"
    }

    package static func string(_ text: String) -> String {
        var json = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": json += "\\\""
            case "\\": json += "\\\\"
            case "\n": json += "\\n"
            case "\r": json += "\\r"
            case "\t": json += "\\t"
            case "\u{8}": json += "\\b"
            case "\u{C}": json += "\\f"
            case "<", ">", "&", "\u{2028}", "\u{2029}", "\0"..."\u{1F}": json += escaped(scalar)
            default: json.unicodeScalars.append(scalar)
            }
        }
        return json + "\""
    }

    private static func escaped(_ scalar: Unicode.Scalar) -> String {
        let hex = String(scalar.value, radix: 16)
        return "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
    }
}
