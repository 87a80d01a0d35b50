// URLs, read by the parser that also sends them.

import CCurl

/// The parts of a URL that messages and logs may show, and the choice of a proxy needs.
struct URLParts: Sendable, Hashable {
    var scheme: String
    /// The host as the URL has it, an IPv6 address in brackets.
    var host: String
    var port: Int
    var path: String

    /// The host and the port: what messages name.
    var authority: String { "\(host):\(port)" }
    /// The URL without a query: what logs name.
    var loggable: String { "\(scheme)://\(authority)\(path)" }
    /// Whether a name look-up is needed.
    var hostIsAddress: Bool { host.hasPrefix("[") || host.utf8.allSatisfy { $0 == 0x2E || (0x30...0x39).contains($0) } }

    /// Reads the URL of a call: absolute, `http` or `https`, printable ASCII only, no userinfo.
    ///
    /// - Returns: `nil` when it is no such URL.
    init?(callURL text: String) {
        guard !text.contains("#") else { return nil }
        self.init(text, flags: UInt32(CURLU_DEFAULT_PORT | CURLU_DISALLOW_USER | CURLU_PATH_AS_IS))
        guard scheme == "http" || scheme == "https" else { return nil }
    }

    /// Reads the URL of a proxy; a missing scheme is `http`, and the port is libcurl's 1080 unless written.
    init?(proxyURL text: String) {
        self.init(text.contains("://") ? text : "http://\(text)", flags: UInt32(CURLU_NON_SUPPORT_SCHEME))
        guard ["http", "https", "socks4", "socks4a", "socks5", "socks5h"].contains(scheme) else { return nil }
    }

    private init?(_ text: String, flags: UInt32) {
        guard text.utf8.count <= 8192, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
        guard let handle = curl_url() else { return nil }
        defer { curl_url_cleanup(handle) }
        guard curl_url_set(handle, CURLUPART_URL, text, flags) == CURLUE_OK else { return nil }
        func part(_ part: CURLUPart) -> String? {
            var value: UnsafeMutablePointer<CChar>?
            guard curl_url_get(handle, part, &value, flags) == CURLUE_OK, let value else { return nil }
            defer { curl_free(value) }
            return String(cString: value)
        }
        guard let scheme = part(CURLUPART_SCHEME), let host = part(CURLUPART_HOST), !host.isEmpty else { return nil }
        self.scheme = scheme.lowercased()
        self.host = host.lowercased()
        port = part(CURLUPART_PORT).flatMap { Int($0) } ?? (self.scheme == "https" ? 443 : 1080)
        path = part(CURLUPART_PATH) ?? "/"
    }
}
