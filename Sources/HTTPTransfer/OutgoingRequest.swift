// A call that was checked and may be sent.

import TokenStore

/// A checked call. Nothing in it can smuggle a line into the request's head.
struct OutgoingRequest: Sendable {
    let target: URLParts
    let url: String
    let method: String
    /// The fields as libcurl's header list takes them: `Name: value`, `Name;` for an empty value, `Name:` to leave out
    /// a field that libcurl would add.
    let headerLines: [String]
    let authorization: Secret?
    let body: [UInt8]?
    let bodyLimit: Int
    let timeout: Duration
    let deadline: ContinuousClock.Instant

    /// Whether the peer may be sent the request again after a connection broke without an answer (RFC 9110, 9.2.2).
    var isIdempotent: Bool { ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"].contains(method) }

    /// Fields that libcurl writes itself, or that carry credentials and so have a place of their own.
    private static let reserved: Set<String> = [
        "authorization", "proxy-authorization", "connection", "content-length", "expect", "te", "trailer",
        "transfer-encoding", "upgrade",
    ]

    init(_ call: HTTPCall) throws(HTTPTransportError) {
        func invalid(_ message: String) -> HTTPTransportError {
            HTTPTransportError(.invalidCall, message, requestMayHaveArrived: false)
        }
        guard Self.isToken(call.method), call.method == call.method.uppercased(), call.method.utf8.count <= 32,
            call.method != "CONNECT"
        else {
            throw invalid("the method is no HTTP method in capitals")
        }
        guard let target = URLParts(callURL: call.url) else {
            throw invalid(
                "the URL can't be sent: it must be http or https, absolute, printable ASCII, escaped, and without "
                    + "user name or fragment"
            )
        }
        guard call.method != "HEAD" || call.body == nil else { throw invalid("a HEAD call has no body") }
        guard call.bodyLimit >= 0 else { throw invalid("the limit of the answer's body is negative") }

        var lines: [String] = []
        var names: Set<String> = []
        for field in call.headers {
            let name = field.name.lowercased()
            guard Self.isToken(field.name) else { throw invalid("a header field's name is no HTTP token") }
            guard !Self.reserved.contains(name) else {
                throw invalid(
                    "the header field \(name) is set by the transport; credentials belong into the call's authorization"
                )
            }
            guard Self.isFieldValue(field.value.utf8) else {
                throw invalid("the value of the header field \(name) holds a line break or another control character")
            }
            let value = field.value.trimmingBlanks()
            lines.append(value.isEmpty ? "\(field.name);" : "\(field.name): \(value)")
            names.insert(name)
        }
        if let authorization = call.authorization {
            var bytes = authorization.reveal()
            defer { bytes.wipe() }
            guard !bytes.isEmpty, Self.isFieldValue(bytes) else {
                throw invalid("the authorization is empty, or holds a line break or another control character")
            }
        }
        // libcurl would call every body a form, and wait up to a second for "100 Continue" with larger ones.
        if !names.contains("content-type") { lines.append("Content-Type:") }
        lines.append("Expect:")

        self.target = target
        url = call.url
        method = call.method
        headerLines = lines
        authorization = call.authorization
        // RFC 9110, 8.6: a method whose bodies have a meaning says "Content-Length: 0" when there is none.
        body = call.body ?? (["POST", "PUT", "PATCH"].contains(call.method) ? [] : nil)
        bodyLimit = call.bodyLimit
        timeout = call.timeout
        deadline = .now + call.timeout
    }

    private static func isToken(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
                case UInt8(ascii: "0")...UInt8(ascii: "9"): true
                default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
                }
            }
    }

    private static func isFieldValue(_ bytes: some Sequence<UInt8>) -> Bool {
        bytes.allSatisfy { $0 == 0x09 || ($0 >= 0x20 && $0 != 0x7F) }
    }
}

extension StringProtocol {
    /// The text without spaces and tabs at its ends.
    func trimmingBlanks() -> String {
        let from = drop { $0 == " " || $0 == "\t" }
        return String(from.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
    }
}

extension Duration {
    /// Whole milliseconds, rounded up, at least 1, and no more than libcurl's `long` options take everywhere.
    var curlMilliseconds: Int {
        let (seconds, attoseconds) = components
        guard seconds < Int64(Int32.max) / 1000 else { return Int(Int32.max) }
        return max(1, Int(seconds) * 1000 + Int((attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000))
    }

    /// The time as messages show it: `10 s`, `250 ms`.
    var shown: String {
        let milliseconds = curlMilliseconds
        return milliseconds % 1000 == 0 ? "\(milliseconds / 1000) s" : "\(milliseconds) ms"
    }
}
