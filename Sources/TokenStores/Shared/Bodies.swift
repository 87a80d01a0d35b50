// Bodies of calls and answers: forms and JSON.

import TokenStore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A body of type `application/x-www-form-urlencoded` (<https://url.spec.whatwg.org/#application/x-www-form-urlencoded>).
/// It may hold secrets and is never shown.
struct FormBody {
    private(set) var bytes: [UInt8] = []

    /// The header field that goes with it.
    static let contentType = HTTPField("Content-Type", "application/x-www-form-urlencoded")

    mutating func add(_ name: String, _ value: String) { add(name, Array(value.utf8)) }
    mutating func add(_ name: String, _ value: Secret) { add(name, value.reveal()) }

    private mutating func add(_ name: String, _ value: [UInt8]) {
        if !bytes.isEmpty { bytes.append(UInt8(ascii: "&")) }
        bytes += PercentEncoded.bytes(Array(name.utf8))
        bytes.append(UInt8(ascii: "="))
        bytes += PercentEncoded.bytes(value)
    }
}

/// Percent encoding of everything but RFC 3986's unreserved characters: right in paths, queries, forms and SigV4.
enum PercentEncoded {
    private static let digits = Array("0123456789ABCDEF".utf8)

    static func bytes(_ bytes: [UInt8], except extra: [UInt8] = []) -> [UInt8] {
        var encoded: [UInt8] = []
        encoded.reserveCapacity(bytes.count)
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                encoded.append(byte)
            case _ where extra.contains(byte): encoded.append(byte)
            default: encoded += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return encoded
    }

    /// One part of a path, or a query's name or value.
    static func text(_ text: String) -> String { String(decoding: bytes(Array(text.utf8)), as: UTF8.self) }
}

enum JSONBody {
    /// The header field that goes with it.
    static let contentType = HTTPField("Content-Type", "application/json")

    /// A value as JSON, keys in ascending order.
    static func encode(_ value: some Encodable) throws(TokenStoreError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do { return Array(try encoder.encode(value)) } catch {
            throw TokenStoreError(.refused, "the call can't be written as JSON", cause: error)
        }
    }

    /// An answer's body as a value; `nil` when it is none.
    static func decode<Value: Decodable>(_ type: Value.Type, _ body: [UInt8]) -> Value? {
        try? JSONDecoder().decode(Value.self, from: Data(body))
    }
}
