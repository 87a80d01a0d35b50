// The key `server.adminHTTP`: where the health endpoints, the metrics and the status page are, and who sees the page.

import Glibc
import StrictYAML

/// How the daemon answers probes, scrapers and people over HTTP.
package struct AdminHTTPSettings: Sendable, Hashable {
    /// Where it listens.
    package enum Listen: Sendable, Hashable {
        /// An IPv4 address and a port. Port 0 takes a free one.
        case ip4(String, port: UInt16)
        /// An IPv6 address, without brackets, and a port. `::` takes IPv4 connections too.
        case ip6(String, port: UInt16)
        /// The path of a Unix socket.
        case unix(String)
    }

    /// Who may see the status page.
    package enum Status: String, Sendable, Hashable, CaseIterable {
        /// Who connects from the Pod itself, which is what `kubectl port-forward` does.
        case loopback
        /// Everybody who can connect.
        case all
        /// Nobody.
        case off
    }

    /// Where it listens.
    package var listen: Listen
    /// Who may see the status page.
    package var status = Status.loopback

    package init(listen: Listen, status: Status = .loopback) {
        self.listen = listen
        self.status = status
    }

    /// The longest path of the socket: a name that is a little longer is used before the socket is served.
    package static let longestPath = 90

    init?(_ value: YAMLValue, _ findings: inout Findings) {
        guard var fields = Fields(value, &findings) else { return nil }
        let listen = fields.required("listen", &findings) { value throws(YAMLProblems) in try Self.listen(value) }
        let status = fields.optional("status", &findings) { value throws(YAMLProblems) in
            let word = value.text ?? ""
            guard let status = Status(rawValue: word) else {
                throw YAMLProblems(
                    value.problem("it does not say who may see the page", fix: "write loopback, all or off")
                )
            }
            return status
        }
        fields.finish(&findings)
        guard let listen else { return nil }
        self.init(listen: listen, status: status ?? .loopback)
    }

    private static func listen(_ value: YAMLValue) throws(YAMLProblems) -> Listen {
        let text = try value.string()
        if text.hasPrefix("/") { return .unix(try value.absolutePath(longest: longestPath)) }
        let colon = text.lastIndex(of: ":") ?? text.startIndex
        let (host, digits) = (text[..<colon], text[colon...].dropFirst())
        guard !host.isEmpty, digits.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let port = UInt16(digits) else {
            throw YAMLProblems(
                value.problem(
                    "it is neither an address with a port nor the path of a socket",
                    fix:
                        "write \"0.0.0.0:8095\" for all addresses, \"[::]:8095\" for IPv6 too, or /run/daypass/http.sock"
                )
            )
        }
        if host.hasPrefix("["), host.hasSuffix("]") {
            let address = String(host.dropFirst().dropLast())
            var parsed = in6_addr()
            if inet_pton(AF_INET6, address, &parsed) == 1 { return .ip6(address, port: port) }
        } else {
            var parsed = in_addr()
            if inet_pton(AF_INET, String(host), &parsed) == 1 { return .ip4(String(host), port: port) }
        }
        throw YAMLProblems(
            value.problem(
                "what stands before the port is no IP address",
                fix: "write 127.0.0.1 for localhost, 0.0.0.0 for all addresses, an IPv6 address in brackets"
            )
        )
    }
}
