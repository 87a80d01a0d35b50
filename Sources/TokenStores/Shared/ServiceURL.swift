// Base URLs in store settings.

import TokenStore

/// An API's base URL: https (or http on a loopback address), a host, perhaps a path; nothing else.
struct ServiceURL: Sendable, Hashable {
    /// The scheme and the host in lower case, with its port where it is not the scheme's own: `https://api.github.com`.
    let origin: String
    /// The path without a slash at its end; empty, or `/api/v3` for example.
    let path: String

    /// The URL as calls are built on it, without a slash at its end.
    var text: String { origin + path }

    /// The host, with its port where it is not the scheme's own.
    var host: String { String(origin.drop { $0 != ":" }.dropFirst(3)) }

    /// Reads a base URL.
    ///
    /// - Throws: ``RepositoryReferenceError`` with what is wrong.
    init(_ text: String) throws(RepositoryReferenceError) {
        var authorityEnd = text.endIndex
        if let separator = text.firstRange(of: "://") {
            authorityEnd = text[separator.upperBound...].firstIndex(of: "/") ?? text.endIndex
        }
        origin = try GitServer(webURL: String(text[..<authorityEnd])).origin
        var path = text[authorityEnd...]
        while path.hasSuffix("/") { path.removeLast() }
        let segments = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        guard segments.allSatisfy(Self.isPlain) else {
            throw RepositoryReferenceError("its path holds a query, a fragment, an escape, an empty part or dots")
        }
        self.path = String(path)
    }

    private static func isPlain(_ segment: Substring) -> Bool {
        guard !segment.isEmpty, segment != ".", segment != ".." else { return false }
        return segment.unicodeScalars.allSatisfy { scalar in
            scalar.isASCII && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil)
                || scalar == "-" || scalar == "." || scalar == "_" || scalar == "~"
        }
    }
}
