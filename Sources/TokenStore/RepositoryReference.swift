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
        throw RepositoryReferenceError("this store has neither a git server nor a registry")
    }

    /// The repository of an image reference, as
    /// <https://github.com/distribution/reference> defines one: `[host/]path[:tag][@digest]`.
    static func imageRepository(
        _ reference: String,
        registryHost: String
    ) throws(RepositoryReferenceError) -> String {
        var name = Substring(reference)
        guard !name.contains("://") else {
            throw RepositoryReferenceError("an image reference has no scheme; write \(registryHost)/path:tag")
        }
        if let at = name.firstIndex(of: "@") { name = name[..<at] }
        var parts = name.split(separator: "/", omittingEmptySubsequences: false)
        if let last = parts.last, let colon = last.firstIndex(of: ":"), parts.count > 1 || last.hasPrefix(":") == false
        {
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
            throw RepositoryReferenceError("\"\(printable(name))\" is no image repository")
        }
        return parts.joined(separator: "/")
    }

    private static func isPathPart(_ part: Substring) -> Bool {
        func alphanumeric(_ byte: UInt8?) -> Bool {
            guard let byte else { return false }
            return (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        }
        guard alphanumeric(part.utf8.first), alphanumeric(part.utf8.last) else { return false }
        return part.utf8.allSatisfy { alphanumeric($0) || $0 == 0x2E || $0 == 0x5F || $0 == 0x2D }
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
            guard let number = UInt16(port), number > 0 else { throw RepositoryReferenceError("its port is malformed") }
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
