// A JSON file with a token: where things are in it, and how a time is written.

import TokenStore

/// The places of a token, a user name and an expiry in a JSON object: keys, with dots between them for objects in objects.
struct FileTokenKeys: Sendable {
    let token: [String]
    /// A place that must hold something, because the operator named it.
    let username: (path: [String], isNeeded: Bool)
    let expiry: (path: [String], isNeeded: Bool)

    init(_ settings: FileSettings) throws(TokenStoreError) {
        token = try Self.path("tokenKey", settings.tokenKey ?? "token")
        username = (try Self.path("usernameKey", settings.usernameKey ?? "username"), settings.usernameKey != nil)
        expiry = (try Self.path("expiryKey", settings.expiryKey ?? "expiry"), settings.expiryKey != nil)
    }

    private static func path(_ key: String, _ text: String) throws(TokenStoreError) -> [String] {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard text.utf8.count <= 256, parts.allSatisfy({ !$0.isEmpty }) else {
            throw TokenStoreError(
                .misconfigured,
                "\(key) is no key, and no keys with dots between them",
                fix: "write it as access_token or data.token"
            )
        }
        return parts
    }
}

/// A JSON value as far as a token file needs it.
indirect enum TokenJSON: Decodable, Sendable {
    case object([String: TokenJSON])
    case text(String)
    case number(Double)
    case null
    case other

    init(from decoder: any Decoder) throws {
        if let members = try? [String: TokenJSON](from: decoder) {
            self = .object(members)
            return
        }
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let text = try? container.decode(String.self) {
            self = .text(text)
        } else if (try? container.decode(Bool.self)) == nil, let number = try? container.decode(Double.self) {
            self = .number(number)
        } else {
            self = .other
        }
    }

    /// What is at a place; `nil` when nothing or `null` is.
    func at(_ path: [String]) -> TokenJSON? {
        var value = self
        for key in path {
            guard case .object(let members) = value, let next = members[key] else { return nil }
            value = next
        }
        if case .null = value { return nil }
        return value
    }

    /// The text at a place.
    func text(at path: [String]) -> String? {
        guard case .text(let text) = at(path) else { return nil }
        return text
    }
}

/// Times in token files: seconds since 1970, or RFC 3339.
enum FileTime {
    static func instant(_ value: TokenJSON) -> UTCInstant? {
        switch value {
        case .text(let text): instant(text)
        case .number(let seconds) where (1..<100_000_000_000).contains(seconds):
            UTCInstant(epochSeconds: Int64(seconds))
        default: nil
        }
    }

    static func instant(_ text: String) -> UTCInstant? {
        if let seconds = Int64(text) {
            return (1..<100_000_000_000).contains(seconds) ? UTCInstant(epochSeconds: seconds) : nil
        }
        return UTCInstant(rfc3339: text)
    }
}
