// A request's head, read strictly: what probes, scrapers and browsers send, and nothing else.

/// A request. Bodies are not read: nothing here takes one.
package struct HTTPRequest: Sendable, Hashable {
    /// Who has connected.
    package enum Peer: Sendable, Hashable {
        /// The address as inet_ntop(3) writes it.
        case ip(String)
        /// A process that may open the Unix socket's file.
        case unix
    }

    /// The method, in the letters of the request.
    package var method: String
    /// The path, not decoded.
    package var path: String
    /// The query's items in their order, not decoded; an item without `=` has the value `""`.
    package var query: [QueryItem]
    /// Header fields, names in lower case. Of one that came twice the last counts.
    package var headers: [String: String]
    /// Whether it is HTTP/1.1.
    package var isHTTP11: Bool
    /// Who has connected.
    package var peer: Peer

    /// A part of the query.
    package struct QueryItem: Sendable, Hashable {
        package var name: String
        package var value: String
    }

    /// The values of a name in the query.
    func values(_ name: String) -> [String] { query.filter { $0.name == name }.map(\.value) }

    /// The most header fields.
    static let mostFields = 100

    /// Reads a head: all bytes up to the empty line.
    ///
    /// - Throws: the answer to a request that can't be understood.
    init(head bytes: some Sequence<UInt8>, peer: Peer) throws(HTTPRejection) {
        // Each line ends with LF; a CR before it goes (RFC 9112, 2.2).
        var lines = Array(bytes).split(separator: 0x0A, omittingEmptySubsequences: false)
            .map { $0.last == 0x0D ? $0.dropLast() : $0 }
        while lines.last?.isEmpty == true { lines.removeLast() }
        guard let first = lines.first else { throw HTTPRejection(400, "the request is empty") }
        guard lines.joined().allSatisfy({ ($0 >= 0x20 && $0 != 0x7F) || $0 == 0x09 }) else {
            throw HTTPRejection(400, "the request holds a control character")
        }
        let words = first.split(separator: 0x20, omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        guard words.count == 3, !words[0].isEmpty, words[0].utf8.allSatisfy(Self.isTokenByte) else {
            throw HTTPRejection(400, "the request has no method, path and version")
        }
        guard words[2] == "HTTP/1.1" || words[2] == "HTTP/1.0" else {
            throw HTTPRejection(words[2].hasPrefix("HTTP/") ? 505 : 400, "only HTTP/1.1 and HTTP/1.0 are spoken")
        }
        guard words[1].hasPrefix("/"), words[1].utf8.allSatisfy({ $0 < 0x80 }) else {
            throw HTTPRejection(400, "the path does not begin with a slash, or is not ASCII")
        }
        self.peer = peer
        method = words[0]
        isHTTP11 = words[2] == "HTTP/1.1"
        let target = words[1].split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        path = String(target[0])
        query = target.count < 2 ? [] : Self.items(target[1])
        headers = try Self.fields(lines.dropFirst())
        if isHTTP11, headers["host"] == nil { throw HTTPRejection(400, "the header field Host is missing") }
    }

    private static func items(_ query: Substring) -> [QueryItem] {
        query.split(separator: "&").map { item in
            let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return QueryItem(name: String(parts[0]), value: parts.count > 1 ? String(parts[1]) : "")
        }
    }

    private static func fields(_ lines: ArraySlice<ArraySlice<UInt8>>) throws(HTTPRejection) -> [String: String] {
        guard lines.count <= mostFields else { throw HTTPRejection(431, "there are too many header fields") }
        var fields: [String: String] = [:]
        for line in lines {
            // A name with a space after it, and a line that goes on with the last one, are ways to be read differently
            // by two readers (RFC 9112, 5.1 and 5.2).
            guard let colon = line.firstIndex(of: 0x3A), colon > line.startIndex,
                line[..<colon].allSatisfy(isTokenByte)
            else { throw HTTPRejection(400, "a header field is malformed") }
            let name = String(decoding: line[..<colon], as: UTF8.self).lowercased()
            let value = line[(colon + 1)...].drop { $0 == 0x20 || $0 == 0x09 }
            let trimmed = value.prefix(
                (value.lastIndex { $0 != 0x20 && $0 != 0x09 }.map { $0 + 1 } ?? value.startIndex)
                    - value.startIndex
            )
            guard name != "host" || fields[name] == nil else {
                throw HTTPRejection(400, "the header field Host came twice")
            }
            fields[name] = String(decoding: trimmed, as: UTF8.self)
        }
        return fields
    }

    /// The characters of methods and header names (RFC 9110, 5.6.2).
    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}

/// Why a request is answered before anybody looks at what it wants.
struct HTTPRejection: Error, Sendable, Hashable {
    let status: Int
    let message: String

    init(_ status: Int, _ message: String) {
        self.status = status
        self.message = message
    }
}
