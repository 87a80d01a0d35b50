// The Pods of a cluster by its API server.

import HTTPTransfer
package import KubernetesAPI
import TokenStore

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

    private let client: KubernetesClient
    private let limits: Limits

    package init(_ client: KubernetesClient, limits: Limits = Limits()) {
        self.client = client
        self.limits = limits
    }

    package func list(node: String, limit: Int?, continuing token: String?) async throws(KubernetesError) -> PodPage {
        let what = "list pods on node \(node)"
        var query = [("fieldSelector", "spec.nodeName=\(node)")]
        // With a limit, or without a version, many API servers read every Pod of the cluster from etcd, for each node.
        // From memory it is one node's Pods; that the list may be a little behind does no harm: what is missing in it is
        // asked for by name (https://kubernetes.io/docs/reference/using-api/api-concepts/#semantics-for-get-and-list).
        query.append(limit.map { ("limit", "\($0)") } ?? ("resourceVersion", "0"))
        if let token { query.append(("continue", token)) }
        let answer = try await client.send(call("/api/v1/pods", query, limits.answer, limits.page), what)
        guard answer.status == 200 else { throw refusal(answer, what) }
        guard let page = PodJSON.page(answer.body) else {
            throw KubernetesError(
                .unreadable,
                "the API server's answer is no list of Pods (\(what))",
                fix: KubernetesError.proxyHint
            )
        }
        return page
    }

    package func get(_ name: PodName) async throws(KubernetesError) -> PodAnswer {
        let what = "get pod \(name.namespace)/\(name.name)"
        guard KubernetesName.isName(name.namespace), KubernetesName.isName(name.name) else {
            throw KubernetesError(.unreadable, "a Pod with leases has no name that an API server knows")
        }
        let path = "/api/v1/namespaces/\(name.namespace)/pods/\(name.name)"
        let answer = try await client.send(call(path, [], limits.answer, limits.pod), what)
        switch answer.status {
        case 200:
            guard let pod = PodJSON.pod(answer.body), pod.name == name else {
                throw KubernetesError(
                    .unreadable,
                    "the API server's answer is no Pod (\(what))",
                    fix: KubernetesError.proxyHint
                )
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
    ) async throws(KubernetesError) {
        let what = "watch pods on node \(node)"
        // The server ends the watch a moment before we would, so that it ends properly.
        let query = [
            ("watch", "true"), ("fieldSelector", "spec.nodeName=\(node)"), ("resourceVersion", version),
            ("allowWatchBookmarks", "true"), ("timeoutSeconds", "\(max(1, span.components.seconds - 1))"),
        ]
        let call = try call("/api/v1/pods", query, span, limits.line)
        var isOpen = false
        do {
            try await client.http.withStream(call, idle: limits.idle) { head, chunks in
                guard head.status == 200 else {
                    throw Self.status(head.status, what, retryAfter: head.header("retry-after"))
                }
                isOpen = true
                opened()
                var lines = LineSplitter(limit: limits.line)
                for try await chunk in chunks {
                    for line in try lines.take(chunk) { try Self.take(line, what, take) }
                }
                guard !lines.isInMidLine else {
                    throw KubernetesError(.unreachable, "the watch ended in the middle of a line (\(what))")
                }
            }
        } catch let error as KubernetesError {
            throw error
        } catch let error as HTTPTransportError {
            guard error.code == .timedOut, isOpen else { throw KubernetesError(error, what) }
            throw KubernetesError(.silent, "\(error.message) (\(what))")
        } catch is LineSplitter.TooLong {
            throw KubernetesError(.tooLarge, "a line of the watch has more than \(limits.line) bytes (\(what))")
        } catch {
            throw KubernetesError(.cancelled, "cancelled: \(what)")
        }
    }

    private static func take(_ line: [UInt8], _ what: String, _ take: (PodEvent) -> Void) throws(KubernetesError) {
        guard let event = PodJSON.event(line) else {
            throw KubernetesError(
                .unreadable,
                "a line of the watch is no event (\(what))",
                fix: KubernetesError.proxyHint
            )
        }
        if case .failure(let code, let reason) = event {
            // Servers have sent "Expired" and "Gone" with other codes than 410.
            throw Self.status(reason == "Expired" || reason == "Gone" ? 410 : code, what)
        }
        take(event)
    }

    // MARK: Calls

    private func call(
        _ path: String,
        _ query: [(String, String)],
        _ timeout: Duration,
        _ bodyLimit: Int
    ) throws(KubernetesError) -> HTTPCall {
        try client.call("GET", path, query: query, timeout: timeout, bodyLimit: bodyLimit)
    }

    private func refusal(_ answer: HTTPAnswer, _ what: String) -> KubernetesError {
        Self.status(answer.status, what, retryAfter: answer.header("retry-after"))
    }

    private static func status(_ status: Int, _ what: String, retryAfter: String? = nil) -> KubernetesError {
        .status(status, what, needs: "get, list and watch on pods", retryAfter: retryAfter)
    }
}
