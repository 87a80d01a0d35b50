// What an HTTP transport is set up with.

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The settings of one HTTP transport. TLS material belongs to the transport: make one for the API server with the
/// cluster's CA, and another for the internet.
package struct HTTPTransferOptions: Sendable {
    /// The certificate authorities that servers and HTTPS proxies are checked against.
    package var trust: TrustRoots
    /// The certificate to show to servers that ask for one.
    package var clientCertificate: ClientCertificate?
    /// The time for the name look-up, the connection, the proxy and the TLS handshake together; 3 s unless told.
    package var connectTimeout: Duration
    /// The way out.
    package var proxy: ProxyChoice
    /// The value of the `User-Agent` field, for example `daypass/1.2.3`.
    package var userAgent: String
    /// The most connections that are open at a time; calls beyond them wait, and their deadline runs. 32 unless told.
    package var maxConnections: Int
    /// A Unix socket to connect to instead of the URL's host. No proxy is used then.
    package var unixSocketPath: String?
    /// The variables that name proxies and the system's CA file; the process's own unless told.
    package var environment: [String: String]

    /// Creates settings.
    package init(
        trust: TrustRoots = .system,
        clientCertificate: ClientCertificate? = nil,
        connectTimeout: Duration = .seconds(3),
        proxy: ProxyChoice = .environment,
        userAgent: String = "daypass",
        maxConnections: Int = 32,
        unixSocketPath: String? = nil,
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) {
        self.trust = trust
        self.clientCertificate = clientCertificate
        self.connectTimeout = connectTimeout
        self.proxy = proxy
        self.userAgent = userAgent
        self.maxConnections = maxConnections
        self.unixSocketPath = unixSocketPath
        self.environment = environment
    }
}

/// The certificate authorities that a transport trusts.
///
/// The system's are the bundle that the variable `SSL_CERT_FILE` names, or else the one libcurl was built for
/// (`/etc/ssl/certs/ca-certificates.crt` on Debian). Files are looked at again before each call, so a rotated
/// authority counts for the connections that follow.
package struct TrustRoots: Sendable, Hashable {
    /// Whether the system's authorities are trusted too.
    package var includesSystem: Bool
    /// PEM files with more authorities.
    package var files: [String]
    /// PEM text with more authorities.
    package var pem: String

    /// The system's authorities and no other.
    package static var system: Self { Self(includesSystem: true) }

    /// Creates a set of authorities.
    package init(includesSystem: Bool, files: [String] = [], pem: String = "") {
        self.includesSystem = includesSystem
        self.files = files
        self.pem = pem
    }
}

/// A client certificate. Both files are PEM and are looked at again before each call, so a renewed certificate counts for
/// the connections that follow; none that the former was shown on is used again.
package struct ClientCertificate: Sendable, Hashable {
    /// The certificate, followed by its chain.
    package var certificateFile: String
    /// The private key, not encrypted.
    package var keyFile: String

    /// Creates a pair.
    package init(certificateFile: String, keyFile: String) {
        self.certificateFile = certificateFile
        self.keyFile = keyFile
    }
}

/// How a transport leaves the node.
package enum ProxyChoice: Sendable, Hashable {
    /// As the environment says, by libcurl's rules: `http_proxy` for `http` (lower case only), `https_proxy` or
    /// `HTTPS_PROXY` for `https`, `all_proxy` or `ALL_PROXY` for both, but not for what `no_proxy` or `NO_PROXY`
    /// names (hosts, domains, addresses, CIDR blocks). <https://curl.se/libcurl/c/libcurl-env.html>
    case environment
    /// Straight.
    case none
    /// This proxy (`http://`, `https://`, `socks5h://`), but not for what `bypass` names, in the form of `NO_PROXY`.
    case url(String, bypass: String = "")
}

/// Why a transport can't be set up, in one line.
package struct HTTPTransferSetupError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What is wrong and how to mend it.
    package var message: String

    init(_ message: String) { self.message = message }

    package var description: String { message }
}
