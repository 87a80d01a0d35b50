// Who may see the status page. Pods, namespaces and repositories are on it, so not everybody in the cluster.

/// Who may see the status page.
package enum StatusAccess: Sendable, Hashable {
    /// Who connects from the Pod itself: `kubectl port-forward`, or a shell on the node where the network is shared.
    case loopback
    /// Everybody who can connect.
    case all
    /// Nobody.
    case off

    /// Why a request may not see it; `nil` when it may.
    ///
    /// Only the loopback addresses themselves count, not all of 127.0.0.0/8: proxies in the Pod's network (a mesh's
    /// sidecar, for example) show up with other addresses of that block, and their callers are anywhere. A browser on
    /// the operator's machine can be made to ask a foreign name that leads to loopback (DNS rebinding), so the name must
    /// be a local one.
    func refusal(of request: HTTPRequest) -> HTTPRejection? {
        switch (self, request.peer) {
        case (.off, _):
            return HTTPRejection(403, "the status page is off; set server.adminHTTP.status in the node's configuration")
        case (.all, _), (.loopback, .unix): return nil
        case (.loopback, .ip(let address)):
            guard Self.isLoopback(address), !Self.isForwarded(request) else {
                return HTTPRejection(
                    403,
                    """
                    the status page answers local callers only. From your machine:
                      kubectl -n daypass port-forward POD 8095
                    and open http://localhost:8095/status. (Or set server.adminHTTP.status to all.)
                    """
                )
            }
            guard Self.isLocal(host: request.headers["host"] ?? "") else {
                return HTTPRejection(421, "open it as http://localhost, and with the port that you forwarded: /status")
            }
            return nil
        }
    }

    static func isLoopback(_ address: String) -> Bool {
        ["127.0.0.1", "::1", "::ffff:127.0.0.1"].contains(address)
    }

    /// Whether a proxy says that it asks for somebody else.
    private static func isForwarded(_ request: HTTPRequest) -> Bool {
        ["forwarded", "x-forwarded-for", "x-forwarded-host"].contains { request.headers[$0] != nil }
    }

    /// Whether a Host field names this machine, with any port.
    static func isLocal(host: String) -> Bool {
        let host = host.lowercased()
        for name in ["localhost", "127.0.0.1", "[::1]"] where host.hasPrefix(name) {
            let rest = host.dropFirst(name.count)
            if rest.isEmpty { return true }
            let port = rest.dropFirst()
            if rest.first == ":", !port.isEmpty, port.utf8.count <= 5,
                port.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 })
            {
                return true
            }
        }
        return false
    }
}
