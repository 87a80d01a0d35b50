// What the Pod watch asks of an API server.

import TokenStore

/// The three calls about Pods that the watch makes.
package protocol PodAPI: Sendable {
    /// The Pods of a node, or a page of them.
    ///
    /// - Parameter limit: the most Pods in a page; `nil` takes all at once from the server's memory
    ///   (`resourceVersion=0`), which may be a little behind.
    func list(node: String, limit: Int?, continuing token: String?) async throws(PodAPIError) -> PodPage

    /// The Pod that has this name now.
    func get(_ name: PodName) async throws(PodAPIError) -> PodAnswer

    /// Watches a node's Pods from a resource version on. It returns when the server ends the watch properly.
    ///
    /// - Parameters:
    ///   - span: how long the watch may last.
    ///   - opened: called when the server took the call.
    ///   - event: called for each event, in order, ``PodEvent/failure(code:reason:)`` excepted: that one is thrown.
    func watch(
        node: String,
        from version: String,
        span: Duration,
        opened: () -> Void,
        event: (PodEvent) -> Void
    ) async throws(PodAPIError)
}

/// A part of a list.
package struct PodPage: Sendable {
    package var pods: [PodFacts]
    /// The list's resource version: where a watch goes on.
    package var version: String
    /// What fetches the next page; `nil` after the last one.
    package var next: String?

    package init(pods: [PodFacts], version: String, next: String? = nil) {
        self.pods = pods
        self.version = version
        self.next = next
    }
}

/// Why the API server told nothing. The message is one line without a secret and without the server's own words.
package struct PodAPIError: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Code: String, Sendable, Hashable {
        /// Our own token can't be read.
        case noToken
        /// 401
        case unauthorized
        /// 403
        case forbidden
        /// 410: the resource version or the page's token is too old.
        case expired
        /// 429, or another status with `Retry-After`.
        case throttled
        /// Another status.
        case refused
        /// The server can't be reached, or the connection broke.
        case unreachable
        /// An open watch fell silent.
        case silent
        /// What came is larger than we take.
        case tooLarge
        /// What came is not what API servers say.
        case unreadable
        /// The task was cancelled.
        case cancelled
    }

    package var code: Code
    package var message: String
    /// What an operator can do about it; may be empty.
    package var fix: String
    /// How long the server wants to be left alone.
    package var retryAfter: Duration?

    package init(_ code: Code, _ message: String, fix: String = "", retryAfter: Duration? = nil) {
        self.code = code
        self.message = message
        self.fix = fix
        self.retryAfter = retryAfter
    }

    package var description: String { fix.isEmpty ? message : "\(message); \(fix)" }
}

extension PodAPIError {
    /// The longest `Retry-After` that is believed.
    static let longestRetryAfter: Duration = .seconds(300)

    /// The error of a status, of an answer's head or of an `ERROR` event.
    ///
    /// - Parameters:
    ///   - what: what was tried, for example `list pods on node n1`.
    ///   - retryAfter: the value of the `Retry-After` field.
    static func status(_ status: Int, _ what: String, retryAfter: String? = nil) -> Self {
        let pause = retryAfter.flatMap { Int64($0) }.map { min(.seconds(max(0, $0)), longestRetryAfter) }
        let message = "the API server answers \(status) to: \(what)"
        return switch status {
        case 401:
            Self(.unauthorized, message, fix: "check that Daypass's service account token is this cluster's")
        case 403:
            Self(
                .forbidden,
                message,
                fix: "bind a ClusterRole with get, list and watch on pods to Daypass's service account"
            )
        case 410: Self(.expired, message)
        case 429: Self(.throttled, message, retryAfter: pause ?? .seconds(1))
        default: Self(pause == nil ? .refused : .throttled, message, retryAfter: pause)
        }
    }

    /// The error of a call that was not answered.
    init(_ error: HTTPTransportError, _ what: String) {
        switch error.code {
        case .cancelled: self.init(.cancelled, "cancelled: \(what)")
        case .tooLarge: self.init(.tooLarge, "\(error.message) (\(what))")
        default: self.init(.unreachable, "\(error.message) (\(what))")
        }
    }
}
