// What a service asks for in WWW-Authenticate, read as HTTP defines the field.

import TokenStore

/// One challenge of a `WWW-Authenticate` field (RFC 9110, sections 11.2 to 11.6.1).
struct AuthenticationChallenge: Sendable, Hashable {
    /// The scheme in lower case: `bearer`, `basic`.
    let scheme: String
    /// The parameters, names in lower case; the first of several with one name.
    var parameters: [String: String] = [:]

    /// All challenges of an answer, in order: a service may send several fields, and several challenges in one. What
    /// follows something that is no challenge is left out.
    static func all(in answer: HTTPAnswer) -> [Self] {
        answer.headers.filter { $0.name.lowercased() == "www-authenticate" }.flatMap { read($0.value) }
    }

    /// The challenges of one field's value.
    static func read(_ value: String) -> [Self] {
        var reader = ChallengeReader(bytes: Array(value.utf8)[...])
        return reader.challenges()
    }
}

/// A registry's challenge (<https://distribution.github.io/distribution/spec/auth/token/>): where its tokens come from.
struct BearerChallenge: Sendable, Hashable {
    /// The token server's URL, as the registry wrote it. Nothing is sent there before ``RegistryRealm`` has checked it.
    let realm: String
    /// What the registry is called at the token server.
    let service: String?

    /// The first Bearer challenge with a realm; `nil` when there is none.
    init?(in answer: HTTPAnswer) {
        let bearer = AuthenticationChallenge.all(in: answer).filter { $0.scheme == "bearer" }
        guard let found = bearer.first(where: { $0.parameters["realm"]?.isEmpty == false }) else { return nil }
        realm = found.parameters["realm"] ?? ""
        service = found.parameters["service"].flatMap { $0.isEmpty ? nil : $0 }
    }
}

/// Takes a field's value apart. A comma stands between challenges and between parameters alike: what follows it is a
/// parameter when a `=` comes next, and else a scheme.
private struct ChallengeReader {
    var bytes: ArraySlice<UInt8>

    mutating func challenges() -> [AuthenticationChallenge] {
        var found: [AuthenticationChallenge] = []
        while true {
            skipSpacesAndCommas()
            guard let word = token() else { return found }
            if let value = parameterValue() {
                guard !found.isEmpty else { return found }
                let isNew = found[found.count - 1].parameters[word.lowercased()] == nil
                if isNew { found[found.count - 1].parameters[word.lowercased()] = value }
            } else {
                found.append(AuthenticationChallenge(scheme: word.lowercased()))
                skipToken68()
            }
        }
    }

    private mutating func skipSpacesAndCommas() {
        bytes = bytes.drop { $0 == UInt8(ascii: ",") || Self.isSpace($0) }
    }

    private mutating func token() -> String? {
        let word = bytes.prefix(while: Self.isTokenByte)
        guard !word.isEmpty else { return nil }
        bytes = bytes.dropFirst(word.count)
        return String(decoding: word, as: UTF8.self)
    }

    /// What stands after `=`; `nil`, with nothing taken, when there is no `=` and a value.
    private mutating func parameterValue() -> String? {
        var rest = bytes.drop(while: Self.isSpace)
        guard rest.first == UInt8(ascii: "=") else { return nil }
        rest = rest.dropFirst().drop(while: Self.isSpace)
        if rest.first == UInt8(ascii: "\"") {
            guard let (text, after) = Self.quoted(rest.dropFirst()) else { return nil }
            bytes = after
            return text
        }
        let word = rest.prefix(while: Self.isTokenByte)
        guard !word.isEmpty else { return nil }
        bytes = rest.dropFirst(word.count)
        return String(decoding: word, as: UTF8.self)
    }

    private static func quoted(_ bytes: ArraySlice<UInt8>) -> (String, ArraySlice<UInt8>)? {
        var text: [UInt8] = []
        var isEscaped = false
        for index in bytes.indices {
            let byte = bytes[index]
            if isEscaped {
                text.append(byte)
                isEscaped = false
            } else if byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else if byte == UInt8(ascii: "\"") {
                return (String(decoding: text, as: UTF8.self), bytes[(index + 1)...])
            } else {
                text.append(byte)
            }
        }
        return nil
    }

    /// A scheme may be followed by one word of base64 in place of parameters.
    private mutating func skipToken68() {
        let rest = bytes.drop(while: Self.isSpace)
        let word = rest.prefix { $0 != UInt8(ascii: ",") && !Self.isSpace($0) && $0 != UInt8(ascii: "\"") }
        let after = rest.dropFirst(word.count).drop(while: Self.isSpace)
        // The padding ends the word; in a parameter something follows the sign.
        let isAlone = after.isEmpty || after.first == UInt8(ascii: ",")
        let body = word.prefix { $0 != UInt8(ascii: "=") }
        guard isAlone, !body.isEmpty, word.dropFirst(body.count).allSatisfy({ $0 == UInt8(ascii: "=") }) else { return }
        bytes = after
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}
