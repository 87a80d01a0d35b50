// What an operator writes for a store of kind `gitlab`, and the addresses that follow from it.

package import TokenStore

/// The settings of a ``GitLabStore``.
package struct GitLabSettings: Decodable, Sendable {
    /// The kinds of token that GitLab mints by its API.
    package enum TokenType: String, Decodable, Sendable, CaseIterable {
        /// Deploy tokens: made at once, with an expiry to the second; they can't push to a git repository.
        case deploy
        /// Project or group access tokens: each makes a bot user; they expire at a midnight.
        case access
    }

    /// GitLab's base URL: `https://gitlab.com`, `https://gitlab.example.com`.
    package var url: String
    /// The token that mints: of a user or a group, with the scope `api`. Read at each use.
    package var token: SecretReference
    /// Which kind of token is minted; left out, an access token where a git push is granted, else a deploy token.
    package var tokenType: TokenType?
    /// A group whose tokens are minted instead of the project's; they reach all of its projects.
    package var group: String?
    /// The role of access tokens, by GitLab's number; left out, 30 (Developer) where something is written, else 20
    /// (Reporter).
    package var accessLevel: Int?
    /// The registry's host; `registry.gitlab.com` on gitlab.com, else none unless given.
    package var registryHost: String?

    package init(
        url: String,
        token: SecretReference,
        tokenType: TokenType? = nil,
        group: String? = nil,
        accessLevel: Int? = nil,
        registryHost: String? = nil
    ) {
        self.url = url
        self.token = token
        self.tokenType = tokenType
        self.group = group
        self.accessLevel = accessLevel
        self.registryHost = registryHost
    }
}

/// One GitLab, checked.
struct GitLabPlace: Sendable {
    /// A project lies in a group or a user's namespace; groups nest twenty deep
    /// (<https://docs.gitlab.com/user/group/subgroups/>).
    static let nameParts = 2...21
    /// GitLab's roles by number (<https://docs.gitlab.com/api/access_requests/#valid-access-levels>).
    static let accessLevels: Set<Int> = [10, 15, 20, 25, 30, 40, 50]

    let git: GitServer
    let group: String?
    let registryHost: String?

    init(_ settings: GitLabSettings) throws(TokenStoreError) {
        git = try AskChecks.git("url", settings.url, nameParts: Self.nameParts, namesIgnoreCase: true)
        if let host = settings.registryHost {
            registryHost = try AskChecks.host("registryHost", host)
        } else {
            registryHost = git.origin == "https://gitlab.com" ? "registry.gitlab.com" : nil
        }
        if let group = settings.group {
            // A group's path is that of a project without its last part.
            guard let path = try? git.repository(group + "/x"), path == group + "/x" else {
                throw TokenStoreError(
                    .misconfigured,
                    "group is no path of a group",
                    fix: "write it as it stands in the group's address: our-org/builds"
                )
            }
        }
        group = settings.group
        if let level = settings.accessLevel {
            guard Self.accessLevels.contains(level) else {
                throw TokenStoreError(
                    .misconfigured,
                    "accessLevel is \(level), and GitLab has no such role",
                    fix: "write 20 (Reporter), 30 (Developer) or 40 (Maintainer)"
                )
            }
            guard settings.tokenType != .deploy else {
                throw TokenStoreError(
                    .misconfigured,
                    "accessLevel is given, and deploy tokens have no role",
                    fix: "leave it out, or set tokenType: access"
                )
            }
        }
    }

    /// Where tokens are good.
    var service: TokenService { TokenService(git: git, registryHost: registryHost) }
}
