// Hosts as `host:port`.

enum HostName {
    /// The host alone: `127.0.0.1` of `127.0.0.1:8080`, `[::1]` of `[::1]:8080`.
    static func withoutPort(_ host: String) -> String {
        guard let colon = host.lastIndex(of: ":"), !host[colon...].contains("]") else { return host }
        return String(host[..<colon])
    }
}
