// What libcurl's result codes mean to a caller. Pure. Codes: <https://curl.se/libcurl/c/libcurl-errors.html>

import CCurl
import Glibc
import TokenStore

/// What is known about a transfer that failed.
struct TransferFacts {
    var result: CURLcode
    var target: URLParts
    var proxy: ProxySettings.Proxy?
    var trust: String
    /// The path of the certificate that is shown to servers which ask for one.
    var clientCertificate: String?
    var unixSocketPath: String?
    var timeout: Duration
    var connectTimeout: Duration
    /// Whether a connection was ready and the request began to leave.
    var requestStarted = false
    /// Whether the request first began to leave on a connection that was there already. It may then have been sent again
    /// on another one.
    var startedOnKeptConnection = false
    /// Whether libcurl had not even begun to connect.
    var waitedInQueue = false
    /// Whether libcurl wanted to send a request again that must not be sent twice.
    var resendRefused = false
    var answerBegun = false
    /// What was over its limit in the answer.
    var excess: String?
    var nameIsKnown = false
    var isConnected = false
    /// The proxy's status for CONNECT; 0 when there was none.
    var connectStatus = 0
    /// OpenSSL's `X509_V_ERR_...`; 0 when the chain is good.
    var verifyResult = 0
    var osError: CInt = 0
    /// libcurl's own text: looked at, never shown, because it can repeat what a peer sent.
    var text = ""
}

extension HTTPTransportError {
    /// The error for a transfer that its task or its scope gave up.
    static func cancelled(_ target: URLParts, requestStarted: Bool) -> Self {
        let state = requestStarted ? "after the request left" : "before the request left"
        return Self(
            .cancelled,
            "the call to \(target.authority) was cancelled \(state)",
            requestMayHaveArrived: requestStarted
        )
    }

    /// The error for a deadline that passed.
    static func timedOut(_ facts: TransferFacts) -> Self {
        let peer = facts.target.authority
        let message =
            if facts.answerBegun {
                "the answer of \(peer) was not complete within \(facts.timeout.shown)"
            } else if facts.waitedInQueue {
                "no connection to \(peer) became free within \(facts.timeout.shown); other calls hold them all"
            } else if facts.requestStarted {
                "\(peer) took the request and did not answer within \(facts.timeout.shown)"
            } else {
                "no connection to \(facts.peerWithProxy) within "
                    + "\(min(facts.timeout, facts.connectTimeout).shown): \(facts.missingStep)"
            }
        return Self(.timedOut, message, requestMayHaveArrived: facts.requestStarted)
    }

    /// The error for a transfer that libcurl ended.
    init(_ facts: TransferFacts) {
        let peer = facts.target.authority
        func error(_ code: Code, _ message: String, arrived: Bool? = nil) -> Self {
            Self(code, message, requestMayHaveArrived: arrived ?? facts.requestStarted)
        }
        if let excess = facts.excess {
            self = error(.tooLarge, "the answer of \(peer) is not taken: \(excess)")
            return
        }
        if facts.resendRefused {
            self = error(.broken, "\(peer) closed the connection before it answered; the request was not sent again")
            return
        }
        if !facts.requestStarted, let failure = facts.proxyFailure {
            self = error(.proxy, failure)
            return
        }
        switch facts.result {
        case CURLE_FILESIZE_EXCEEDED:
            self = error(.tooLarge, "the answer of \(peer) is not taken: its body is larger than the call allows")
        case CURLE_OUT_OF_MEMORY where facts.requestStarted:
            // 7.88 reports a header line above its own limit (100 KiB) like this.
            self = error(.tooLarge, "the answer of \(peer) is not taken: it has a very long header field")
        case CURLE_OPERATION_TIMEDOUT:
            self = .timedOut(facts)
        case CURLE_COULDNT_RESOLVE_HOST:
            self = error(
                .unreachable,
                "the name \(facts.target.host) has no address; check the URL and the node's DNS"
            )
        case CURLE_COULDNT_CONNECT:
            self = error(.unreachable, facts.connectFailure)
        case _ where facts.isTLSFailure:
            // A server that refuses the client's certificate says so after its part of a TLS 1.3 handshake, when the
            // request may be under way; it never reads that request. But a connection may have been the second one,
            // after a kept one broke that the request had begun to leave on.
            self = error(.tls, facts.tlsFailure, arrived: facts.startedOnKeptConnection)
        case CURLE_URL_MALFORMAT where !facts.requestStarted, CURLE_UNSUPPORTED_PROTOCOL where !facts.requestStarted:
            self = error(.invalidCall, "libcurl does not take the URL of \(peer)")
        case CURLE_FAILED_INIT:
            self = error(.broken, "libcurl could not be set up for a call to \(peer); is it 7.88 or newer?")
        case CURLE_GOT_NOTHING:
            self = error(.broken, "\(peer) closed the connection without an answer")
        case CURLE_PARTIAL_FILE:
            self = error(.broken, "\(peer) closed the connection in the middle of its answer")
        case CURLE_UNSUPPORTED_PROTOCOL, CURLE_WEIRD_SERVER_REPLY:
            self = error(.broken, "what \(peer) answered is no HTTP")
        default:
            let what = facts.answerBegun ? "in the middle of its answer" : "before an answer came"
            self = error(.broken, "the connection to \(peer) broke \(what) (libcurl \(facts.result.rawValue))")
        }
    }
}

