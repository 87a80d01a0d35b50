// The verifying side of Signature Version 4, written for itself from the public description.

import Crypto
import Foundation
import Synchronization
import TokenStore

/// A signature that came with a call, taken apart.
struct AWSSignature: Sendable {
    let accessKeyID: String
    let date: String
    let region: String
    let service: String
    let signedHeaders: [String]
    let signature: String

    init?(_ authorization: String?) {
        guard let authorization, authorization.hasPrefix("AWS4-HMAC-SHA256 ") else { return nil }
        var fields: [String: String] = [:]
        for field in authorization.dropFirst("AWS4-HMAC-SHA256 ".count).components(separatedBy: ", ") {
            let pair = field.split(separator: "=", maxSplits: 1).map(String.init)
            guard pair.count == 2 else { return nil }
            fields[pair[0]] = pair[1]
        }
        let scope = (fields["Credential"] ?? "").split(separator: "/").map(String.init)
        guard scope.count == 5, scope[4] == "aws4_request", let headers = fields["SignedHeaders"],
            let signature = fields["Signature"]
        else { return nil }
        accessKeyID = scope[0]
        date = scope[1]
        region = scope[2]
        service = scope[3]
        signedHeaders = headers.split(separator: ";").map(String.init)
        self.signature = signature
    }

    /// Whether it is the signature of this call by this secret, with all that must be signed.
    func isValid(for request: SourceRequest, secret: String) -> Bool {
        let mustBeSigned = request.headers.keys.filter {
            $0 == "host" || $0 == "content-type" || $0.hasPrefix("x-amz-")
        }
        guard Set(mustBeSigned).isSubset(of: signedHeaders), signedHeaders == signedHeaders.sorted(),
            let time = request.headers["x-amz-date"], time.hasPrefix(date)
        else { return false }
        var canonical = "\(request.method)\n\(request.path)\n\(request.query)\n"
        for name in signedHeaders {
            guard let value = request.headers[name] else { return false }
            canonical += "\(name):\(value.trimmingCharacters(in: .whitespaces))\n"
        }
        canonical += "\n\(signedHeaders.joined(separator: ";"))\n\(Self.hex(SHA256.hash(data: request.body)))"
        let own = Self.signature(canonical, secret: secret, time: time, scope: [date, region, service])
        return own == signature
    }

    static func signature(_ canonical: String, secret: String, time: String, scope: [String]) -> String {
        let digest = hex(SHA256.hash(data: Data(canonical.utf8)))
        let whole = (scope + ["aws4_request"]).joined(separator: "/")
        let text = "AWS4-HMAC-SHA256\n\(time)\n\(whole)\n\(digest)"
        let key = (scope + ["aws4_request"]).reduce(SymmetricKey(data: Data("AWS4\(secret)".utf8))) { key, part in
            SymmetricKey(data: Data(HMAC<SHA256>.authenticationCode(for: Data(part.utf8), using: key)))
        }
        return hex(HMAC<SHA256>.authenticationCode(for: Data(text.utf8), using: key))
    }

    /// `20150830T123600Z` as an instant.
    static func instant(_ time: String) -> UTCInstant? {
        guard time.utf8.count == 16, time.hasSuffix("Z") else { return nil }
        let c = Array(time)
        return UTCInstant(
            rfc3339: "\(String(c[0..<4]))-\(String(c[4..<6]))-\(String(c[6..<8]))T"
                + "\(String(c[9..<11])):\(String(c[11..<13])):\(String(c[13..<15]))Z"
        )
    }

    private static func hex(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }
}

extension LoopbackAWS {
    /// Why a signature is not taken, with AWS's code and text; `nil` when it is right.
    func signatureFault(_ request: SourceRequest, service: String, region: String) -> (code: String, text: String)? {
        guard let signature = AWSSignature(request.headers["authorization"]) else {
            return ("MissingAuthenticationTokenException", "Request is missing Authentication Token")
        }
        guard let secret = secret(of: signature.accessKeyID, request) else {
            return ("UnrecognizedClientException", "The security token included in the request is invalid.")
        }
        guard signature.service == service, signature.region == region else {
            return ("InvalidSignatureException", "Credential should be scoped to a valid region.")
        }
        guard let time = request.headers["x-amz-date"].flatMap(AWSSignature.instant) else {
            return ("IncompleteSignature", "Date must be in ISO-8601 'basic format'.")
        }
        let age = time.duration(to: options.now())
        guard abs(age.components.seconds) <= 300 else {
            return ("InvalidSignatureException", "Signature expired: is now earlier than")
        }
        guard signature.isValid(for: request, secret: secret) else {
            return ("InvalidSignatureException", "The request signature we calculated does not match")
        }
        if let session = session(signature.accessKeyID), session.expiresAt <= options.now() {
            return ("ExpiredTokenException", "The security token included in the request is expired")
        }
        return nil
    }

    func session(_ accessKeyID: String) -> Session? { state.withLock { $0.sessions[accessKeyID] } }

    private func secret(of accessKeyID: String, _ request: SourceRequest) -> String? {
        if accessKeyID == options.userKey.id {
            return request.headers["x-amz-security-token"] == nil ? options.userKey.secret : nil
        }
        guard let session = session(accessKeyID), request.headers["x-amz-security-token"] == session.token else {
            return nil
        }
        return session.secretKey
    }
}
