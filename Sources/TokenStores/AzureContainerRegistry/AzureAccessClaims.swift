// What an access token of a registry says it can do.

import TokenStore

/// The claims of an access token (<https://distribution.github.io/distribution/spec/auth/jwt/>). Its signature is not
/// checked: it came from the registry that will check it.
struct AzureAccessClaims {
    let expiresAt: UTCInstant
    /// The actions by `type:name`.
    let access: [String: Set<String>]

    private struct Claims: Decodable {
        struct Access: Decodable {
            let type: String
            let name: String
            let actions: [String]
        }
        let access: [Access]?
    }

    /// `nil` when the token is none that can be read, or has no end.
    init?(_ token: Secret) {
        guard let jwt = UnverifiedJWT(token), let expiresAt = jwt.expiresAt,
            let claims = JSONBody.decode(Claims.self, jwt.claims)
        else { return nil }
        self.expiresAt = expiresAt
        var access: [String: Set<String>] = [:]
        for entry in claims.access ?? [] { access["\(entry.type):\(entry.name)", default: []].formUnion(entry.actions) }
        self.access = access.filter { !$0.value.isEmpty }
    }

    /// Compares what was granted with what was asked.
    ///
    /// - Throws: ``TokenStoreError``: `malformedAnswer` when it is more, `refused` when it is less.
    func compare(with scope: TokenScope, registry: String) throws(TokenStoreError) {
        let actions = Set(scope.actions.map(\.rawValue))
        let asked = Set(scope.repositories.map { "repository:\($0)" })
        for (place, granted) in access {
            guard asked.contains(place), granted.isSubset(of: actions) else {
                throw TokenStoreError(
                    .malformedAnswer,
                    "the new token of \(registry) reaches more than was asked for",
                    tokenMayExist: true
                )
            }
        }
        let missing = scope.repositories.compactMap { name in
            let lacking = actions.subtracting(access["repository:\(name)"] ?? []).sorted().joined(separator: ",")
            return lacking.isEmpty ? nil : "\(name):\(lacking)"
        }
        guard missing.isEmpty else {
            throw TokenStoreError(
                .refused,
                "\(registry) granted less than was asked for; missing: \(missing.prefix(5).joined(separator: " "))",
                fix: "give the identity AcrPull, AcrPush or AcrDelete there (with ABAC, Container Registry Repository "
                    + "Reader, Writer or Contributor), or ask for less",
                tokenMayExist: true
            )
        }
    }
}
