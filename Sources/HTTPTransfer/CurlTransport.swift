// libcurl behind the token stores' HTTP transport.

import CCurl
import LogEvents
package import Logging
package import TokenStore
import TraceContext
import Tracing

/// Runs `body` with an HTTP transport, and ends the transport with it: calls that still run then are cancelled.
///
/// - Throws: ``HTTPTransferSetupError`` when the options can't be used (a CA file that can't be read, a proxy URL that is
///   none), or what `body` throws.
package func withCurlTransport<R: Sendable>(
    _ options: HTTPTransferOptions,
    logger: Logger,
    _ body: (CurlTransport) async throws -> R
) async throws -> R {
    let (transport, thread) = try CurlTransport.start(options, logger: logger)
    func end() async {
        await transport.loop.stop()
        thread.join()
    }
    do {
        let result = try await body(transport)
        await end()
        return result
    } catch {
        await end()
        throw error
    }
}

/// An HTTP transport on libcurl: one thread, many calls at once, connections kept for reuse, HTTP/2 where the server
/// offers it. No redirects, cookies, netrc or decompression; TLS 1.2 at least; only `http` and `https`.
///
/// A request that is not idempotent is never sent twice. It logs, at debug, the method, the URL without its query, the
/// status and figures of each call; never a header or a body.
package final class CurlTransport: HTTPTransport {
    let loop: CurlLoop
    let logger: Logger

    private init(loop: CurlLoop, logger: Logger) {
        self.loop = loop
        self.logger = logger
    }

    fileprivate static func start(
        _ options: HTTPTransferOptions,
        logger: Logger
    ) throws(HTTPTransferSetupError) -> (CurlTransport, JoinableThread) {
        guard globalResult == CURLE_OK else { throw HTTPTransferSetupError("libcurl can't be initialised") }
        guard options.maxConnections > 0 else { throw HTTPTransferSetupError("maxConnections must be at least 1") }
        let agent = options.userAgent
        guard agent.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) else {
            throw HTTPTransferSetupError("the user agent must be printable ASCII")
        }
        let settings = TransferSettings(
            trust: try TrustBundle(options.trust, systemFile: options.environment["SSL_CERT_FILE"] ?? systemTrustFile),
            proxies: try ProxySettings(options),
            identity: try ClientIdentity.of(options),
            connectTimeout: options.connectTimeout,
            userAgent: agent,
            unixSocketPath: options.unixSocketPath
        )
        let (loop, thread) = try CurlLoop.start(settings, maxConnections: options.maxConnections)
        return (CurlTransport(loop: loop, logger: logger), thread)
    }

    package func send(_ call: HTTPCall) async throws(HTTPTransportError) -> HTTPAnswer {
        let request = try checked(call)
        return try await traced(request.method, .client) { () async throws(HTTPTransportError) in
            let outcome = await loop.run(request)
            log(request, outcome)
            annotate(request, outcome)
            return try outcome.result.get()
        }
    }

    /// The call as it may be sent.
    func checked(_ call: HTTPCall) throws(HTTPTransportError) -> OutgoingRequest {
        let request = try OutgoingRequest(call)
        guard call.timeout > .zero else {
            let message = "there was no time left for the call to \(request.target.authority)"
            throw HTTPTransportError(.timedOut, message, requestMayHaveArrived: false)
        }
        return request
    }

    /// What a trace is told of a call: neither paths nor queries, which hold names and may hold more.
    private func annotate(_ request: OutgoingRequest, _ outcome: TransferOutcome) {
        CurrentSpan.set("http.request.method", request.method)
        CurrentSpan.set("server.address", request.target.host)
        CurrentSpan.set("server.port", number: request.target.port)
        switch outcome.result {
        case .success(let answer):
            CurrentSpan.set("http.response.status_code", number: answer.status)
            if answer.status >= 400 { CurrentSpan.fail(String(answer.status)) }
        case .failure(let error): CurrentSpan.fail(error.code.rawValue)
        }
    }

    /// - Parameter bytes: The length of the body, when it is not in the outcome.
    func log(_ request: OutgoingRequest, _ outcome: TransferOutcome, bytes: Int? = nil) {
        guard logger.logLevel <= .debug else { return }
        var metadata: Logger.Metadata = [
            "method": "\(request.method)",
            "url": "\(request.target.loggable)",
            "milliseconds": "\(outcome.milliseconds)",
            "connection": outcome.isNewConnection ? "new" : "reused",
        ]
        switch outcome.result {
        case .success(let answer):
            metadata["status"] = "\(answer.status)"
            metadata["bytes"] = "\(bytes ?? answer.body.count)"
            logger.log(.httpCallAnswered, "HTTP call answered", metadata: metadata)
        case .failure(let error):
            metadata["error"] = "\(error)"
            if let bytes { metadata["bytes"] = "\(bytes)" }
            logger.log(.httpCallFailed, "HTTP call failed", metadata: metadata)
        }
    }

    /// libcurl's and OpenSSL's own set-up, once a process.
    private static let globalResult = curl_global_init(Int(CURL_GLOBAL_DEFAULT))

    /// The file of trusted authorities that libcurl was built for.
    private static let systemTrustFile: String = {
        let fallback = "/etc/ssl/certs/ca-certificates.crt"
        guard let easy = curl_easy_init() else { return fallback }
        defer { curl_easy_cleanup(easy) }
        var path: UnsafePointer<CChar>?
        guard daypass_curl_get_string(easy, CURLINFO_CAINFO, &path) == CURLE_OK, let path else { return fallback }
        return String(cString: path)
    }()
}
