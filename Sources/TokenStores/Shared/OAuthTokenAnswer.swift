// What an OAuth token endpoint answers when it grants, read strictly.

import TokenStore

/// A successful answer of a token endpoint (RFC 6749, section 5.1; RFC 8693, section 2.2.1).
struct OAuthTokenAnswer: Sendable {
    /// A longer life than this is no life that a token has.
    static let longestLife: Duration = .seconds(10 * 366 * 86_400)

    /// The token; printable ASCII.
    let token: Secret
    /// How long the token lives; `nil` when the answer does not say.
    let expiresIn: Duration?
    /// `token_type` in lower case, where there is one.
    let tokenType: String?
    /// `issued_token_type`, where there is one.
    let issuedTokenType: String?
    /// The words of `scope`; `nil` when the answer has none, which means: as asked.
    let scope: Set<String>?

    private struct Body: Decodable {
        let access_token: String
        let expires_in: Seconds?
        let token_type: String?
        let issued_token_type: String?
        let scope: String?
    }

    /// A number of seconds: a JSON number, or a text as some servers write it.
    private struct Seconds: Decodable {
        let value: Double

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let number = try? container.decode(Double.self) {
                value = number
                return
            }
            guard let number = Double(try container.decode(String.self)) else {
                throw DecodingError.dataCorruptedError(in: container, debugDescription: "no number")
            }
            value = number
        }
    }

    private struct Bearer: Decodable { let access_token: String }

    /// The token alone, so that it can be revoked when the rest can't be used.
    static func token(_ body: [UInt8]) -> Secret? {
        let token = JSONBody.decode(Bearer.self, body).map { Secret(utf8: $0.access_token) }
        return token.flatMap { Authorization.isUsable($0) ? $0 : nil }
    }

    /// Reads an answer's body; `nil` when it is none, or says something impossible about the token.
    init?(_ body: [UInt8]) {
        guard let answer = JSONBody.decode(Body.self, body), let token = Self.token(body) else { return nil }
        if let seconds = answer.expires_in?.value {
            guard seconds > 0, seconds <= Double(Self.longestLife.components.seconds) else { return nil }
            expiresIn = .seconds(Int64(seconds))
        } else {
            expiresIn = nil
        }
        self.token = token
        tokenType = answer.token_type?.lowercased()
        issuedTokenType = answer.issued_token_type
        scope = answer.scope.map { Set($0.split(separator: " ").map(String.init)) }
    }

    /// Whether the token can be used as a password or a bearer token. `N_A` is RFC 8693's word for a token that is no
    /// access token; a token that is bound to a key (`DPoP`, `mac`) is of no use in a file.
    var isBearer: Bool { tokenType.map { $0 == "bearer" || $0 == "n_a" } ?? true }

    /// When the token ends: what the answer says, or the token itself where it is a JSON Web Token.
    ///
    /// - Parameter asked: when the call was made; the life is counted from there, not from the answer.
    func expiresAt(asked: UTCInstant) -> UTCInstant? {
        expiresIn.map { asked + $0 } ?? UnverifiedJWT(token)?.expiresAt
    }
}
