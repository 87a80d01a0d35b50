// Scopes as registries and their token servers write them, and what a token says that it may.

import TokenStore

/// The scope grammar of the distribution token specification
/// (<https://distribution.github.io/distribution/spec/auth/scope/>): `type:name:action,action`.
enum RegistryScope {
    /// One resource and what may be done with it.
    struct Access: Sendable, Hashable {
        let type: String
        let name: String
        let actions: Set<String>
    }

    /// One text for each repository: `repository:our/app:pull,push`. Actions are in alphabetical order.
    ///
    /// - Parameter name: what a repository is called at the registry.
    static func texts(_ scope: TokenScope, name: (String) -> String = { $0 }) -> [String] {
        let actions = scope.actions.sorted().map(\.rawValue).joined(separator: ",")
        return scope.repositories.map { "repository:\(name($0)):\(actions)" }
    }

    /// Reads a scope. The name may hold a colon (`host:port/name`), so the type ends at the first and the actions begin
    /// after the last; `nil` when there are not both.
    static func read(_ text: String) -> Access? {
        guard let first = text.firstIndex(of: ":"), let last = text.lastIndex(of: ":"), first < last else { return nil }
        let name = text[text.index(after: first)..<last]
        guard !name.isEmpty, first > text.startIndex else { return nil }
        let actions = text[text.index(after: last)...].split(separator: ",").map(String.init)
        return Access(type: String(text[..<first]), name: String(name), actions: Set(actions))
    }

    /// What a token differs in from what was asked for.
    struct Difference: Sendable, Equatable {
        /// Repositories and actions that were asked for and not given: `our/app:push`.
        var missing: [String] = []
        /// Whether anything was given that was not asked for.
        var isWider = false
    }

    /// Compares what a token says it may with what was asked for; order and repetition mean nothing.
    ///
    /// - Parameter name: what a repository is called at the registry.
    static func compare(
        _ granted: [Access],
        with asked: TokenScope,
        name: (String) -> String = { $0 }
    ) -> Difference {
        var given: [String: Set<String>] = [:]
        var difference = Difference()
        let wanted = Set(asked.actions.map(\.rawValue))
        for access in granted where !access.actions.isEmpty {
            if access.type == "repository" {
                given[access.name, default: []].formUnion(access.actions)
            } else {
                difference.isWider = true
            }
        }
        for repository in asked.repositories {
            let actions = given.removeValue(forKey: name(repository)) ?? []
            let lacks = wanted.subtracting(actions).sorted()
            if !lacks.isEmpty { difference.missing.append("\(repository):\(lacks.joined(separator: ","))") }
            if !actions.isSubset(of: wanted) { difference.isWider = true }
        }
        if !given.isEmpty { difference.isWider = true }
        return difference
    }

    private struct Claims: Decodable {
        struct Entry: Decodable {
            let type: String
            let name: String
            let actions: [String]?
        }
        let access: [Entry]?
    }

    /// The `access` claim of a token (<https://distribution.github.io/distribution/spec/auth/jwt/>), taken at its word:
    /// it came from the server that signs it. `nil` when the token is opaque or has no such claim.
    static func access(of token: Secret) -> [Access]? {
        guard let jwt = UnverifiedJWT(token), let claims = JSONBody.decode(Claims.self, jwt.claims) else { return nil }
        return claims.access?.map { Access(type: $0.type, name: $0.name, actions: Set($0.actions ?? [])) }
    }
}
