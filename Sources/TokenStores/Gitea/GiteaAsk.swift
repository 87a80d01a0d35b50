// What is asked of Gitea or Forgejo for a scope: rights by category of the API, and repositories where it can.

import TokenStore

/// One token to ask for.
struct GiteaAsk: Sendable {
    /// The categories that builds have a use for
    /// (<https://docs.gitea.com/development/oauth2-provider#scopes>, <https://forgejo.org/docs/latest/user/token-scope/>).
    static let permissions: Set<String> = ["issue", "organization", "package", "repository", "user"]

    let scope: TokenScope
    /// The scopes by Gitea's names, in order: `read:repository`. Writing includes reading.
    let scopes: [String]
    /// The repositories that the token is limited to; `nil` when it is not.
    let repositories: [Repository]?

    struct Repository: Encodable, Sendable, Hashable {
        let owner: String
        let name: String
    }

    init(_ scope: TokenScope, _ place: GiteaPlace, limitsRepositories: Bool) throws(TokenStoreError) {
        try AskChecks.notEmpty(scope)
        self.scope = scope
        scopes = try Self.scopes(scope)
        guard limitsRepositories else {
            repositories = nil
            return
        }
        guard scope.actions.isEmpty, Set(scope.permissions.keys).isSubset(of: ["issue", "repository"]) else {
            throw TokenStoreError(
                .refused,
                "a token that is limited to repositories has the permissions repository and issue only",
                fix: "ask for the others in a store without repositoryTokens"
            )
        }
        var repositories: [Repository] = []
        for repository in scope.repositories {
            let parts = repository.split(separator: "/").map(String.init)
            guard parts.count == 2, (try? place.git.repository(repository)) == repository else {
                throw TokenStoreError(
                    .refused,
                    "a repository of the scope is no name of a repository",
                    fix: "write it as owner/name"
                )
            }
            repositories.append(Repository(owner: parts[0], name: parts[1]))
        }
        self.repositories = repositories
    }

    private static func scopes(_ scope: TokenScope) throws(TokenStoreError) -> [String] {
        var levels = scope.permissions
        for (name, level) in levels where !permissions.contains(name) || level == .admin {
            throw TokenStoreError(
                .refused,
                "there is no token for \(TokenScope(permissions: [name: level]).summary)",
                fix: "ask for \(permissions.sorted().joined(separator: ", ")), to read or write"
            )
        }
        for action in scope.actions {
            guard action != .delete else {
                throw TokenStoreError(
                    .refused,
                    "there is no token that may only delete images",
                    fix: "ask for pull or push"
                )
            }
            levels["package"] = max(levels["package"] ?? .read, action == .push ? .write : .read)
        }
        return levels.map { "\($0.value.rawValue):\($0.key)" }.sorted()
    }

    /// What remains of the scope with the scopes that the source says it gave.
    func granted(_ names: Set<String>) -> TokenScope {
        func level(_ name: String) -> AccessLevel? {
            names.contains("write:\(name)") ? .write : names.contains("read:\(name)") ? .read : nil
        }
        var permissions: [String: AccessLevel] = [:]
        for (name, asked) in scope.permissions {
            if let level = level(name) { permissions[name] = min(level, asked) }
        }
        let actions = scope.actions.filter { action in
            level("package").map { action == .pull || $0 == .write } ?? false
        }
        return TokenScope(repositories: scope.repositories, permissions: permissions, actions: actions)
    }
}
