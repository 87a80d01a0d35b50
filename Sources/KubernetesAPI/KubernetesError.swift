// Why the API server told nothing.

package import TokenStore

/// Why the API server told nothing. The message is one line without a secret and without the server's own words.
package struct KubernetesError: Error, Sendable, Hashable, CustomStringConvertible {
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

extension KubernetesError {
    /// The longest `Retry-After` that is believed.
    static let longestRetryAfter: Duration = .seconds(300)

    /// The error of a status, of an answer's head or of an `ERROR` event.
    ///
    /// - Parameters:
    ///   - what: what was tried, for example `list pods on node n1`.
    ///   - needs: the verbs and the resource that a role must have for it.
    ///   - retryAfter: the value of the `Retry-After` field.
    package static func status(
        _ status: Int,
        _ what: String,
        needs: String,
        retryAfter: String? = nil
    ) -> Self {
        let pause = retryAfter.flatMap { Int64($0) }.map { min(.seconds(max(0, $0)), longestRetryAfter) }
        let message = "the API server answers \(status) to: \(what)"
        return switch status {
        case 401:
            Self(.unauthorized, message, fix: "check that Daypass's service account token is this cluster's")
        case 403:
            Self(.forbidden, message, fix: "bind a ClusterRole with \(needs) to Daypass's service account")
        case 410: Self(.expired, message)
        case 429: Self(.throttled, message, retryAfter: pause ?? .seconds(1))
        default: Self(pause == nil ? .refused : .throttled, message, retryAfter: pause)
        }
    }

    /// The error of a call that was not answered.
    package init(_ error: HTTPTransportError, _ what: String) {
        switch error.code {
        case .cancelled: self.init(.cancelled, "cancelled: \(what)")
        case .tooLarge: self.init(.tooLarge, "\(error.message) (\(what))")
        default: self.init(.unreachable, "\(error.message) (\(what))")
        }
    }

    /// What is probably wrong when something else than the API server answers.
    package static let proxyHint = "check that the address is the API server's and no proxy is in between"
}
