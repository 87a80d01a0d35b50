// Which proxy a URL's scheme goes through. Whether a host is exempt is left to libcurl, which knows CIDR blocks.

/// The proxies of one transport, read once when it is set up.
struct ProxySettings: Sendable {
    /// One proxy. The URL may hold a password; the name may be shown.
    struct Proxy: Sendable {
        var url: String
        var host: String
        var port: Int
        /// Where the choice was made: a variable's name, or `the configuration`.
        var source: String

        var authority: String { "\(host):\(port)" }
        /// Whether it speaks HTTP: a SOCKS proxy passes everything through.
        var answersItself: Bool { !url.lowercased().hasPrefix("socks") }
    }

    var forHTTP: Proxy?
    var forHTTPS: Proxy?
    /// The value of `NO_PROXY`.
    var bypass = ""

    func proxy(forScheme scheme: String) -> Proxy? { scheme == "https" ? forHTTPS : forHTTP }

    init(_ options: HTTPTransferOptions) throws(HTTPTransferSetupError) {
        guard options.unixSocketPath == nil else { return }
        switch options.proxy {
        case .none:
            return
        case .url(let url, let bypass):
            forHTTP = try Self.proxy(url, from: "the configuration")
            forHTTPS = forHTTP
            self.bypass = bypass
        case .environment:
            let all = ["all_proxy", "ALL_PROXY"]
            // HTTP_PROXY in capitals is not read: in a CGI program a client could set it with a `Proxy` field.
            forHTTP = try Self.first(of: ["http_proxy"] + all, in: options.environment)
            forHTTPS = try Self.first(of: ["https_proxy", "HTTPS_PROXY"] + all, in: options.environment)
            bypass = ["no_proxy", "NO_PROXY"].lazy.compactMap { options.environment[$0] }.first { !$0.isEmpty } ?? ""
        }
    }

    private static func first(
        of names: [String],
        in environment: [String: String]
    ) throws(HTTPTransferSetupError) -> Proxy? {
        for name in names {
            if let url = environment[name], !url.isEmpty { return try proxy(url, from: name) }
        }
        return nil
    }

    private static func proxy(_ url: String, from source: String) throws(HTTPTransferSetupError) -> Proxy {
        guard let parts = URLParts(proxyURL: url) else {
            throw HTTPTransferSetupError(
                "the proxy URL in \(source) is not usable; write http://host:port, https://host:port or "
                    + "socks5h://host:port"
            )
        }
        return Proxy(url: url, host: parts.host, port: parts.port, source: source)
    }
}
