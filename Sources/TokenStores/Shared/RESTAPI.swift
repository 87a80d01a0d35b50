// Calls to a source's REST API with a credential of the node's.

import TokenStore

/// Sends JSON calls to one source.
struct RESTAPI: Sendable {
    /// The API's base URL, without a slash at its end: `https://gitlab.example.com/api/v4`.
    let base: String
    let errors: SourceErrors
    let http: any HTTPTransport
    /// The time for one call. Sources that make an account for each token are slow.
    var timeout: Duration = .seconds(12)

    /// Sends a call; the answer's status is the caller's to judge.
    ///
    /// - Parameters:
    ///   - path: what follows the base URL, with its slash, escaped.
    ///   - query: names and values, not escaped.
    func send(
        _ method: String,
        _ path: String,
        query: [(String, String)] = [],
        headers: [HTTPField] = [],
        authorization: Secret,
        body: [UInt8]? = nil,
        _ step: SourceErrors.Step
    ) async throws(TokenStoreError) -> HTTPAnswer {
        var url = base + path
        if !query.isEmpty {
            url += "?"
            url += query.map { "\($0.0)=\(PercentEncoded.text($0.1))" }.joined(separator: "&")
        }
        var call = HTTPCall(method, url, timeout: timeout)
        call.headers = [HTTPField("Accept", "application/json")] + headers
        call.authorization = authorization
        if let body {
            call.headers.append(JSONBody.contentType)
            call.body = body
        }
        return try await errors.send(call, step, over: http)
    }
}

extension SecretReader {
    /// A token as its file holds it now: operators replace such files.
    ///
    /// - Throws: ``TokenStoreError`` when it can't be read, or can't stand in a header field.
    func credential(_ reference: SecretReference) throws(TokenStoreError) -> Secret {
        let secret = Authorization.trimmed(try read(reference))
        guard Authorization.isUsable(secret) else {
            throw TokenStoreError(
                .misconfigured,
                "\(reference.file) is empty or holds more than one word of plain characters",
                fix: "write the token alone into it"
            )
        }
        return secret
    }

    /// The value of an Authorization field of type Basic, with a password as its file holds it now.
    func basic(_ username: String, _ reference: SecretReference) throws(TokenStoreError) -> Secret {
        let password = Authorization.trimmed(try read(reference))
        guard !password.isEmpty else {
            throw TokenStoreError(.misconfigured, "\(reference.file) is empty", fix: "write the password into it")
        }
        return Authorization.basic(username, password)
    }
}

extension HTTPAnswer {
    /// The start of the body in lower case: it decides how an error is classed and is never shown.
    var loweredText: String { String(decoding: body.prefix(8192), as: UTF8.self).lowercased() }
}

/// The most pages of a list that are read: a list that is longer is not ours alone, and must not hold up a daemon.
let mostPages = 50
