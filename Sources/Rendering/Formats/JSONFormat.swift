// `json`: everything about the tokens, for programs.

import Refusals
import TokenStore

/// One object: `{"tokens": {"<name>": {...}}}` with `username`, `token`, `host` (the git server's, else the registry's,
/// else the other one; null when there is none), `repositories`, `permissions` and `actions` as the source granted them, and `expiresAt`
/// (RFC 3339; null when the store does not tell). Every key is always there, in ascending order.
struct JSONFormat: FileFormat {
    static let name = "json"

    private let tokens: [PlannedToken]

    init(_ input: FormatInput) throws(Refusal) { tokens = input.tokens }

    func contents(_ issued: [IssuedToken]) throws(Refusal) -> [UInt8] {
        var members: [String: JSONValue] = [:]
        for (token, issued) in zip(tokens, issued) {
            let credential = try Credential(issued, of: token, in: Self.name)
            let scope = issued.grantedScope
            members[token.name] = .object([
                "actions": .array(scope.actions.sorted().map { .string($0.rawValue) }),
                "expiresAt": issued.expiresAt.map { .string($0.rfc3339) } ?? .null,
                "host": token.host.map { .string($0) } ?? .null,
                "permissions": .object(scope.permissions.mapValues { .string($0.rawValue) }),
                "repositories": .array(scope.repositories.map { .string($0) }),
                "token": .string(credential.password),
                "username": .string(credential.username),
            ])
        }
        return try JSONValue.object(["tokens": .object(members)]).encoded()
    }
}
