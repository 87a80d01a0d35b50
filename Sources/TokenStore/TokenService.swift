// Where a token is good: a forge's git server, a registry, both, or another host.

/// The forge or registry that accepts a store's tokens.
public struct TokenService: Sendable, Hashable {
    /// The git server, when tokens of this store open one.
    public var git: GitServer?
    /// The registry's host, with its port where it has one (`ghcr.io`, `registry.example:5000`), when tokens open one.
    public var registryHost: String?
    /// How a registry's clients must present the tokens.
    public var registryCredential: RegistryCredential
    /// The host of anything else that takes the tokens (a package index, an API), with its port where it has one. Its
    /// repositories are paths: parts of letters, digits, `.`, `_` and `-`, with `/` between them.
    public var otherHost: String?

    /// Creates a service.
    public init(
        git: GitServer? = nil,
        registryHost: String? = nil,
        registryCredential: RegistryCredential = .basic,
        otherHost: String? = nil
    ) {
        self.git = git
        self.registryHost = registryHost
        self.registryCredential = registryCredential
        self.otherHost = otherHost
    }
}

/// How a registry's clients present a token. It decides the field of `config.json` that the token stands in
/// (<https://github.com/docker/cli/blob/master/cli/config/types/authconfig.go>).
public enum RegistryCredential: String, Sendable, Hashable, CaseIterable {
    /// As a password beside the user name: every client can.
    case basic
    /// As an OAuth2 refresh token, which the client exchanges at the registry's token server: `identitytoken`. Most
    /// clients can. A user name `<token>`, docker's own sign for it, makes any token one.
    case identityToken
    /// As the registry's bearer token itself: `registrytoken`. BuildKit, crane and kaniko can, and docker's engine by
    /// its source; what is built on containers/image (podman, buildah, skopeo) can't read it from a file.
    case registryToken
}

/// A git server that is reached over HTTP.
public struct GitServer: Sendable, Hashable {
    /// `https`, or `http` on a loopback address.
    public let scheme: String
    /// The host in lower case, with its port where it is not the scheme's own.
    public let host: String
    /// How many parts a repository's name has: 2 for `owner/name`; more with nested groups.
    public let nameParts: ClosedRange<Int>
    /// Whether `Owner/Name` and `owner/name` are one repository.
    public let namesIgnoreCase: Bool

    /// The scheme and the host: `https://github.com`.
    public var origin: String { "\(scheme)://\(host)" }

    /// Reads a server's base URL.
    ///
    /// - Throws: ``RepositoryReferenceError`` when it is not `https` (or `http` on a loopback address), or holds
    ///   anything but a host and a port.
    public init(
        webURL: String,
        nameParts: ClosedRange<Int> = 2...2,
        namesIgnoreCase: Bool = false
    ) throws(RepositoryReferenceError) {
        let parts = try HTTPURLParts(webURL)
        guard parts.path.isEmpty || parts.path == "/" else {
            throw RepositoryReferenceError("the server's URL must end after the host, and this one has a path")
        }
        guard parts.scheme == "https" || parts.isLoopback else {
            throw RepositoryReferenceError("the server's URL must be https (http is taken on a loopback address only)")
        }
        scheme = parts.scheme
        host = parts.authority
        self.nameParts = nameParts
        self.namesIgnoreCase = namesIgnoreCase
    }

    /// The name of the repository that a URL on this server, or a bare `owner/name`, stands for: without `.git`.
    ///
    /// - Throws: ``RepositoryReferenceError`` for another scheme or host, userinfo, a query, a fragment, or a name
    ///   that is no repository's.
    public func repository(_ reference: String) throws(RepositoryReferenceError) -> String {
        var name = Substring(reference)
        if reference.contains("://") || reference.contains("@") || reference.contains(":") {
            let parts = try HTTPURLParts(reference)
            guard parts.scheme == scheme else {
                throw RepositoryReferenceError("its scheme is \(parts.scheme), and this store serves \(origin)")
            }
            guard parts.authority == host else {
                throw RepositoryReferenceError("its host is \(parts.authority), and this store serves \(origin)")
            }
            name = Substring(parts.path).dropFirst()
        }
        if name.hasSuffix("/") { name.removeLast() }
        if name.hasSuffix(".git") { name.removeLast(4) }
        guard !name.lowercased().hasSuffix(".git") else {
            throw RepositoryReferenceError(
                "a repository's name does not end in .git; write it once at most, in lower case"
            )
        }
        let components = name.split(separator: "/", omittingEmptySubsequences: false)
        guard nameParts.contains(components.count), components.allSatisfy(Self.isNamePart) else {
            throw RepositoryReferenceError("\"\(printable(name))\" is no repository name of the form owner/name")
        }
        return String(name)
    }

    /// Letters, digits, `.`, `_` and `-`: what the forges allow. So nothing here needs escaping in a file we render.
    static func isNamePart(_ part: Substring) -> Bool {
        guard !part.isEmpty, part != ".", part != "..", part.utf8.count <= 255, !part.hasPrefix("-") else {
            return false
        }
        return part.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
            case UInt8(ascii: "0")...UInt8(ascii: "9"): true
            case UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"): true
            default: false
            }
        }
    }
}
