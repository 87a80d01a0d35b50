// What is asked of GitLab for a scope: which kind of token, of which project or group, with which scopes.

import TokenStore

/// One token to ask for.
struct GitLabAsk: Sendable {
    /// Whose token it is.
    enum Owner: Sendable, Hashable {
        case project(String)
        case group(String)

        /// The resource in the API, without a slash before it. Paths are escaped whole
        /// (<https://docs.gitlab.com/api/rest/#namespaced-paths>).
        var resource: String {
            switch self {
            case .project(let path): "projects/\(PercentEncoded.text(path))"
            case .group(let path): "groups/\(PercentEncoded.text(path))"
            }
        }

        /// For messages: `project our-org/app`.
        var words: String {
            switch self {
            case .project(let path): "project \(path)"
            case .group(let path): "group \(path)"
            }
        }
    }

    let type: GitLabSettings.TokenType
    let owner: Owner
    /// The scope as it was asked.
    let scope: TokenScope
    /// GitLab's names of what the token may do
    /// (<https://docs.gitlab.com/user/project/deploy_tokens/#scope>,
    /// <https://docs.gitlab.com/security/tokens/access_token_scopes/>), in order.
    let scopes: [String]
    /// The role of an access token.
    let accessLevel: Int

    /// The permissions that tokens can have.
    static let permissions: Set<String> = ["repository", "package_registry"]

    init(_ scope: TokenScope, _ place: GitLabPlace, _ settings: GitLabSettings) throws(TokenStoreError) {
        try AskChecks.notEmpty(scope)
        self.scope = scope
        owner = try Self.owner(scope, place)
        type = try Self.type(scope, settings)
        scopes = try Self.scopes(scope)
        let writes = scope.permissions.values.contains { $0 > .read } || scope.actions.contains(.push)
        accessLevel = settings.accessLevel ?? (writes ? 30 : 20)
    }

    private static func owner(_ scope: TokenScope, _ place: GitLabPlace) throws(TokenStoreError) -> Owner {
        for repository in scope.repositories {
            guard let name = try? place.git.repository(repository), name == repository else {
                throw TokenStoreError(
                    .refused,
                    "a repository of the scope is no path of a GitLab project",
                    fix: "write it as group/project"
                )
            }
        }
        guard let group = place.group else {
            return .project(try AskChecks.onlyRepository(scope, source: "a GitLab project"))
        }
        let prefix = group.lowercased() + "/"
        guard scope.repositories.allSatisfy({ $0.lowercased().hasPrefix(prefix) }) else {
            throw TokenStoreError(
                .refused,
                "the scope names a project outside of the group \(group)",
                fix: "ask for projects of the group, or use a store without group"
            )
        }
        return .group(group)
    }

    private static func type(
        _ scope: TokenScope,
        _ settings: GitLabSettings
    ) throws(TokenStoreError) -> GitLabSettings.TokenType {
        let pushesGit = (scope.permissions["repository"] ?? .read) > .read
        let packages = scope.permissions["package_registry"] != nil
        guard !(pushesGit && packages) else {
            throw TokenStoreError(
                .refused,
                "no token of GitLab's opens the package registry and pushes to git, but for api, which opens all",
                fix: "ask for two tokens"
            )
        }
        let type = settings.tokenType ?? (pushesGit ? .access : .deploy)
        if type == .deploy, pushesGit {
            throw TokenStoreError(
                .refused,
                "a deploy token can't push to a git repository",
                fix: "ask for repository:read, or leave tokenType out of the store's settings"
            )
        }
        if type == .access, packages {
            throw TokenStoreError(
                .refused,
                "an access token opens the package registry only with the scope api, which opens all",
                fix: "leave tokenType out of the store's settings: deploy tokens can"
            )
        }
        return type
    }

    private static func scopes(_ scope: TokenScope) throws(TokenStoreError) -> [String] {
        var scopes: Set<String> = []
        for (name, level) in scope.permissions {
            guard permissions.contains(name), level < .admin else {
                throw TokenStoreError(
                    .refused,
                    "GitLab has no token for \(TokenScope(permissions: [name: level]).summary)",
                    fix: "ask for repository or package_registry, to read or write"
                )
            }
            switch (name, level) {
            case ("repository", .read): scopes.insert("read_repository")
            // It includes reading.
            case ("repository", _): scopes.insert("write_repository")
            case (_, .read): scopes.insert("read_package_registry")
            default: scopes.formUnion(["read_package_registry", "write_package_registry"])
            }
        }
        for action in scope.actions {
            switch action {
            case .pull: scopes.insert("read_registry")
            case .push: scopes.insert("write_registry")
            case .delete:
                throw TokenStoreError(
                    .refused,
                    "GitLab has no token that may only delete images",
                    fix: "ask for pull or push"
                )
            }
        }
        return scopes.sorted()
    }

    /// What remains of the scope with the scopes that GitLab says it gave.
    func granted(_ names: Set<String>) -> TokenScope {
        var permissions: [String: AccessLevel] = [:]
        if names.contains("write_repository") {
            permissions["repository"] = .write
        } else if names.contains("read_repository") {
            permissions["repository"] = .read
        }
        if names.contains("read_package_registry") {
            permissions["package_registry"] = names.contains("write_package_registry") ? .write : .read
        }
        var actions: Set<RegistryAction> = []
        if names.contains("read_registry") { actions.insert(.pull) }
        if names.contains("write_registry") { actions.insert(.push) }
        return TokenScope(repositories: scope.repositories, permissions: permissions, actions: actions)
    }
}

extension GitLabSettings.TokenType {
    /// The collection in the API: `deploy_tokens`.
    var collection: String {
        switch self {
        case .deploy: "deploy_tokens"
        case .access: "access_tokens"
        }
    }

    /// For messages.
    var words: String {
        switch self {
        case .deploy: "a deploy token"
        case .access: "an access token"
        }
    }
}
