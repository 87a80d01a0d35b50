// Strict reading of repository URLs and image references, which tenants write.

/// Why a text is no reference to a repository of a service. One line, safe to show.
public struct RepositoryReferenceError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What is wrong, in one line.
    public var message: String

    /// Creates an error.
    public init(_ message: String) { self.message = message }

    public var description: String { message }
}

extension TokenService {
    /// The name of the repository that a tenant's text stands for: a URL or `owner/name` where tokens open a git
    /// server, an image reference where they open a registry only.
    ///
    /// - Throws: ``RepositoryReferenceError``, without repeating any userinfo of the text.
    public func repository(_ reference: String) throws(RepositoryReferenceError) -> String {
        if let git { return try git.repository(reference) }
        if let registryHost { return try Self.imageRepository(reference, registryHost: registryHost) }
        if let otherHost { return try Self.path(reference, host: otherHost) }
        throw RepositoryReferenceError("this store has neither a git server nor a registry nor another host")
    }

    /// A path on a host that is neither a git server nor a registry: `host/path`, `https://host/path` or `path`.
    static func path(_ reference: String, host: String) throws(RepositoryReferenceError) -> String {
        var name = Substring(reference)
        if reference.contains("://") {
            let parts = try HTTPURLParts(reference)
            guard parts.authority == host else {
                throw RepositoryReferenceError("its host is \(parts.authority), and this store serves \(host)")
            }
            name = Substring(parts.path).dropFirst()
        } else if name.lowercased().hasPrefix(host + "/") {
            name = name.dropFirst(host.count + 1)
        }
        if name.hasSuffix("/") { name.removeLast() }
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        guard name.utf8.count <= 1024, parts.allSatisfy(GitServer.isNamePart) else {
            throw RepositoryReferenceError("\"\(printable(name))\" is no path of letters, digits and . _ - between /")
        }
        return String(name)
    }

    /// The repository of an image reference, as
    /// <https://github.com/distribution/reference> defines one: `[host/]path[:tag][@digest]`.
    static func imageRepository(
        _ reference: String,
        registryHost: String
    ) throws(RepositoryReferenceError) -> String {
        guard !reference.contains("://") else {
            throw RepositoryReferenceError("an image reference has no scheme; write \(registryHost)/path:tag")
        }
        var name = Substring(reference)
        if let at = name.firstIndex(of: "@") {
            guard isDigest(name[name.index(after: at)...]) else {
                throw RepositoryReferenceError("it has an @ that no digest follows")
            }
            name = name[..<at]
        }
        var parts = name.split(separator: "/", omittingEmptySubsequences: false)
        if let last = parts.last, let colon = last.firstIndex(of: ":") {
            guard isTag(last[last.index(after: colon)...]) else {
                throw RepositoryReferenceError("its tag is malformed")
            }
            parts[parts.count - 1] = last[..<colon]
        }
        if let first = parts.first, parts.count > 1, first.contains(".") || first.contains(":") || first == "localhost"
        {
            guard first.lowercased() == registryHost else {
                let host = printable(first)
                throw RepositoryReferenceError("its registry is \(host), and this store serves \(registryHost)")
            }
            parts.removeFirst()
        }
        guard !parts.isEmpty, parts.allSatisfy(isPathPart), parts.joined(separator: "/").utf8.count <= 255 else {
            let path = printable(parts.joined(separator: "/"))
            throw RepositoryReferenceError("\"\(path)\" is no image repository (lower case, digits and . _ - between)")
        }
        return parts.joined(separator: "/")
    }

    /// `sha256:` and hexadecimal digits, as the image specification writes digests.
    private static func isDigest(_ text: Substring) -> Bool {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, parts[1].utf8.count >= 32, parts[1].utf8.count <= 128 else {
            return false
        }
        return parts[0].allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "+._-".contains($0)) }
            && parts[1].allSatisfy { $0.isASCII && $0.isHexDigit }
    }

    private static func isTag(_ text: Substring) -> Bool {
        guard let first = text.first, first != ".", first != "-", text.utf8.count <= 128 else { return false }
        return text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) }
    }

    /// Lower case letters and digits, with `.`, `_`, `__` or any number of `-` between them.
    private static func isPathPart(_ part: Substring) -> Bool {
        var separator: [UInt8] = []
        var endsWell = false
        for byte in part.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"):
                guard separator.isEmpty || isSeparator(separator) else { return false }
                separator = []
                endsWell = true
            default:
                // One before the first letter or digit, or one that never ends, is none.
                guard endsWell || !separator.isEmpty else { return false }
                separator.append(byte)
                endsWell = false
            }
        }
        return endsWell
    }

    private static func isSeparator(_ bytes: [UInt8]) -> Bool {
        switch bytes {
        case [UInt8(ascii: ".")], [UInt8(ascii: "_")], [UInt8(ascii: "_"), UInt8(ascii: "_")]: true
        default: bytes.allSatisfy { $0 == UInt8(ascii: "-") }
        }
    }
}

