// One call on its way: a libcurl easy handle with the memory it points to. It lives on the loop's thread alone.

import CCurl
import Glibc
import TokenStore

/// What every transfer of a transport shares.
struct TransferSettings: Sendable {
    var trust: TrustBundle
    var proxies: ProxySettings
    var identity: ClientIdentity?
    var connectTimeout: Duration
    var userAgent: String
    var unixSocketPath: String?
}

/// How a call ended, and the figures for the log.
struct TransferOutcome: Sendable {
    var result: Result<HTTPAnswer, HTTPTransportError>
    var milliseconds = 0
    var isNewConnection = false
}

/// Who is handed an answer.
enum TransferReceiver: Sendable {
    /// A task that waits for the whole of it.
    case whole(CheckedContinuation<TransferOutcome, Never>)
    /// A reader that takes it piece by piece; the transfer ends after `idle` without a byte.
    case stream(StreamChannel, idle: Duration?)

    /// Says that the transfer has ended. To be called once.
    func end(_ outcome: TransferOutcome) {
        switch self {
        case .whole(let continuation): continuation.resume(returning: outcome)
        case .stream(let channel, _): channel.end(outcome)
        }
    }
}

/// One easy handle. Not `Sendable`; `finish` and `fail` end it, and its memory is wiped and freed with it.
final class CurlTransfer {
    let easy: UnsafeMutableRawPointer
    let request: OutgoingRequest
    let receiver: TransferReceiver
    let settings: TransferSettings
    private let begin = ContinuousClock.now
    private let errorText = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
    /// The request's body. libcurl reads it in place.
    var body: UnsafeMutableBufferPointer<UInt8>?
    /// Open as long as libcurl may read it, which it does by name when it connects.
    var trustFile: MemoryFile?
    /// The same.
    var identityFiles: ClientIdentity.Pair?
    var headerList: UnsafeMutablePointer<curl_slist>?
    private var collector: AnswerCollector
    /// When the last byte of a stream came, or when its reader had room again.
    private var lastByte = ContinuousClock.now
    private var isPaused = false
    private var headIsHandedOver = false
    private var proxyAnswered = false
    private var requestStarted = false
    private var startedOnKeptConnection = false
    private var resendRefused = false
    private var isSetUp = true

    /// Makes the handle ready to be added to a multi handle; `nil` when libcurl has no memory for it.
    init?(_ request: OutgoingRequest, settings: TransferSettings, receiver: TransferReceiver) {
        guard let easy = curl_easy_init() else { return nil }
        self.easy = easy
        self.request = request
        self.settings = settings
        self.receiver = receiver
        collector = AnswerCollector(bodyLimit: request.bodyLimit)
        errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        setUpConnection()
        setUpRequest()
        setUpCallbacks()
    }

    deinit {
        curl_easy_cleanup(easy)
        var node = headerList
        while let current = node {
            // libcurl's copy of the Authorization field is in here.
            explicit_bzero(current.pointee.data, strlen(current.pointee.data))
            node = current.pointee.next
        }
        curl_slist_free_all(headerList)
        if let body {
            if let start = body.baseAddress { explicit_bzero(start, body.count) }
            body.deallocate()
        }
        errorText.deallocate()
    }

    /// Whether libcurl took every option. A transfer that is not must be failed, not started.
    var isReady: Bool { isSetUp }

