// The keys `server` and `http`: the socket's side and the internet's side of the daemon.

import StrictYAML

/// How the daemon serves.
package struct ServerSettings: Sendable, Hashable {
    /// The socket's path; `nil` leaves it to the command line.
    package var socket: String?
    /// The path of the socket on which operators list and revoke leases.
    package var adminSocket = "/run/daypass/admin.sock"
    /// The time for one Mount; it must end before the driver's (2 minutes less what the driver itself needs).
    package var mountDeadline: Duration = .seconds(25)
    /// How long calls may run on after SIGTERM.
    package var drain: Duration = .seconds(10)
    /// The largest Mount call in bytes.
    package var maxRequestBytes = 1 << 20
    /// Health, metrics and the status page over HTTP; `nil` when there is none.
    package var adminHTTP: AdminHTTPSettings?

    package init() {}

    init(_ value: YAMLValue, _ findings: inout Findings) {
        guard var fields = Fields(value, &findings) else { return }
        // 107 bytes fit into sun_path; unix(7).
        socket = fields.optional("socket", &findings) { value throws(YAMLProblems) in
            try value.absolutePath(longest: 107)
        }
        let adminSocket = fields.optional("adminSocket", &findings) { value throws(YAMLProblems) in
            try value.absolutePath(longest: 107)
        }
        self.adminSocket = adminSocket ?? self.adminSocket
        let mountDeadline = fields.optional("mountDeadline", &findings) { value throws(YAMLProblems) in
            try value.duration(in: .seconds(1) ... .seconds(110))
        }
        self.mountDeadline = mountDeadline ?? self.mountDeadline
        let drain = fields.optional("drain", &findings) { value throws(YAMLProblems) in
            try value.duration(in: .zero ... .seconds(120))
        }
        self.drain = drain ?? self.drain
        let maxRequestBytes = fields.optional("maxRequestBytes", &findings) { value throws(YAMLProblems) in
            try value.integer(in: 64 << 10...8 << 20)
        }
        self.maxRequestBytes = maxRequestBytes ?? self.maxRequestBytes
        adminHTTP = fields.optional("adminHTTP").flatMap { AdminHTTPSettings($0, &findings) }
        fields.finish(&findings)
    }
}

/// How the daemon reaches the token sources.
package struct HTTPSettings: Sendable, Hashable {
    /// The way out.
    package enum Proxy: Sendable, Hashable {
        /// As the environment says (`https_proxy`, `no_proxy`).
        case environment
        /// Straight.
        case none
        /// This proxy, but not for these hosts, domains, addresses and CIDR blocks.
        case url(String, bypass: [String])
    }

    /// The way out.
    package var proxy: Proxy = .environment
    /// A PEM file with authorities that are trusted besides the system's.
    package var caFile: String?
    /// The certificate that is shown to servers which ask for one, and its key: two PEM files.
    package var clientCertificate: CertificateFiles?
    /// The time for the name look-up, the connection, the proxy and the TLS handshake together.
    package var connectTimeout: Duration = .seconds(3)

    package init() {}

    init(_ value: YAMLValue, _ findings: inout Findings) {
        guard var fields = Fields(value, &findings) else { return }
        let proxy = fields.optional("proxy")
        let bypass = fields.optional("noProxy")
        caFile = fields.optional("caFile", &findings) { value throws(YAMLProblems) in try value.absolutePath() }
        clientCertificate = fields.optional("clientCertificate").flatMap { CertificateFiles($0, &findings) }
        let connectTimeout = fields.optional("connectTimeout", &findings) { value throws(YAMLProblems) in
            try value.duration(in: .milliseconds(100) ... .seconds(60))
        }
        self.connectTimeout = connectTimeout ?? self.connectTimeout
        fields.finish(&findings)
        let hosts = bypass.flatMap { Self.hosts($0, &findings) } ?? []
        if let proxy {
            self.proxy = findings.collect { () throws(YAMLProblems) in try Self.proxy(proxy, bypass: hosts) } ?? .none
        }
        if let bypass, proxy == nil || proxy?.text == "none" {
            findings.error(bypass.problem("it says nothing without a proxy", fix: "set proxy to the proxy's URL"))
        }
    }

    private static func hosts(_ value: YAMLValue, _ findings: inout Findings) -> [String]? {
        let elements = findings.collect { () throws(YAMLProblems) in try value.sequence() }
        return elements?.compactMap { element in
            findings.collect { () throws(YAMLProblems) in
                let word = try element.word(longest: 255)
                guard !word.contains(",") else {
                    throw YAMLProblems(element.problem("it holds a comma", fix: "write one host for each element"))
                }
                return word
            }
        }
    }

    private static func proxy(_ value: YAMLValue, bypass: [String]) throws(YAMLProblems) -> Proxy {
        let url = try value.word(longest: 2048)
        if url == "none" { return .none }
        guard ["http://", "https://", "socks5h://"].contains(where: url.hasPrefix) else {
            throw YAMLProblems(
                value.problem(
                    "it is no URL of a proxy",
                    fix: "write http://host:port, https://host:port, socks5h://host:port or none"
                )
            )
        }
        guard !url.contains("@") else {
            throw YAMLProblems(
                value.problem(
                    "it holds a user name or password, and this file is no place for secrets",
                    fix: "leave proxy out and set https_proxy in the daemon's environment from a Secret"
                )
            )
        }
        return .url(url, bypass: bypass)
    }
}

/// A certificate and its private key.
package struct CertificateFiles: Sendable, Hashable {
    /// The path of the certificate, followed by its chain, as PEM.
    package var certificate: String
    /// The path of the private key as PEM, not encrypted.
    package var key: String

    init?(_ value: YAMLValue, _ findings: inout Findings) {
        guard var fields = Fields(value, &findings) else { return nil }
        let certificate = fields.required("certificate", &findings) { value throws(YAMLProblems) in
            try value.absolutePath()
        }
        let key = fields.required("key", &findings) { value throws(YAMLProblems) in try value.absolutePath() }
        fields.finish(&findings)
        guard let certificate, let key else { return nil }
        self.certificate = certificate
        self.key = key
    }
}