/// The parts of an http or https URL that hold no surprise: no userinfo, query, fragment, escape or odd character.
struct HTTPURLParts {
    let scheme: String
    /// The host in lower case, with the port unless it is the scheme's own.
    let authority: String
    let path: String
    let isLoopback: Bool

    init(_ text: String) throws(RepositoryReferenceError) {
        guard text.utf8.count <= 2048 else { throw RepositoryReferenceError("it is longer than 2048 bytes") }
        guard let colon = text.firstRange(of: "://") else {
            throw RepositoryReferenceError("it is no URL that begins with https://")
        }
        scheme = text[..<colon.lowerBound].lowercased()
        guard scheme == "https" || scheme == "http" else {
            throw RepositoryReferenceError("its scheme is \"\(printable(text[..<colon.lowerBound]))\"; write https://")
        }
        let rest = text[colon.upperBound...]
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        let hostPort = rest[..<slash]
        guard hostPort.utf8.allSatisfy({ $0 < 0x80 }) else {
            throw RepositoryReferenceError("its host is malformed; write an internationalised name as xn--...")
        }
        guard !hostPort.contains("@") else {
            throw RepositoryReferenceError("it holds a user name or password before the host; leave them out")
        }
        path = String(rest[slash...])
        guard path.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && !"?#%\\\"'<>`{}|^".utf8.contains($0) }) else {
            throw RepositoryReferenceError("its path holds a query, a fragment, an escape or a character no name has")
        }
        (authority, isLoopback) = try Self.authority(hostPort.lowercased(), scheme: scheme)
    }

    private static func authority(
        _ text: String,
        scheme: String
    ) throws(RepositoryReferenceError) -> (String, Bool) {
        var host = Substring(text)
        var port: Substring?
        if text.hasPrefix("["), let close = text.firstIndex(of: "]") {
            host = text[...close]
            let after = text[text.index(after: close)...]
            guard after.isEmpty || after.hasPrefix(":") else { throw RepositoryReferenceError("its host is malformed") }
            port = after.isEmpty ? nil : after.dropFirst()
        } else if let colon = text.lastIndex(of: ":") {
            host = text[..<colon]
            port = text[text.index(after: colon)...]
        }
        let bare = host.hasPrefix("[") ? host.dropFirst().dropLast() : host
        let allowed = host.hasPrefix("[") ? "0123456789abcdef:." : "abcdefghijklmnopqrstuvwxyz0123456789.-_"
        guard !bare.isEmpty, bare.utf8.count <= 253, bare.allSatisfy({ allowed.contains($0) }) else {
            throw RepositoryReferenceError("its host \"\(printable(host))\" is malformed")
        }
        if let port {
            guard port.allSatisfy(\.isNumber), let number = UInt16(port), number > 0 else {
                throw RepositoryReferenceError("its port is malformed")
            }
            let own = scheme == "https" ? 443 : 80
            if Int(number) != own { return ("\(host):\(number)", isLoopback(bare)) }
        }
        return (String(host), isLoopback(bare))
    }

    private static func isLoopback(_ host: Substring) -> Bool {
        if host == "localhost" || host == "::1" { return true }
        let octets = host.split(separator: ".", omittingEmptySubsequences: false)
        return octets.count == 4 && octets[0] == "127" && octets.allSatisfy { UInt8($0) != nil }
    }
}

/// A tenant's text as a message may show it: printable ASCII, at most 80 characters.
func printable(_ text: some StringProtocol) -> String {
    let shown = text.prefix(80).map { $0.isASCII && ($0.asciiValue ?? 0) > 0x1F && $0.asciiValue != 0x7F ? $0 : "?" }
    return String(shown) + (text.count > 80 ? "..." : "")
}
