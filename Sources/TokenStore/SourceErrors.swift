// What the failures of a source mean, for every store that talks HTTP and has no language of its own for errors.

/// Turns answers and transport errors of one source into ``TokenStoreError``s. Nothing that the source wrote is shown.
///
/// ```swift
/// let errors = SourceErrors(source: "Acme", address: url, addressKey: "url")
/// let step = SourceErrors.Step("create a token", mints: true)
/// let answer = try await errors.send(call, step, over: context.http)
/// guard answer.status == 201 else { throw errors.error(answer, step, now: context.clock.now) }
/// ```
public struct SourceErrors: Sendable {
    /// What the source is called in messages: `GitLab`, `the token endpoint`.
    public let source: String
    /// Its address, for messages: `https://gitlab.example.com`.
    public let address: String
    /// The settings key that holds the address.
    public let addressKey: String

    /// Creates the errors of one source.
    public init(source: String, address: String, addressKey: String) {
        self.source = source
        self.address = address
        self.addressKey = addressKey
    }

    /// What was being done.
    public struct Step: Sendable {
        /// To follow "to": `create a token for group/project`.
        public let words: String
        /// Whether a token may be left at the source when the answer to this step is lost.
        public let mints: Bool
        /// What an operator looks at when the source does not know the credential (401).
        public var onUnauthorised = "check the store's credential"
        /// What an operator looks at when the source forbids it (403).
        public var onForbidden = "check what the store's credential may do"
        /// What an operator looks at when the source does not find it (404).
        public var onNotFound = "check the names in the store's settings"

        /// Creates a step; texts that are left out stay general.
        public init(
            _ words: String,
            mints: Bool = false,
            onUnauthorised: String? = nil,
            onForbidden: String? = nil,
            onNotFound: String? = nil
        ) {
            self.words = words
            self.mints = mints
            if let onUnauthorised { self.onUnauthorised = onUnauthorised }
            if let onForbidden { self.onForbidden = onForbidden }
            if let onNotFound { self.onNotFound = onNotFound }
        }
    }

    /// How long to stay away when a source limits us and does not say for how long.
    public static let unsaidWait: Duration = .seconds(30)

    /// The error for a call without a whole answer.
    public func error(_ error: HTTPTransportError, _ step: Step) -> TokenStoreError {
        let (code, message, fix): (TokenStoreError.Code, String, String) =
            switch error.code {
            case .cancelled: (.cancelled, "the call to \(step.words) was cancelled", "")
            case .unreachable: (.unavailable, "\(address) can't be reached", "check the node's network and DNS")
            case .proxy: (.unavailable, "the proxy on the way to \(address) refused", "check the proxy settings")
            case .timedOut: (.unavailable, "\(address) did not answer in time", "")
            case .broken: (.unavailable, "the connection to \(address) broke", "")
            case .tls:
                (
                    .misconfigured, "\(address) has no acceptable TLS certificate",
                    "check the trusted CAs and the node's clock"
                )
            case .tooLarge: (.malformedAnswer, "the answer of \(address) is too large", "check \(addressKey)")
            case .invalidCall: (.misconfigured, "the call to \(address) can't be sent", "check \(addressKey)")
            }
        let mayExist = step.mints && error.requestMayHaveArrived
        return TokenStoreError(code, message, fix: fix, tokenMayExist: mayExist, cause: error)
    }

    /// The error for an answer that is no success, by its status. A store looks at what it knows better first.
    public func error(_ answer: HTTPAnswer, _ step: Step, now: UTCInstant) -> TokenStoreError {
        let what = "(HTTP \(answer.status))"
        switch answer.status {
        case 429:
            let retryAt = RetryAfter.instant(in: answer, now: now) ?? RetryAfter.clamp(Self.unsaidWait, now: now)
            return TokenStoreError(
                .rateLimited,
                "\(source) limits our calls \(what) until \(retryAt.rfc3339)",
                retryAt: retryAt
            )
        case 503 where RetryAfter.instant(in: answer, now: now) != nil:
            let retryAt = RetryAfter.instant(in: answer, now: now)
            return TokenStoreError(.rateLimited, "\(source) asks to come back later \(what)", retryAt: retryAt)
        case 401:
            return TokenStoreError(
                .misconfigured,
                "\(source) does not accept the credential to \(step.words) \(what)",
                fix: step.onUnauthorised
            )
        case 403: return TokenStoreError(.refused, "\(source) forbids to \(step.words) \(what)", fix: step.onForbidden)
        case 404:
            return TokenStoreError(.refused, "\(source) finds nothing to \(step.words) \(what)", fix: step.onNotFound)
        case 300..<400:
            return TokenStoreError(
                .misconfigured,
                "\(address) redirects the call to \(step.words) elsewhere \(what), which is not followed",
                fix: "write the final address into \(addressKey)"
            )
        case 500...:
            return TokenStoreError(
                .unavailable,
                "\(source) failed to \(step.words) \(what)",
                tokenMayExist: step.mints
            )
        case 200..<300:
            return TokenStoreError(
                .malformedAnswer,
                "\(source) answered the call to \(step.words) with something unknown \(what)",
                fix: "check that \(addressKey) \(address) is the right address",
                tokenMayExist: step.mints
            )
        default:
            return TokenStoreError(
                .refused,
                "\(source) does not take the call to \(step.words) \(what)",
                fix: "check the store's settings"
            )
        }
    }

    /// The error for an answer whose body is not what the API promises.
    public func unreadable(_ answer: HTTPAnswer, _ step: Step) -> TokenStoreError {
        TokenStoreError(
            .malformedAnswer,
            "\(source)'s answer to the call to \(step.words) can't be used (HTTP \(answer.status))",
            fix: "check that \(addressKey) \(address) is the right address",
            tokenMayExist: step.mints
        )
    }
}

extension SourceErrors {
    /// Sends a call and classes what goes wrong on the way; the answer's status is the caller's to judge.
    ///
    /// - Throws: ``TokenStoreError`` when there is no whole answer.
    public func send(
        _ call: HTTPCall,
        _ step: Step,
        over http: any HTTPTransport
    ) async throws(TokenStoreError) -> HTTPAnswer {
        do throws(HTTPTransportError) { return try await http.send(call) } catch { throw self.error(error, step) }
    }
}
