// AWS Signature Version 4: what proves to an AWS service that a call comes from who holds a secret access key.

import Crypto
import TokenStore

/// An AWS access key.
struct AWSKeys: Sendable {
    /// The key's name; no secret.
    let accessKeyID: String
    let secretAccessKey: Secret
    /// Goes with the keys of a role's session.
    let sessionToken: Secret?
}

/// Signs calls to one service in one region
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>).
///
/// The path must be free of `.` and `..` parts: they are not resolved. S3, which encodes paths in another way, is not
/// served.
struct SigV4: Sendable {
    let keys: AWSKeys
    let region: String
    let service: String

    private static let algorithm = "AWS4-HMAC-SHA256"

    /// The call with the date, the session token where there is one, and the signature. All its fields and its body are
    /// signed, so nothing may be changed afterwards.
    func signed(_ call: HTTPCall, at now: UTCInstant) -> HTTPCall {
        var call = call
        let time = Self.time(now)
        call.headers.append(HTTPField("X-Amz-Date", time))
        if let token = keys.sessionToken {
            call.headers.append(HTTPField("X-Amz-Security-Token", token.revealText()))
        }
        let (request, names) = Self.canonicalRequest(call)
        let signature = signature(of: request, time: time)
        call.authorization = Secret(
            utf8: "\(Self.algorithm) Credential=\(keys.accessKeyID)/\(scope(time)), SignedHeaders=\(names), "
                + "Signature=\(signature)"
        )
        return call
    }

    /// The signature of a canonical request, in hexadecimal digits.
    ///
    /// - Parameter time: as ``time(_:)`` writes it, with or without the `Z`.
    func signature(of canonicalRequest: String, time: String) -> String {
        let digest = Self.hex(SHA256.hash(data: Array(canonicalRequest.utf8)))
        let text = "\(Self.algorithm)\n\(time)\n\(scope(time))\n\(digest)"
        var key = SymmetricKey(data: Array("AWS4".utf8) + keys.secretAccessKey.reveal())
        for part in [String(time.prefix(8)), region, service, "aws4_request"] {
            key = SymmetricKey(data: HMAC<SHA256>.authenticationCode(for: Array(part.utf8), using: key))
        }
        return Self.hex(HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: key))
    }

    /// `20150830T123600Z`.
    static func time(_ now: UTCInstant) -> String { String(now.rfc3339.filter { $0 != "-" && $0 != ":" }) }

    private func scope(_ time: String) -> String { "\(time.prefix(8))/\(region)/\(service)/aws4_request" }

    /// The canonical request, and the names of its fields as `SignedHeaders` lists them.
    static func canonicalRequest(_ call: HTTPCall) -> (text: String, names: String) {
        let url = Target(call.url)
        var fields = call.headers.map { (name: $0.name.lowercased(), value: trimmed($0.value)) }
        fields.append((name: "host", value: url.authority))
        fields.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        let names = fields.map(\.name).joined(separator: ";")
        let lines =
            [call.method, url.canonicalPath, url.canonicalQuery] + fields.map { "\($0.name):\($0.value)" }
            + ["", names, hex(SHA256.hash(data: call.body ?? []))]
        return (lines.joined(separator: "\n"), names)
    }

    /// Without blanks at the ends, and with one for each run of them inside.
    private static func trimmed(_ value: String) -> String { value.split(separator: " ").joined(separator: " ") }

    private static func hex(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    /// The parts of a URL that are signed.
    private struct Target {
        let authority: String
        let canonicalPath: String
        let canonicalQuery: String

        init(_ url: String) {
            let rest = url.firstRange(of: "://").map { url[$0.upperBound...] } ?? url[...]
            let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
            authority = String(rest[..<end])
            let query = rest.firstIndex(of: "?") ?? rest.endIndex
            let path = rest[end..<query]
            // What is encoded in the URL is encoded once more.
            let encoded = PercentEncoded.bytes(Array(path.utf8), except: [UInt8(ascii: "/")])
            canonicalPath = encoded.isEmpty ? "/" : String(decoding: encoded, as: UTF8.self)
            canonicalQuery = rest[query...].dropFirst().split(separator: "&")
                .map { $0.contains("=") ? String($0) : "\($0)=" }
                .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
                .joined(separator: "&")
        }
    }
}
