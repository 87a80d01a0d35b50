// The address of a registry's token server, and whether the store's credential may go there.

import TokenStore

/// A token server's URL: https (or http on a loopback address), a host, a path, perhaps a query.
struct RegistryRealm: Sendable, Hashable {
    /// The address without the query.
    let url: ServiceURL
    /// What the registry wrote behind `?`; it goes before our own parameters.
    let query: String

    /// A token server that the operator named.
    init(_ url: ServiceURL) {
        self.url = url
        query = ""
    }

    /// Reads the realm of a challenge; `nil` when nothing may be sent there, whoever named it.
    init?(_ text: String) {
        let parts = text.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        guard let url = try? ServiceURL(String(parts[0])) else { return nil }
        let query = parts.count > 1 ? String(parts[1]) : ""
        guard query.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "#") }) else { return nil }
        self.url = url
        self.query = query
    }

    /// Whether a registry may name this token server by itself.
    ///
    /// The store's credential goes to the realm, so a registry that was broken into could name a host of its own choice
    /// and collect it. Its own host, on any port, is taken: who holds that can have the credential anyway. A sibling or
    /// a parent (`auth.example.com` for `registry.example.com`) is not, because nothing tells whether both belong to
    /// one owner; the operator writes such a one into the settings. Docker Hub's is known.
    func belongs(to registry: String) -> Bool {
        let host = Self.hostWithoutPort(url.origin)
        if host == Self.hostWithoutPort(registry) { return true }
        return registry == DockerHub.origin && url.origin == DockerHub.tokenServer
    }

    private static func hostWithoutPort(_ origin: String) -> Substring {
        let host = origin.firstRange(of: "://").map { origin[$0.upperBound...] } ?? origin[...]
        guard let colon = host.lastIndex(of: ":"), !host[colon...].contains("]") else { return host }
        return host[..<colon]
    }

    /// The URL for these parameters, escaped.
    func text(adding parameters: [(name: String, value: String)]) -> String {
        let own = parameters.map { "\(PercentEncoded.text($0.name))=\(PercentEncoded.text($0.value))" }
        let all = (query.isEmpty ? [] : [query]) + own
        return all.isEmpty ? url.text : "\(url.text)?\(all.joined(separator: "&"))"
    }

    /// The URL as the registry wrote it.
    var text: String { text(adding: []) }
}

/// Docker Hub, whose images, API and token server have names of their own
/// (<https://distribution.github.io/distribution/spec/auth/token/>).
enum DockerHub {
    /// How image references name it.
    static let host = "docker.io"
    /// Where its API answers.
    static let origin = "https://registry-1.docker.io"
    /// Where its tokens come from.
    static let tokenServer = "https://auth.docker.io"

    /// Whether a host is one of its names.
    static func isName(_ name: String) -> Bool { [host, "index.docker.io", "registry-1.docker.io"].contains(name) }
}