    private func setUpCallbacks() {
        let this = Unmanaged.passUnretained(self).toOpaque()
        check(daypass_curl_set_pointer(easy, CURLOPT_ERRORBUFFER, errorText))
        check(daypass_curl_set_pointer(easy, CURLOPT_PREREQDATA, this))
        check(daypass_curl_set_pointer(easy, CURLOPT_HEADERDATA, this))
        check(daypass_curl_set_pointer(easy, CURLOPT_WRITEDATA, this))
        check(
            daypass_curl_set_prereq(easy) { this, _, _, _, _ in
                guard let this, CurlTransfer.from(this).mayBegin() else { return CURL_PREREQFUNC_ABORT }
                return CURL_PREREQFUNC_OK
            }
        )
        check(
            daypass_curl_set_receiver(easy, CURLOPT_HEADERFUNCTION) { bytes, _, count, this in
                guard let bytes, let this else { return 0 }
                let line = UnsafeRawBufferPointer(start: bytes, count: count)
                return CurlTransfer.from(this).take(line: line) ? count : 0
            }
        )
        check(
            daypass_curl_set_receiver(easy, CURLOPT_WRITEFUNCTION) { bytes, _, count, this in
                guard let this else { return 0 }
                let part = UnsafeRawBufferPointer(start: bytes, count: count)
                return CurlTransfer.from(this).take(body: part)
            }
        )
        check(
            daypass_curl_set_sockopt(easy) { _, socket, _ in
                // A peer that vanished would otherwise hold a shared connection for a quarter of an hour. Of no use, and
                // refused, on Unix sockets.
                var milliseconds: CInt = 20_000
                let size = socklen_t(MemoryLayout<CInt>.size)
                _ = setsockopt(socket, CInt(IPPROTO_TCP), TCP_USER_TIMEOUT, &milliseconds, size)
                return CInt(CURL_SOCKOPT_OK)
            }
        )
    }

    private static func from(_ pointer: UnsafeMutableRawPointer) -> CurlTransfer {
        Unmanaged<CurlTransfer>.fromOpaque(pointer).takeUnretainedValue()
    }

    /// Asked by libcurl when a connection is ready and the request is about to leave. It asks twice when a kept
    /// connection turned out to be dead and it wants to send the request again on another: too late to know that the
    /// peer did not act, so only an idempotent request goes out twice.
    private func mayBegin() -> Bool {
        if requestStarted && !request.isIdempotent {
            resendRefused = true
            return false
        }
        if !requestStarted { startedOnKeptConnection = long(CURLINFO_NUM_CONNECTS) == 0 }
        requestStarted = true
        return true
    }

    private func take(line: UnsafeRawBufferPointer) -> Bool {
        guard collector.take(line: line) else { return false }
        guard case .stream(let channel, _) = receiver else { return true }
        lastByte = .now
        guard collector.headIsComplete, !headIsHandedOver else { return true }
        headIsHandedOver = true
        proxyAnswered = collector.status == 407 && answeringProxy != nil
        if !proxyAnswered { channel.take(HTTPStreamHead(status: collector.status, headers: collector.headers)) }
        return !proxyAnswered
    }

    /// - Returns: What libcurl shall be told: how many bytes were taken.
    private func take(body part: UnsafeRawBufferPointer) -> Int {
        guard case .stream(let channel, _) = receiver else { return collector.take(body: part) ? part.count : 0 }
        lastByte = .now
        isPaused = !channel.take(part)
        return isPaused ? Int(CURL_WRITEFUNC_PAUSE) : part.count
    }

    // MARK: Streams

    /// When a stream will have been silent for too long; `nil` while its reader lets it wait, or when there is no limit.
    var silenceDeadline: ContinuousClock.Instant? {
        guard case .stream(_, let idle?) = receiver, !isPaused else { return nil }
        return lastByte + idle
    }

    /// The next instant at which the loop must look at this transfer.
    var nextDeadline: ContinuousClock.Instant { min(request.deadline, silenceDeadline ?? request.deadline) }

    /// Goes on after the reader of a stream made room. libcurl may hand over bytes, and be paused again, in this call.
    func unpause() -> CURLcode {
        guard isPaused else { return CURLE_OK }
        isPaused = false
        lastByte = .now
        return curl_easy_pause(easy, CURLPAUSE_CONT)
    }

    func check(_ result: CURLcode) { isSetUp = isSetUp && result == CURLE_OK }

    // MARK: The end

