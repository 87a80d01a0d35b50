// How a client proves itself at a token endpoint.

import TokenStore

/// The client of a token call (RFC 6749, section 2.3; RFC 7523, section 2.2).
enum OAuthClient: Sendable {
    /// No client: the call's own token is all.
    case none
    /// A client without a credential: its id stands in the form.
    case named(String)
    /// A secret, in the Authorization field.
    case basic(id: String, secret: SecretReference)
    /// A secret, in the form.
    case form(id: String, secret: SecretReference)
    /// An assertion that is signed with a key of the client's.
    case key(id: String, key: SecretReference, keyID: String?, audience: String)
    /// The Pod's service account token as the assertion.
    case podToken(id: String)

    /// Puts the client into a call. Secrets are read anew each time: operators replace them.
    ///
    /// - Throws: ``TokenStoreError`` with code `misconfigured` when the secret can't be read or used.
    func sign(
        _ call: inout HTTPCall,
        _ form: inout FormBody,
        subjectToken: Secret?,
        context: TokenStoreContext
    ) async throws(TokenStoreError) {
        switch self {
        case .none: break
        case .named(let id): form.add("client_id", id)
        case .basic(let id, let reference):
            // Both are form-encoded first (RFC 6749, section 2.3.1).
            let secret = try Self.secret(reference, context)
            let encoded = Secret(PercentEncoded.bytes(secret.reveal()))
            call.authorization = Authorization.basic(PercentEncoded.text(id), encoded)
        case .form(let id, let reference):
            let secret = try Self.secret(reference, context)
            form.add("client_id", id)
            form.add("client_secret", secret)
        case .key(let id, let reference, let keyID, let audience):
            let assertion = try await ClientAssertion.sign(
                clientID: id,
                audience: audience,
                key: try context.secrets.read(reference),
                keyID: keyID,
                file: reference.file,
                now: context.clock.now
            )
            form.add("client_id", id)
            ClientAssertion.add(assertion, to: &form)
        case .podToken(let id):
            form.add("client_id", id)
            if let subjectToken { ClientAssertion.add(subjectToken, to: &form) }
        }
        call.headers.append(FormBody.contentType)
        call.body = form.bytes
    }

    private static func secret(
        _ reference: SecretReference,
        _ context: TokenStoreContext
    ) throws(TokenStoreError) -> Secret {
        let secret = Authorization.trimmed(try context.secrets.read(reference))
        guard !secret.isEmpty else {
            throw TokenStoreError(
                .misconfigured,
                "\(reference.file) is empty",
                fix: "write the client's secret into it"
            )
        }
        return secret
    }
}
