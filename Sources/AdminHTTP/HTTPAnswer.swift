// An answer, and its bytes on the wire.

import Glibc
import TokenStore

/// An answer to a request.
package struct HTTPAnswer: Sendable, Hashable {
    package var status: Int
    /// Header fields beside those that every answer has. Names in the usual letters.
    package var headers: [Header]
    package var body: [UInt8]

    /// A header field.
    package struct Header: Sendable, Hashable {
        package var name: String
        package var value: String

        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    package init(_ status: Int, type: String, _ body: String, _ headers: [Header] = []) {
        self.status = status
        self.headers = [Header("Content-Type", type)] + headers
        self.body = Array(body.utf8)
    }

    /// Plain text; a line feed is added.
    static func text(_ status: Int, _ text: String, _ headers: [Header] = []) -> HTTPAnswer {
        HTTPAnswer(status, type: "text/plain; charset=utf-8", text + "\n", headers)
    }

    init(_ rejection: HTTPRejection) { self = .text(rejection.status, rejection.message) }

    /// What every answer says: it is not to be kept, guessed at, framed or told to other sites.
    private static let standard = [
        Header("Cache-Control", "no-store"),
        Header("X-Content-Type-Options", "nosniff"),
        Header("Referrer-Policy", "no-referrer"),
        Header("Cross-Origin-Resource-Policy", "same-origin"),
        Header("Connection", "close"),
    ]
    private static let policy = Header("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")

    /// The bytes on the wire.
    func encoded(now: UTCInstant, withBody: Bool) -> [UInt8] {
        var fields = headers + Self.standard
        if !headers.contains(where: { $0.name == Self.policy.name }) { fields.append(Self.policy) }
        fields.append(Header("Content-Length", "\(body.count)"))
        fields.append(Header("Date", Self.date(now)))
        var head = "HTTP/1.1 \(status) \(Self.phrase(status))\r\n"
        for field in fields { head += "\(field.name): \(field.value)\r\n" }
        head += "\r\n"
        return Array(head.utf8) + (withBody ? body : [])
    }

    /// A time as HTTP writes it (RFC 9110, 5.6.7).
    private static func date(_ now: UTCInstant) -> String {
        var seconds = time_t(now.epochSeconds)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        return
            "\(days[Int(parts.tm_wday)]), \(two(parts.tm_mday)) \(months[Int(parts.tm_mon)]) \(1900 + parts.tm_year) "
            + "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)) GMT"
    }

    private static func phrase(_ status: Int) -> String {
        switch status {
        case 200: "OK"
        case 400: "Bad Request"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 408: "Request Timeout"
        case 421: "Misdirected Request"
        case 431: "Request Header Fields Too Large"
        case 500: "Internal Server Error"
        case 503: "Service Unavailable"
        case 505: "HTTP Version Not Supported"
        default: "Status"
        }
    }
}
