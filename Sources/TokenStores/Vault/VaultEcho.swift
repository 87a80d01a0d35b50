// What an engine says it granted, compared with what was asked.

package import TokenStore

/// Where an engine's answer says what it granted.
package struct VaultEchoSettings: Decodable, Sendable {
    /// A list of names, or of objects with a `full_name` or `name`.
    package var repositoriesKey: String?
    /// A mapping from permission to level.
    package var permissionsKey: String?
    /// Permissions that come with every token.
    package var implied: [String: AccessLevel]?

    package init(
        repositoriesKey: String? = nil,
        permissionsKey: String? = nil,
        implied: [String: AccessLevel]? = nil
    ) {
        self.repositoriesKey = repositoriesKey
        self.permissionsKey = permissionsKey
        self.implied = implied
    }
}

/// Reads and compares what was granted.
struct VaultEcho: Sendable {
    private let settings: VaultEchoSettings

    init(_ settings: VaultEchoSettings) throws(TokenStoreError) {
        guard settings.repositoriesKey != nil || settings.permissionsKey != nil else {
            throw TokenStoreError(
                .misconfigured,
                "secret.echo has neither repositoriesKey nor permissionsKey",
                fix: "name a key of the answer, or remove secret.echo"
            )
        }
        self.settings = settings
    }

    /// The scope that was granted.
    ///
    /// - Throws: ``TokenStoreError`` when it is wider than what was asked, or lacks a repository.
    func granted(_ data: [String: VaultValue], for asked: TokenScope) throws(TokenStoreError) -> TokenScope {
        if let key = settings.repositoriesKey { try compare(repositories(data[key], key), asked) }
        guard let key = settings.permissionsKey else { return asked }
        guard let object = data[key]?.object else { throw Self.unreadable(key) }
        var permissions: [String: AccessLevel] = [:]
        for (name, value) in object {
            guard let level = value.text.flatMap(AccessLevel.init(rawValue:)) else { throw Self.unreadable(key) }
            let limit = [asked.permissions[name], settings.implied?[name]].compactMap(\.self).max()
            guard let limit, level <= limit else {
                throw Self.wider("permissions")
            }
            if let wanted = asked.permissions[name] { permissions[name] = min(level, wanted) }
        }
        return TokenScope(repositories: asked.repositories, permissions: permissions, actions: asked.actions)
    }

    /// The names, each whole or without its owner.
    private func repositories(_ value: VaultValue?, _ key: String) throws(TokenStoreError) -> [String] {
        guard let list = value?.list else { throw Self.unreadable(key) }
        var names: [String] = []
        for entry in list {
            let name = entry.text ?? entry.object?["full_name"]?.text ?? entry.object?["name"]?.text
            guard let name else { throw Self.unreadable(key) }
            names.append(name)
        }
        return names
    }

    private func compare(_ names: [String], _ asked: TokenScope) throws(TokenStoreError) {
        // Forges that ignore case write names as they like.
        let wanted = Set(asked.repositories.map { $0.lowercased() })
        var reached: Set<String> = []
        for name in names.map({ $0.lowercased() }) {
            let meant =
                name.contains("/") ? wanted.filter { $0 == name } : wanted.filter { VaultTemplate.name($0) == name }
            guard let first = meant.first else { throw Self.wider("repositories") }
            guard meant.count == 1 else {
                throw TokenStoreError(
                    .refused,
                    "the engine names repositories without their owners, and two that were asked for share a name",
                    fix: "ask for one token for each of them"
                )
            }
            reached.insert(first)
        }
        guard reached == wanted else {
            throw TokenStoreError(
                .refused,
                "the engine left out a repository that was asked for",
                fix: "give the engine's account all of them, or ask for less"
            )
        }
    }

    private static func wider(_ what: String) -> TokenStoreError {
        TokenStoreError(
            .malformedAnswer,
            "the engine granted \(what) that were not asked for",
            fix: "check secret.parameters and secret.echo"
        )
    }

    private static func unreadable(_ key: String) -> TokenStoreError {
        TokenStoreError(
            .malformedAnswer,
            "the engine's answer does not say in \(key) what it granted",
            fix: "correct secret.echo"
        )
    }
}
