// `expiry`: when the first of the tokens stops working, so that a wrapper can wait for fresh ones or stop early.

import Refusals
import TokenStore

/// The earliest expiry in RFC 3339 with a line end. It is an empty file when no store tells one (`test -s` asks for
/// that); a token without expiry does not count beside one with.
struct ExpiryFormat: FileFormat {
    static let name = "expiry"

    init(_ input: FormatInput) throws(Refusal) {}

    func contents(_ issued: [IssuedToken]) -> [UInt8] {
        guard let earliest = issued.compactMap(\.expiresAt).min() else { return [] }
        return Array("\(earliest.rfc3339)\n".utf8)
    }
}
