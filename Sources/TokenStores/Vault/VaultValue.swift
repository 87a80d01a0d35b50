// JSON as secret engines answer it: each has its own keys.

import TokenStore

/// A JSON value of an answer's `data`, or of a call's parameters.
enum VaultValue: Codable, Sendable, Equatable {
    case text(String)
    case number(Double)
    case flag(Bool)
    case list([VaultValue])
    case object([String: VaultValue])
    case null

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let flag = try? container.decode(Bool.self) {
            self = .flag(flag)
        } else if let number = try? container.decode(Double.self) {
            self = .number(number)
        } else if let text = try? container.decode(String.self) {
            self = .text(text)
        } else if let list = try? container.decode([VaultValue].self) {
            self = .list(list)
        } else {
            self = .object(try container.decode([String: VaultValue].self))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .text(let text): try container.encode(text)
        case .number(let number): try container.encode(number)
        case .flag(let flag): try container.encode(flag)
        case .list(let list): try container.encode(list)
        case .object(let object): try container.encode(object)
        case .null: try container.encodeNil()
        }
    }

    var text: String? { if case .text(let text) = self { text } else { nil } }
    var list: [VaultValue]? { if case .list(let list) = self { list } else { nil } }
    var object: [String: VaultValue]? { if case .object(let object) = self { object } else { nil } }

    /// A time: RFC 3339, or whole seconds since 1970 as a number or as text.
    var instant: UTCInstant? {
        switch self {
        case .text(let text):
            if let seconds = Int64(text) { return Self.instant(Double(seconds)) }
            return UTCInstant(rfc3339: text)
        case .number(let number): return Self.instant(number)
        default: return nil
        }
    }

    private static func instant(_ seconds: Double) -> UTCInstant? {
        seconds > 0 && seconds < 1e11 ? UTCInstant(epochSeconds: Int64(seconds)) : nil
    }
}
