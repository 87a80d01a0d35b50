// The Pods of a cluster by its API server.

package import HTTPTransfer
import TokenStore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Lists, watches and gets Pods over HTTP. It needs a role with `get`, `list` and `watch` on `pods`.
package struct KubernetesPods: PodAPI {
    /// The bounds of what is sent and taken.
    package struct Limits: Sendable {
        /// The time for one list page or one Pod.
        package var answer: Duration
        /// The largest page of a list, in bytes.
        package var page: Int
        /// The largest Pod, in bytes; etcd takes 1.5 MiB.
        package var pod: Int
        /// The longest line of a watch, in bytes.
        package var line: Int
        /// How long an open watch may say nothing. API servers send a bookmark about each minute.
        package var idle: Duration

        package init(
            answer: Duration = .seconds(20),
            page: Int = 16 << 20,
            pod: Int = 4 << 20,
            line: Int = 4 << 20,
            idle: Duration = .seconds(90)
        ) {
            self.answer = answer
            self.page = page
            self.pod = pod
            self.line = line
            self.idle = idle
        }
    }

    private let server: String
    private let tokenFile: String
    private let http: CurlTransport
    private let limits: Limits

    /// - Parameters:
    ///   - server: the API server's base URL without a path.
    ///   - tokenFile: Daypass's own token, read anew for each call because kubelet replaces it.
    ///   - http: a transport that trusts the cluster's CA.
    package init(server: String, tokenFile: String, http: CurlTransport, limits: Limits = Limits()) {
        self.server = server
        self.tokenFile = tokenFile
        self.http = http
        self.limits = limits
    }

    package func list(node: String, limit: Int?, continuing token: String?) async throws(PodAPIError) -> PodPage {
        let what = "list pods on node \(node)"
        var query = [("fieldSelector", "spec.nodeName=\(node)")]
        // With a limit, or without a version, many API servers read every Pod of the cluster from etcd, for each node.
        // From memory it is one node's Pods; that the list may be a little behind does no harm: what is missing in it is
        // asked for by name (https://kubernetes.io/docs/reference/using-api/api-concepts/#semantics-for-get-and-list).
        query.append(limit.map { ("limit", "\($0)") } ?? ("resourceVersion", "0"))
        if let token { query.append(("continue", token)) }
        let answer = try await send(call("/api/v1/pods", query, limits.answer, limits.page), what)
        guard answer.status == 200 else { throw refusal(answer, what) }
        guard let page = PodJSON.page(answer.body) else {
            throw PodAPIError(.unreadable, "the API server's answer is no list of Pods (\(what))", fix: Self.proxyHint)
        }
        return page
    }

    package func get(_ name: PodName) async throws(PodAPIError) -> PodAnswer {
        let what = "get pod \(name.namespace)/\(name.name)"
        guard Self.isName(name.namespace), Self.isName(name.name) else {
            throw PodAPIError(.unreadable, "a Pod with leases has no name that an API server knows")
        }
        let path = "/api/v1/namespaces/\(name.namespace)/pods/\(name.name)"
        let answer = try await send(call(path, [], limits.answer, limits.pod), what)
        switch answer.status {
        case 200:
            guard let pod = PodJSON.pod(answer.body), pod.name == name else {
                throw PodAPIError(.unreadable, "the API server's answer is no Pod (\(what))", fix: Self.proxyHint)
            }
            return .found(pod)
        case 404 where PodJSON.saysNotFound(answer.body, name):
            return .notFound
        default:
            throw refusal(answer, what)
        }
    }

    package func watch(
        node: String,
        from version: String,
        span: Duration,
        opened: () -> Void,
        event take: (PodEvent) -> Void
    ) async throws(PodAPIError) {
        let what = "watch pods on node \(node)"
        // The server ends the watch a moment before we would, so that it ends properly.
        let query = [
            ("watch", "true"), ("fieldSelector", "spec.nodeName=\(node)"), ("resourceVersion", version),
            ("allowWatchBookmarks", "true"), ("timeoutSeconds", "\(max(1, span.components.seconds - 1))"),
        ]
        let call = try call("/api/v1/pods", query, span, limits.line)
        var isOpen = false
        do {
            try await http.withStream(call, idle: limits.idle) { head, chunks in
                guard head.status == 200 else {
                    throw PodAPIError.status(head.status, what, retryAfter: head.header("retry-after"))
                }
                isOpen = true
                opened()
                var lines = LineSplitter(limit: limits.line)
                for try await chunk in chunks {
                    for line in try lines.take(chunk) { try Self.take(line, what, take) }
                }
                guard !lines.isInMidLine else {
                    throw PodAPIError(.unreachable, "the watch ended in the middle of a line (\(what))")
                }
            }
        } catch let error as PodAPIError {
            throw error
        } catch let error as HTTPTransportError {
            guard error.code == .timedOut, isOpen else { throw PodAPIError(error, what) }
            throw PodAPIError(.silent, "\(error.message) (\(what))")
        } catch is LineSplitter.TooLong {
            throw PodAPIError(.tooLarge, "a line of the watch has more than \(limits.line) bytes (\(what))")
        } catch {
            throw PodAPIError(.cancelled, "cancelled: \(what)")
        }
    }

    private static func take(_ line: [UInt8], _ what: String, _ take: (PodEvent) -> Void) throws(PodAPIError) {
        guard let event = PodJSON.event(line) else {
            throw PodAPIError(.unreadable, "a line of the watch is no event (\(what))", fix: proxyHint)
        }
        if case .failure(let code, let reason) = event {
            // Servers have sent "Expired" and "Gone" with other codes than 410.
            throw PodAPIError.status(reason == "Expired" || reason == "Gone" ? 410 : code, what)
        }
        take(event)
    }

    // MARK: Calls

    private static let proxyHint = "check that the address is the API server's and no proxy is in between"

    private func call(
        _ path: String,
        _ query: [(String, String)],
        _ timeout: Duration,
        _ bodyLimit: Int
    ) throws(PodAPIError) -> HTTPCall {
        let query = query.map { "\($0)=\(Self.escaped($1))" }.joined(separator: "&")
        return HTTPCall(
            "GET",
            server + path + (query.isEmpty ? "" : "?\(query)"),
            headers: [HTTPField("Accept", "application/json")],
            authorization: try OwnToken.authorization(tokenFile),
            timeout: timeout,
            bodyLimit: bodyLimit
        )
    }

    private func send(_ call: HTTPCall, _ what: String) async throws(PodAPIError) -> HTTPAnswer {
        do throws(HTTPTransportError) { return try await http.send(call) } catch { throw PodAPIError(error, what) }
    }

    private func refusal(_ answer: HTTPAnswer, _ what: String) -> PodAPIError {
        .status(answer.status, what, retryAfter: answer.header("retry-after"))
    }

    /// Percent-encodes all but the unreserved characters of RFC 3986, 2.3.
    private static func escaped(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF")
        return text.utf8.reduce(into: "") { result, byte in
            if isUnreserved(byte) {
                result.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                result += "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
            }
        }
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"):
            true
        default:
            false
        }
    }

    /// Whether `text` can stand in a path: lower case letters, digits, dashes, and dots inside
    /// (<https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-subdomain-names>).
    private static func isName(_ text: String) -> Bool {
        guard (1...253).contains(text.utf8.count), !text.hasPrefix("."), !text.hasSuffix(".") else { return false }
        return text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
                UInt8(ascii: "."):
                true
            default:
                false
            }
        }
    }
}
