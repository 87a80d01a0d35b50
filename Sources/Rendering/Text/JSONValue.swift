// Any JSON value, so that a tenant's JSON can be merged and written again with its keys in order.

import Refusals

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A JSON value. Whole numbers keep their value; others are doubles.
enum JSONValue: Sendable, Equatable {
    case null
    case bool(Bool)
    case integer(Int64)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    /// Reads a JSON text; `nil` when it is none.
    init?(parsing text: String) {
        guard let value = try? JSONDecoder().decode(JSONValue.self, from: Data(text.utf8)) else { return nil }
        self = value
    }

    /// Whether a JSON text holds a number such as `1e18`, which is written again with more digits than it had.
    static func hasExponent(_ text: String) -> Bool {
        var isText = false
        var previous: UInt8 = 0
        for byte in text.utf8 {
            if isText {
                if byte == UInt8(ascii: "\""), previous != UInt8(ascii: "\\") { isText = false }
                // An escaped backslash escapes nothing.
                previous = previous == UInt8(ascii: "\\") ? 0 : byte
                continue
            }
            let isExponent = byte == UInt8(ascii: "e") || byte == UInt8(ascii: "E")
            if isExponent, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(previous) { return true }
            isText = byte == UInt8(ascii: "\"")
            previous = isText ? 0 : byte
        }
        return false
    }

    var object: [String: JSONValue]? {
        guard case .object(let members) = self else { return nil }
        return members
    }

    var string: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }

    /// The value as one line of JSON with the keys of objects in ascending order: equal values are equal bytes.
    func encoded() throws(Refusal) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(self) else { throw Refusal(.defect, "a JSON file can't be written") }
        return Array(data) + Array("\n".utf8)
    }
}

extension JSONValue: Codable {
    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int64.self) {
            self = .integer(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .integer(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .string(let value): try container.encode(value)
        case .array(let value): try container.encode(value)
        case .object(let value): try container.encode(value)
        }
    }
}
