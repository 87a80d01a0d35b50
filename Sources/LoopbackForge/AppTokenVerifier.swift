// What GitHub checks of an App's token, and the words in which it complains.

import Crypto
import CryptoExtras
import Foundation

/// Verifies the JSON Web Tokens of one App.
struct AppTokenVerifier: Sendable {
    let appID: String
    let publicKey: _RSA.Signing.PublicKey

    /// Why a token is refused: a status and GitHub's text.
    struct Complaint: Error {
        let status: Int
        let message: String

        init(_ status: Int, _ message: String) {
            self.status = status
            self.message = message
        }
    }

    private struct Header: Decodable { let alg: String }
    private struct Issuer: Decodable { let iss: String }
    private struct IssuedAt: Decodable { let iat: Int }
    private struct Expiry: Decodable { let exp: Int }

    /// Checks the value of an `Authorization` field.
    func verify(_ authorization: String?, now: Int) throws(Complaint) {
        guard let authorization, authorization.hasPrefix("Bearer ") else {
            throw Complaint(401, "Requires authentication")
        }
        let undecodable = Complaint(401, "A JSON web token could not be decoded")
        let parts = authorization.dropFirst("Bearer ".count).split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let header = Self.decode(parts[0]), let claims = Self.decode(parts[1]),
            let signature = Self.decode(parts[2]),
            let algorithm = try? JSONDecoder().decode(Header.self, from: header), algorithm.alg == "RS256"
        else { throw undecodable }
        guard let issuer = try? JSONDecoder().decode(Issuer.self, from: claims) else {
            throw Complaint(401, "Missing 'issuer' claim ('iss') in assertion")
        }
        guard issuer.iss == appID else { throw Complaint(404, "Integration not found") }
        let signed = SHA256.hash(data: Data("\(parts[0]).\(parts[1])".utf8))
        guard
            publicKey.isValidSignature(
                _RSA.Signing.RSASignature(rawRepresentation: signature),
                for: signed,
                padding: .insecurePKCS1v1_5
            )
        else { throw undecodable }
        try verifyTimes(claims, now: now)
    }

    private func verifyTimes(_ claims: Data, now: Int) throws(Complaint) {
        guard let issuedAt = try? JSONDecoder().decode(IssuedAt.self, from: claims), issuedAt.iat <= now else {
            throw Complaint(
                401,
                "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"
            )
        }
        guard let expiry = try? JSONDecoder().decode(Expiry.self, from: claims), expiry.exp > now else {
            throw Complaint(
                401,
                "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the "
                    + "assertion expires"
            )
        }
        guard expiry.exp <= now + 600 else {
            throw Complaint(401, "'Expiration time' claim ('exp') is too far in the future")
        }
    }

    private static func decode(_ part: Substring) -> Data? {
        guard !part.isEmpty, !part.contains("="), !part.contains("+"), !part.contains("/") else { return nil }
        let text = part.replacingOccurrences(of: "-", with: "+").replacingOccurrences(of: "_", with: "/")
        return Data(base64Encoded: text + String(repeating: "=", count: (4 - text.count % 4) % 4))
    }
}
