// What an operator writes for a store of kind `bitbucket-data-center`, and what is asked of it.

package import TokenStore

/// The settings of a ``BitbucketDataCenterStore``.
package struct BitbucketDataCenterSettings: Decodable, Sendable {
    /// The base URL: `https://bitbucket.example.com`.
    package var url: String
    /// The account that makes tokens: an administrator of the repositories.
    package var username: String
    /// Its password, read at each use: Bitbucket takes no token for making tokens.
    package var password: SecretReference

    package init(url: String, username: String, password: SecretReference) {
        self.url = url
        self.username = username
        self.password = password
    }
}

/// One token to ask for.
struct BitbucketAsk: Sendable {
    /// The lives that are asked for: Bitbucket counts whole days.
    static let limits: ClosedRange<Duration> = .seconds(86400)...(.seconds(365 * 86400))

    let repository: BitbucketRepository
    let scope: TokenScope
    /// The token's one permission, by Bitbucket's name.
    let permission: String
    let days: Int64

    init(_ scope: TokenScope, _ git: GitServer, lifetime: Duration? = nil) throws(TokenStoreError) {
        let name = try AskChecks.onlyRepository(scope, source: "a Bitbucket repository")
        guard let repository = BitbucketRepository(name, git) else {
            throw TokenStoreError(
                .refused,
                "the repository of the scope is no path of a Bitbucket repository",
                fix: "write it as in its clone address: scm/PROJECT/repository"
            )
        }
        guard scope.actions.isEmpty, scope.permissions.count == 1, let level = scope.permissions["repository"],
            level < .admin
        else {
            throw TokenStoreError(
                .refused,
                "a token of Bitbucket's is asked for with the permission repository only",
                fix: "ask for repository, to read or write"
            )
        }
        self.repository = repository
        self.scope = scope
        permission = level == .write ? "REPO_WRITE" : "REPO_READ"
        let life = min(max(lifetime ?? Self.limits.lowerBound, Self.limits.lowerBound), Self.limits.upperBound)
        let seconds = life.components.seconds + (life.components.attoseconds > 0 ? 1 : 0)
        days = (seconds + 86399) / 86400
    }
}

/// A repository of Bitbucket Data Center.
struct BitbucketRepository: Sendable, Hashable {
    /// Below the API's base URL, without a slash before it: `projects/PROJ/repos/app`.
    let resource: String
    /// For messages: `PROJ/app`.
    let words: String

    /// Reads `scm/PROJ/app`, the path of a clone address. `nil` when it is none.
    init?(_ name: String, _ git: GitServer) {
        let parts = name.split(separator: "/").map(String.init)
        guard parts.count == 3, parts[0].lowercased() == "scm", (try? git.repository(name)) == name else { return nil }
        resource = "projects/\(parts[1])/repos/\(parts[2])"
        words = "\(parts[1])/\(parts[2])"
    }
}
