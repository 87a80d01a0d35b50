// Any JSON document, and the two ways of patching one.

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A JSON document.
package indirect enum JSONTree: Codable, Sendable, Hashable {
    case null
    case bool(Bool)
    case number(Double)
    case string(String)
    case array([JSONTree])
    case object([String: JSONTree])

    package init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if let bool = try? value.decode(Bool.self) {
            self = .bool(bool)
        } else if let number = try? value.decode(Double.self) {
            self = .number(number)
        } else if let string = try? value.decode(String.self) {
            self = .string(string)
        } else if let array = try? value.decode([JSONTree].self) {
            self = .array(array)
        } else {
            self = .object(try value.decode([String: JSONTree].self))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var value = encoder.singleValueContainer()
        switch self {
        case .null: try value.encodeNil()
        case .bool(let bool): try value.encode(bool)
        case .number(let number):
            if let whole = Int(exactly: number) { try value.encode(whole) } else { try value.encode(number) }
        case .string(let string): try value.encode(string)
        case .array(let array): try value.encode(array)
        case .object(let object): try value.encode(object)
        }
    }

    /// The document of some text; `nil` when it is no JSON.
    package init?(_ bytes: [UInt8]) {
        guard let tree = try? JSONDecoder().decode(JSONTree.self, from: Data(bytes)) else { return nil }
        self = tree
    }

    /// The document as text.
    package var text: String { (try? JSONEncoder().encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "" }

    package subscript(key: String) -> JSONTree? {
        get { if case .object(let object) = self { object[key] } else { nil } }
        set {
            guard case .object(var object) = self else { return }
            object[key] = newValue
            self = .object(object)
        }
    }

    package var string: String? { if case .string(let string) = self { string } else { nil } }
    package var int: Int? { if case .number(let number) = self { Int(exactly: number) } else { nil } }
    package var array: [JSONTree]? { if case .array(let array) = self { array } else { nil } }

    // MARK: Patches

    /// The document after a merge patch (RFC 7396).
    func merged(with patch: JSONTree) -> JSONTree {
        guard case .object(let changes) = patch else { return patch }
        var result: [String: JSONTree] = [:]
        if case .object(let object) = self { result = object }
        for (key, change) in changes {
            result[key] = change == .null ? nil : (result[key] ?? .null).merged(with: change)
        }
        return .object(result)
    }

    /// The document after a JSON patch (RFC 6902) of the operations `test` and `remove`; `nil` when one does not hold.
    func patched(with operations: JSONTree) -> JSONTree? {
        var result = self
        for operation in operations.array ?? [.null] {
            guard let path = operation["path"]?.string, path.hasPrefix("/") else { return nil }
            let steps = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map {
                String($0).replacing("~1", with: "/").replacing("~0", with: "~")
            }
            switch operation["op"]?.string {
            case "test":
                guard result.at(steps[...]) == operation["value"] else { return nil }
            case "remove":
                guard let next = result.removing(steps[...]) else { return nil }
                result = next
            default: return nil
            }
        }
        return result
    }

    private func at(_ steps: ArraySlice<String>) -> JSONTree? {
        guard let step = steps.first else { return self }
        switch self {
        case .object(let object): return object[step]?.at(steps.dropFirst())
        case .array(let array):
            guard let index = Int(step), array.indices.contains(index) else { return nil }
            return array[index].at(steps.dropFirst())
        default: return nil
        }
    }

    private func removing(_ steps: ArraySlice<String>) -> JSONTree? {
        guard let step = steps.first else { return nil }
        switch self {
        case .object(var object):
            guard let value = object[step] else { return nil }
            if steps.count == 1 { object[step] = nil } else { object[step] = value.removing(steps.dropFirst()) }
            return steps.count > 1 && object[step] == nil ? nil : .object(object)
        case .array(var array):
            guard let index = Int(step), array.indices.contains(index) else { return nil }
            if steps.count == 1 {
                array.remove(at: index)
            } else {
                guard let rest = array[index].removing(steps.dropFirst()) else { return nil }
                array[index] = rest
            }
            return .array(array)
        default: return nil
        }
    }
}
