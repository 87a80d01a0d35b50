// How registry clients spell a registry in their configuration.

enum RegistryKey {
    private static let hubNames: Set<String> = ["docker.io", "index.docker.io", "registry-1.docker.io"]

    /// docker's key: the host, or for Docker Hub the URL that docker has used since its first registry API.
    static func docker(_ host: String) -> String {
        hubNames.contains(host) ? "https://index.docker.io/v1/" : host
    }

    /// containers/image's key: the host.
    static func containers(_ host: String) -> String { hubNames.contains(host) ? "docker.io" : host }

    /// containers/image's key for one repository. Docker Hub's official images have a namespace that references leave out.
    static func containers(_ host: String, repository: String) -> String {
        let isOfficial = hubNames.contains(host) && !repository.contains("/")
        return "\(containers(host))/\(isOfficial ? "library/" : "")\(repository)"
    }

    /// The registry that a key stands for: clients ignore scheme and path of a URL, and Docker Hub's names are one.
    static func host(_ key: String) -> String {
        let bare = withoutScheme(key)
        return containers(String(Substring(bare.utf8.prefix { $0 != UInt8(ascii: "/") })).lowercased())
    }

    /// What a key of auth.json stands for: paths count, unless it is written as a URL.
    static func normalized(_ key: String) -> String {
        let bare = withoutScheme(key)
        let path = bare == key ? String(Substring(bare.utf8.drop { $0 != UInt8(ascii: "/") })) : ""
        return host(key) + path
    }

    private static func withoutScheme(_ key: String) -> String {
        for scheme in ["https://", "http://"] where key.utf8.starts(with: scheme.utf8) {
            return String(Substring(key.utf8.dropFirst(scheme.utf8.count)))
        }
        return key
    }
}
