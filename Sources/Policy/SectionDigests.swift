// What each part of a configuration says, as a digest: to tell what another version of the file changed.

import Crypto
import StrictYAML

/// Digests of the parts of a configuration. Layout, comments and the order of keys count for nothing;
/// whether a scalar is in quotes does.
enum SectionDigests {
    /// The digest of every key and of every key below it: `grants`, `server.drain`, `stores.github`. The limits of a
    /// store are none of its own: they are `stores.NAME.limits`.
    static func all(in root: YAMLValue) -> [String: String] {
        var digests: [String: String] = [:]
        for section in root.entries ?? [] {
            guard let entries = section.value.entries else {
                digests[section.key] = digest(of: section.value)
                continue
            }
            for entry in entries {
                let name = "\(section.key).\(entry.key)"
                let isStore = section.key == "stores"
                digests[name] = digest(of: entry.value, without: isStore ? limits : nil)
                if isStore, let limits = entry.value[limits] { digests["\(name).\(Self.limits)"] = digest(of: limits) }
            }
        }
        return digests
    }

    private static let limits = "limits"

    private static func digest(of value: YAMLValue, without key: String? = nil) -> String {
        var text = ""
        write(value, without: key, to: &text)
        return SHA256.hash(data: Array(text.utf8)).map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }
            .joined()
    }

    /// Lengths before texts: two values have one form only when they are the same.
    private static func write(_ value: YAMLValue, without left: String?, to text: inout String) {
        switch value.content {
        case .mapping(let entries):
            text += "{"
            for entry in entries.sorted(by: { $0.key < $1.key }) where entry.key != left {
                text += "\(entry.key.utf8.count):\(entry.key)"
                write(entry.value, without: nil, to: &text)
            }
            text += "}"
        case .sequence(let elements):
            text += "["
            for element in elements { write(element, without: nil, to: &text) }
            text += "]"
        case .scalar(let scalar, let style):
            text += "\(style == .plain ? "p" : "q")\(scalar.utf8.count):\(scalar)"
        }
    }
}
