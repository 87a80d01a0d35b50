// Response wrapping: a token stands for a secret, and whoever gets it can tell whether somebody looked before
// (<https://developer.hashicorp.com/vault/docs/concepts/response-wrapping>).

import TokenStore

/// How the values of a store come wrapped.
package struct VaultWrappingSettings: Decodable, Sendable {
    /// Asks Vault to wrap its answer, with this life in seconds: for paths whose policy demands wrapping.
    package var ttlSeconds: Int?
    /// The key of what is read that holds a wrapping token, which somebody deposited there.
    package var tokenKey: String?
    /// With `tokenKey`: the path that the wrapping token must come from, `sys/wrapping/wrap` for example.
    package var creationPath: String?

    package init(ttlSeconds: Int? = nil, tokenKey: String? = nil, creationPath: String? = nil) {
        self.ttlSeconds = ttlSeconds
        self.tokenKey = tokenKey
        self.creationPath = creationPath
    }
}

/// How values come wrapped, checked.
enum VaultWrapping: Sendable {
    case none
    case answer(ttlSeconds: Int)
    case field(key: String, creationPath: String)

    init(_ settings: VaultWrappingSettings?) throws(TokenStoreError) {
        switch (settings?.ttlSeconds, settings?.tokenKey, settings?.creationPath) {
        case (nil, nil, nil) where settings == nil: self = .none
        case (let seconds?, nil, nil) where (10...3600).contains(seconds): self = .answer(ttlSeconds: seconds)
        case (nil, let key?, let path?) where !key.isEmpty:
            self = .field(key: key, creationPath: try VaultPath.check("secret.wrapped.creationPath", path))
        default:
            throw TokenStoreError(
                .misconfigured,
                "secret.wrapped is neither an answer that is wrapped nor a wrapping token in a field",
                fix: "write { ttlSeconds: 60 } (10 to 3600), or { tokenKey: KEY, creationPath: PATH }"
            )
        }
    }
}

extension VaultConnection {
    private struct LookupBody: Encodable { let token: String }

    /// Looks where a wrapping token was made, without spending it: one that was planted comes from elsewhere.
    func checkWrapping(_ token: Secret, madeAt path: String) async throws(TokenStoreError) {
        guard Authorization.isUsable(token) else {
            throw TokenStoreError(
                .misconfigured,
                "what should be a wrapping token is none",
                fix: "check secret.wrapped.tokenKey, and what was deposited"
            )
        }
        let body = try JSONBody.encode(LookupBody(token: token.revealText()))
        let found = try await ask(call("POST", "sys/wrapping/lookup", body: body), .lookUpWrapping)
        guard let madeAt = found.data?["creation_path"]?.text else {
            throw TokenStoreError(
                .malformedAnswer,
                "Vault's answer about a wrapping token names no creation path",
                fix: "check that address \(server.address.text) is Vault"
            )
        }
        // Some versions write the namespace before it.
        let expected = [path] + (server.namespace.map { ["\($0)/\(path)"] } ?? [])
        guard expected.contains(madeAt) else {
            throw TokenStoreError(
                .refused,
                "TAMPERING? the wrapping token was not made at \(path): its secret may have been replaced",
                fix: "find out in Vault's audit log who made it; correct secret.wrapped.creationPath if that was right"
            )
        }
    }

    /// Takes the secret out of its wrapping, once; ``checkWrapping(_:madeAt:)`` goes before it.
    ///
    /// The token goes into the header and the body stays empty, because a token in both is spent before it is read.
    func unwrap(_ token: Secret) async throws(TokenStoreError) -> VaultAnswer {
        try await ask(call("POST", "sys/wrapping/unwrap", token: token), .unwrap)
    }
}