    /// Ends the transfer with what libcurl says about it. The handle must have left its multi handle.
    func finish(_ result: CURLcode) {
        guard result == CURLE_OK || proxyAnswered else { return resume(.failure(HTTPTransportError(facts(result)))) }
        if collector.status == 407, let proxy = answeringProxy {
            let message = "the proxy \(proxy.authority) from \(proxy.source) asks for other credentials (407)"
            return resume(.failure(HTTPTransportError(.proxy, message, requestMayHaveArrived: false)))
        }
        resume(.success(HTTPAnswer(status: collector.status, headers: collector.headers, body: collector.body)))
    }

    /// The proxy that answers in the server's place: for plain HTTP only, and not for hosts in NO_PROXY. What comes through
    /// a tunnel is the server's own.
    private var answeringProxy: ProxySettings.Proxy? {
        guard request.target.scheme == "http", let proxy = settings.proxies.forHTTP, proxy.answersItself,
            long(CURLINFO_PRIMARY_PORT) == proxy.port
        else { return nil }
        // With one port for both it can't be told who was connected to, unless no host is exempt.
        return request.target.port != proxy.port || settings.proxies.bypass.isEmpty ? proxy : nil
    }

    /// Ends a transfer whose task or scope was cancelled.
    func cancel() { resume(.failure(.cancelled(request.target, requestStarted: requestStarted))) }

    /// Ends a transfer whose deadline passed while it waited for a free connection, which libcurl does not watch.
    func expire() {
        var facts = facts(CURLE_OPERATION_TIMEDOUT)
        facts.waitedInQueue = !facts.requestStarted
        resume(.failure(.timedOut(facts)))
    }

    /// Ends a stream in which nothing came for too long.
    func expireInSilence() {
        guard case .stream(_, let idle?) = receiver else { return expire() }
        let message = "\(request.target.authority) sent nothing for \(idle.shown)"
        resume(.failure(HTTPTransportError(.timedOut, message, requestMayHaveArrived: requestStarted)))
    }

    private var elapsed: Duration { begin.duration(to: .now) }

    private func resume(_ result: Result<HTTPAnswer, HTTPTransportError>) {
        let milliseconds = elapsed.curlMilliseconds
        receiver.end(
            TransferOutcome(
                result: result,
                milliseconds: milliseconds,
                isNewConnection: long(CURLINFO_NUM_CONNECTS) > 0
            )
        )
    }

    private func facts(_ result: CURLcode) -> TransferFacts {
        TransferFacts(
            result: result,
            target: request.target,
            proxy: settings.proxies.proxy(forScheme: request.target.scheme),
            trust: settings.trust.summary,
            clientCertificate: settings.identity?.name,
            unixSocketPath: settings.unixSocketPath,
            timeout: request.timeout,
            connectTimeout: settings.connectTimeout,
            requestStarted: requestStarted,
            startedOnKeptConnection: startedOnKeptConnection,
            resendRefused: resendRefused,
            answerBegun: collector.hasBegun,
            excess: collector.excess,
            nameIsKnown: offset(CURLINFO_NAMELOOKUP_TIME_T) > 0,
            isConnected: long(CURLINFO_LOCAL_PORT) > 0,
            connectStatus: long(CURLINFO_HTTP_CONNECTCODE),
            verifyResult: long(CURLINFO_SSL_VERIFYRESULT),
            osError: CInt(truncatingIfNeeded: long(CURLINFO_OS_ERRNO)),
            text: String(cString: errorText)
        )
    }

    private func long(_ info: CURLINFO) -> Int {
        var value = 0
        return daypass_curl_get_long(easy, info, &value) == CURLE_OK ? value : 0
    }

    private func offset(_ info: CURLINFO) -> Int {
        var value: curl_off_t = 0
        return daypass_curl_get_offset(easy, info, &value) == CURLE_OK ? Int(value) : 0
    }
}
