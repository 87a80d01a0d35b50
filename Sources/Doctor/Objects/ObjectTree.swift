// A Kubernetes object as a tree of values of which nothing is expected: a wrong type reads as "not there".

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A value of a Kubernetes object. Objects come from other people's clusters and files, so each look into one may find
/// another type, or nothing.
package enum ObjectTree: Sendable, Hashable {
    case null
    case bool(Bool)
    case number(Double)
    case text(String)
    case list([ObjectTree])
    case map([String: ObjectTree])

    /// The value at a path of keys; `nil` when it is not there, or is null.
    package subscript(path: String...) -> ObjectTree? {
        var value = self
        for key in path {
            guard case .map(let map) = value, let next = map[key] else { return nil }
            value = next
        }
        return value == .null ? nil : value
    }

    /// The text; `nil` when it is something else.
    package var text: String? { if case .text(let text) = self { text } else { nil } }
    /// The truth value; `nil` when it is something else.
    package var bool: Bool? { if case .bool(let bool) = self { bool } else { nil } }
    /// The whole number; `nil` when it is something else.
    package var integer: Int? { if case .number(let number) = self { Int(exactly: number) } else { nil } }
    /// The elements; none when it is no list.
    package var elements: [ObjectTree] { if case .list(let list) = self { list } else { [] } }
    /// The texts among the elements.
    package var texts: [String] { elements.compactMap(\.text) }
    /// The keys and values; none when it is no map.
    package var entries: [String: ObjectTree] { if case .map(let map) = self { map } else { [:] } }
    /// The keys whose values are texts.
    package var textEntries: [String: String] { entries.compactMapValues(\.text) }
}

extension ObjectTree: Codable {
    package init(from decoder: any Decoder) throws {
        // Most values of an object are texts, and each wrong guess costs an error that is made and thrown away.
        let value = try decoder.singleValueContainer()
        if let text = try? value.decode(String.self) {
            self = .text(text)
        } else if let map = try? value.decode([String: ObjectTree].self) {
            self = .map(map)
        } else if let list = try? value.decode([ObjectTree].self) {
            self = .list(list)
        } else if let bool = try? value.decode(Bool.self) {
            self = .bool(bool)
        } else if let number = try? value.decode(Double.self) {
            self = .number(number)
        } else {
            self = .null
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var value = encoder.singleValueContainer()
        switch self {
        case .null: try value.encodeNil()
        case .bool(let bool): try value.encode(bool)
        case .number(let number):
            if let integer = Int64(exactly: number) { try value.encode(integer) } else { try value.encode(number) }
        case .text(let text): try value.encode(text)
        case .list(let list): try value.encode(list)
        case .map(let map): try value.encode(map)
        }
    }
}
