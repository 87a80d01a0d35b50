// Calls and answers print no body, no header's value and no query: each may hold a token.

extension HTTPCall: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// `POST https://host/path, headers: Accept, authorization: yes, body: 12 bytes`.
    public var description: String {
        let authorization = authorization == nil ? "no" : "yes"
        return "\(method) \(shownURL), headers: \(headers.names), authorization: \(authorization), body: "
            + "\(body?.count ?? 0) bytes"
    }

    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: [], displayStyle: .struct) }

    /// The URL without user information, query and fragment.
    private var shownURL: String {
        let plain = url.prefix { $0 != "?" && $0 != "#" }
        guard let scheme = plain.firstRange(of: "://") else { return String(plain) }
        let rest = plain[scheme.upperBound...]
        let authority = rest.prefix { $0 != "/" }
        let host = authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority
        return "\(plain[..<scheme.upperBound])\(host)\(rest[authority.endIndex...])"
    }
}

extension HTTPAnswer: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// `201, headers: Content-Type, body: 512 bytes`.
    public var description: String { "\(status), headers: \(headers.names), body: \(body.count) bytes" }

    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: [], displayStyle: .struct) }
}

extension [HTTPField] {
    fileprivate var names: String { isEmpty ? "none" : map(\.name).joined(separator: ", ") }
}
