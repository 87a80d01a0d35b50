// OAuth 2.0 Token Exchange (RFC 8693): the call and its answer.

import TokenStore

/// One exchange of a Pod's service account token for another token.
struct TokenExchange: Sendable {
    /// <https://www.rfc-editor.org/rfc/rfc8693.html#section-2.1>
    static let grantType = "urn:ietf:params:oauth:grant-type:token-exchange"

    /// Token type identifiers (RFC 8693, section 3).
    enum TokenType {
        static let accessToken = "urn:ietf:params:oauth:token-type:access_token"
        static let jwt = "urn:ietf:params:oauth:token-type:jwt"
        static let idToken = "urn:ietf:params:oauth:token-type:id_token"
    }

    var subjectToken: Secret
    var subjectTokenType = TokenType.jwt
    var requestedTokenType: String?
    var audience: String?
    var resource: String?
    /// The words of the scope, in order.
    var scope: [String] = []
    /// Fields that only this endpoint knows.
    var parameters: [String: String] = [:]

    /// The form to send; the token that is exchanged comes last.
    func form() -> FormBody {
        var form = FormBody()
        form.add("grant_type", Self.grantType)
        if let audience { form.add("audience", audience) }
        if let resource { form.add("resource", resource) }
        if !scope.isEmpty { form.add("scope", scope.joined(separator: " ")) }
        if let requestedTokenType { form.add("requested_token_type", requestedTokenType) }
        for (name, value) in parameters.sorted(by: { $0.key < $1.key }) { form.add(name, value) }
        form.add("subject_token_type", subjectTokenType)
        form.add("subject_token", subjectToken)
        return form
    }

    /// Whether an answer's token is of the type that was asked for. Some endpoints name no type.
    func isOfRequestedType(_ answer: OAuthTokenAnswer) -> Bool {
        guard let requestedTokenType, let issued = answer.issuedTokenType else { return true }
        return issued == requestedTokenType
    }
}
