// HTTP as a token store sees it: one call, one answer, no redirects, nothing unbounded.

/// Sends HTTP calls. Redirects are never followed, and a call ends at its deadline or when its task is cancelled. The
/// field `User-Agent` is the transport's: it names Daypass and its version.
public protocol HTTPTransport: Sendable {
    /// Sends a call and collects the answer, whatever its status.
    ///
    /// - Throws: ``HTTPTransportError`` when there is no whole answer.
    func send(_ call: HTTPCall) async throws(HTTPTransportError) -> HTTPAnswer
}

/// One HTTP request.
public struct HTTPCall: Sendable {
    /// The method, in capitals.
    public var method: String
    /// The absolute URL. Never put a secret in it: URLs are logged.
    public var url: String
    /// The header fields, in order. `Authorization` belongs into ``authorization``.
    public var headers: [HTTPField]
    /// The value of the `Authorization` field.
    public var authorization: Secret?
    /// The body; `nil` sends none.
    public var body: [UInt8]?
    /// The time for the whole exchange, the name look-up and the last byte of the answer included.
    public var timeout: Duration
    /// The largest answer body that is taken, in bytes.
    public var bodyLimit: Int

    /// Creates a call; it may take 10 seconds and be answered with 1 MiB.
    public init(
        _ method: String,
        _ url: String,
        headers: [HTTPField] = [],
        authorization: Secret? = nil,
        body: [UInt8]? = nil,
        timeout: Duration = .seconds(10),
        bodyLimit: Int = 1 << 20
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.authorization = authorization
        self.body = body
        self.timeout = timeout
        self.bodyLimit = bodyLimit
    }
}

/// One header field.
public struct HTTPField: Sendable, Hashable {
    /// The field's name; compared without regard to case.
    public var name: String
    /// The field's value.
    public var value: String

    /// Creates a field.
    public init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

/// One HTTP answer.
public struct HTTPAnswer: Sendable {
    /// The status code.
    public var status: Int
    /// The header fields, in order.
    public var headers: [HTTPField]
    /// The body. It may hold a token: never log it.
    public var body: [UInt8]

    /// Creates an answer.
    public init(status: Int, headers: [HTTPField] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// The value of the first field of this name, without regard to case.
    public func header(_ name: String) -> String? {
        let wanted = name.lowercased()
        return headers.first { $0.name.lowercased() == wanted }?.value
    }
}

/// Why there is no whole answer. `message` is one line without a secret, a URL's query or a header.
public struct HTTPTransportError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The classes of failure.
    public enum Code: String, Sendable, Hashable {
        /// The URL or a header field can't be sent.
        case invalidCall
        /// The name has no address, or nothing accepts connections there.
        case unreachable
        /// The proxy refused or could not be reached.
        case proxy
        /// The peer's certificate or the TLS conversation is not acceptable.
        case tls
        /// The deadline passed.
        case timedOut
        /// The connection broke, or what came is no HTTP.
        case broken
        /// The answer is larger than the call allows.
        case tooLarge
        /// The task was cancelled.
        case cancelled
    }

    /// The class of failure.
    public var code: Code
    /// What happened, in one line.
    public var message: String
    /// Whether the peer may have seen the request, so that its effect may exist.
    public var requestMayHaveArrived: Bool

    /// Creates an error.
    public init(_ code: Code, _ message: String, requestMayHaveArrived: Bool) {
        self.code = code
        self.message = message
        self.requestMayHaveArrived = requestMayHaveArrived
    }

    public var description: String { "\(code.rawValue): \(message)" }
}
