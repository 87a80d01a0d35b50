// The options of one easy handle. Each is described at <https://curl.se/libcurl/c/curl_easy_setopt.html>.

import CCurl
import TokenStore

extension CurlTransfer {
    func setUpConnection() {
        set(CURLOPT_NOSIGNAL, 1)
        // The look-up of a name runs on a thread of libcurl's. Without this, giving up a call would wait for that
        // thread, and stop all other calls meanwhile; with it, the thread cleans up after itself when it ends.
        set(CURLOPT_QUICK_EXIT, 1)
        set(CURLOPT_PROTOCOLS_STR, "http,https")
        set(CURLOPT_FOLLOWLOCATION, 0)
        set(CURLOPT_PATH_AS_IS, 1)
        set(CURLOPT_CONNECTTIMEOUT_MS, settings.connectTimeout.curlMilliseconds)
        set(CURLOPT_TIMEOUT_MS, ContinuousClock.now.duration(to: request.deadline).curlMilliseconds)
        set(CURLOPT_TCP_KEEPALIVE, 1)
        set(CURLOPT_TCP_KEEPIDLE, 30)
        set(CURLOPT_TCP_KEEPINTVL, 10)
        // A new connection now and then lets changed addresses, authorities and certificates count.
        set(CURLOPT_MAXLIFETIME_CONN, 600)
        if isStream {
            // A connection of its own: TCP's flow control then holds back this answer and no other.
            set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
            set(CURLOPT_FRESH_CONNECT, 1)
            set(CURLOPT_FORBID_REUSE, 1)
        } else {
            set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_2TLS))
        }
        if request.target.scheme == "https", !isStream {
            // Calls that come at once wait for one handshake and share an HTTP/2 connection where the server has it.
            set(CURLOPT_PIPEWAIT, 1)
        }

        trustFile = settings.trust.file()
        let trust = settings.trust.path(of: trustFile)
        let minimumTLS = Int(CURL_SSLVERSION_TLSv1_2)
        for (file, directory, version) in [
            (CURLOPT_CAINFO, CURLOPT_CAPATH, CURLOPT_SSLVERSION),
            (CURLOPT_PROXY_CAINFO, CURLOPT_PROXY_CAPATH, CURLOPT_PROXY_SSLVERSION),
        ] {
            set(file, trust)
            set(directory, nil)
            set(version, minimumTLS)
        }
        set(CURLOPT_CA_CACHE_TIMEOUT, 60)
        if let identity = settings.identity {
            identityFiles = identity.pair()
            // Without a pair a path that is none makes the call fail, rather than go out without a certificate.
            set(CURLOPT_SSLCERT, identityFiles?.certificate.path ?? identity.name)
            set(CURLOPT_SSLKEY, identityFiles?.key.path ?? identity.name)
        }

        // An empty text keeps libcurl from asking the environment.
        set(CURLOPT_PROXY, settings.proxies.proxy(forScheme: request.target.scheme)?.url ?? "")
        set(CURLOPT_NOPROXY, settings.proxies.bypass)
        set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        if let path = settings.unixSocketPath { set(CURLOPT_UNIX_SOCKET_PATH, path) }
    }

    func setUpRequest() {
        set(CURLOPT_URL, request.url)
        set(CURLOPT_USERAGENT, settings.userAgent)
        if let bytes = request.body {
            let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(1, bytes.count))
            copy.initialize(repeating: 0)
            _ = copy.update(fromContentsOf: bytes)
            body = copy
            set(CURLOPT_POST, 1)
            check(daypass_curl_set_offset(easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(bytes.count)))
            check(daypass_curl_set_pointer(easy, CURLOPT_POSTFIELDS, copy.baseAddress))
            if request.method != "POST" { set(CURLOPT_CUSTOMREQUEST, request.method) }
        } else if request.method == "HEAD" {
            set(CURLOPT_NOBODY, 1)
        } else {
            set(CURLOPT_HTTPGET, 1)
            if request.method != "GET" { set(CURLOPT_CUSTOMREQUEST, request.method) }
        }
        // The Content-Length of an answer to HEAD is that of a body which does not come.
        if request.method != "HEAD", request.bodyLimit > 0, !isStream {
            check(daypass_curl_set_offset(easy, CURLOPT_MAXFILESIZE_LARGE, curl_off_t(request.bodyLimit)))
        }
        for line in request.headerLines { append(line) }
        if let authorization = request.authorization { append("Authorization: ", authorization) }
        check(daypass_curl_set_list(easy, CURLOPT_HTTPHEADER, headerList))
    }

    /// Adds a line to the header list. libcurl copies it; that copy is wiped with the transfer.
    private func append(_ line: String, _ secret: Secret? = nil) {
        var revealed = secret?.reveal() ?? []
        var text: [UInt8] = []
        text.reserveCapacity(line.utf8.count + revealed.count + 1)
        text += line.utf8
        text += revealed
        text.append(0)
        let longer = text.withUnsafeBytes { bytes in
            bytes.baseAddress.flatMap { curl_slist_append(headerList, $0.assumingMemoryBound(to: CChar.self)) }
        }
        if longer != nil { headerList = longer } else { check(CURLE_OUT_OF_MEMORY) }
        text.wipe()
        revealed.wipe()
    }

    private var isStream: Bool { if case .stream = receiver { true } else { false } }

    private func set(_ option: CURLoption, _ value: Int) { check(daypass_curl_set_long(easy, option, value)) }
    private func set(_ option: CURLoption, _ value: String?) { check(daypass_curl_set_string(easy, option, value)) }
}
