// The calls to Vault's HTTP API that stores make, with their headers and deadlines.

import TokenStore

/// Sends calls to one Vault.
struct VaultConnection: Sendable {
    /// The time for one call.
    static let callTimeout: Duration = .seconds(10)
    /// The time for one call of a clean-up that somebody waits for.
    static let discardTimeout: Duration = .seconds(5)

    let server: VaultServer
    let errors: VaultErrors
    let context: TokenStoreContext

    init(_ server: VaultServer, context: TokenStoreContext, addressKey: String = "address") {
        self.server = server
        self.context = context
        errors = VaultErrors(server, addressKey: addressKey)
    }

    var now: UTCInstant { context.clock.now }

    /// One call below `/v1/`.
    ///
    /// The token goes into `Authorization: Bearer`, which Vault and OpenBao take as they take `X-Vault-Token`
    /// (<https://developer.hashicorp.com/vault/api-docs#authentication>): there it stays a secret until it is sent.
    func call(
        _ method: String,
        _ path: String,
        query: String = "",
        token: Secret? = nil,
        body: [UInt8]? = nil
    ) -> HTTPCall {
        var headers = [HTTPField("X-Vault-Request", "true")]
        if let namespace = server.namespace { headers.append(HTTPField("X-Vault-Namespace", namespace)) }
        if body != nil { headers.append(JSONBody.contentType) }
        return HTTPCall(
            method,
            "\(server.address.text)/v1/\(path)" + (query.isEmpty ? "" : "?\(query)"),
            headers: headers,
            authorization: token.map(Authorization.bearer),
            body: body,
            timeout: Self.callTimeout
        )
    }

    /// Sends a call; any status comes back.
    func send(_ call: HTTPCall, _ step: VaultStep) async throws(TokenStoreError) -> HTTPAnswer {
        do throws(HTTPTransportError) { return try await context.http.send(call) } catch {
            throw errors.error(error, step)
        }
    }

    /// Sends a call that is answered with a body.
    func ask(_ call: HTTPCall, _ step: VaultStep) async throws(TokenStoreError) -> VaultAnswer {
        let answer = try await send(call, step)
        guard answer.status == 200 else { throw errors.error(answer, step, now: now) }
        guard let read = JSONBody.decode(VaultAnswer.self, answer.body) else {
            throw errors.unreadable(answer, step)
        }
        return read
    }
}