extension TransferFacts {
    fileprivate var peerWithProxy: String {
        guard let proxy else { return target.authority }
        return "\(target.authority) by the proxy \(proxy.authority) from \(proxy.source)"
    }

    fileprivate var missingStep: String {
        if !nameIsKnown && !target.hostIsAddress { return "the name look-up did not end; check the node's DNS" }
        return isConnected
            ? "the TLS or proxy handshake did not end"
            : "nothing answers; check the address, network policies and firewalls"
    }

    fileprivate var connectFailure: String {
        if let unixSocketPath {
            return "the Unix socket \(unixSocketPath) can't be connected to; check the path, and that its server runs"
        }
        switch osError {
        case ECONNREFUSED:
            return "\(target.authority) refuses connections; check the port, and that the server runs"
        case EHOSTUNREACH, ENETUNREACH:
            return "there is no route to \(target.authority); check the node's network and any proxy setting"
        case EACCES, EPERM:
            return "this node forbids connections to \(target.authority); check network policies and firewalls"
        default:
            return "\(target.authority) can't be connected to; check the address and the node's network"
        }
    }

    /// What the proxy did wrong, when it was the proxy.
    fileprivate var proxyFailure: String? {
        guard let proxy else { return nil }
        let name = "the proxy \(proxy.authority) from \(proxy.source)"
        // Some proxies answer wrong credentials with 401.
        if connectStatus == 407 || connectStatus == 401 {
            return "\(name) asks for other credentials (\(connectStatus)); put a valid user and password into its URL"
        }
        if connectStatus >= 300 {
            return "\(name) does not let \(target.authority) through (\(connectStatus)); ask its operator to allow it, "
                + "or name the host in NO_PROXY"
        }
        switch result {
        case CURLE_COULDNT_RESOLVE_PROXY:
            return "the name of \(name) has no address; check the proxy's URL and the node's DNS"
        case CURLE_PROXY:
            return "\(name) refused the connection to \(target.authority)"
        // A host in NO_PROXY is connected to directly; libcurl's text tells the two apart.
        case CURLE_COULDNT_CONNECT where text.contains(" \(bareProxyHost) port \(proxy.port) "):
            return "\(name) can't be connected to; check the proxy's URL, and that it runs"
        case CURLE_RECV_ERROR where text.contains("CONNECT"), CURLE_SEND_ERROR where text.contains("CONNECT"):
            return "\(name) broke the connection while it was asked for \(target.authority)"
        default:
            return nil
        }
    }

    private var bareProxyHost: String { String((proxy?.host ?? "").filter { $0 != "[" && $0 != "]" }) }

    fileprivate var isTLSFailure: Bool {
        switch result {
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER,
            CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ENGINE_INITFAILED, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_CLIENTCERT,
            CURLE_SSL_INVALIDCERTSTATUS, CURLE_USE_SSL_FAILED:
            true
        default:
            !answerBegun && alertRefusesClient
        }
    }

    /// Whether the server ended the handshake because of the certificate it got, or did not get, from us.
    private var alertRefusesClient: Bool {
        // So libcurl puts TLS 1.2's alert "certificate expired", as if it were about the server's.
        if clientCertificate != nil, text == "SSL certificate verification failed" { return true }
        return [
            "certificate required", "bad certificate", "unknown ca", "certificate unknown", "access denied",
            "certificate expired", "certificate revoked", "unsupported certificate",
        ].contains { text.contains("alert \($0)") }
    }

    fileprivate var tlsFailure: String {
        let certificate = "the certificate of \(target.authority)"
        if alertRefusesClient {
            guard let clientCertificate else {
                return "\(target.authority) asks for a client certificate; set one"
            }
            return "\(target.authority) does not accept the client certificate \(clientCertificate); check its dates, "
                + "and that the server knows its authority"
        }
        switch result {
        case CURLE_SSL_CERTPROBLEM, CURLE_SSL_CLIENTCERT:
            return "the client certificate or its key can't be used; check that both are PEM and belong together"
        case CURLE_SSL_CACERT_BADFILE:
            return "the CA file can't be read: \(trust); install the CA certificates, or check the path"
        case CURLE_PEER_FAILED_VERIFICATION:
            break
        default:
            return "the TLS handshake with \(target.authority) failed; check that the port speaks TLS 1.2 or "
                + "newer, and whether it asks for a client certificate"
        }
        // OpenSSL's x509_vfy.h; 0 and 1 stand for a good chain whose name libcurl does not find.
        switch verifyResult {
        case 2, 18, 19, 20, 21:
            return "\(certificate) is not signed by a trusted authority: not by \(trust); add its CA file"
        case 9:
            return "\(certificate) is not valid yet; check the node's clock"
        case 10:
            return "\(certificate) has expired; renew it, or check the node's clock"
        case 0, 1, 62, 64:
            return "\(certificate) is for another name; check the URL's host"
        default:
            return "\(certificate) does not pass verification (OpenSSL \(verifyResult)) with \(trust)"
        }
    }
}
