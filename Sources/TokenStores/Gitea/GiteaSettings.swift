// What an operator writes for a store of kind `gitea`, and the addresses that follow from it.

package import TokenStore

/// The settings of a ``GiteaStore``.
package struct GiteaSettings: Decodable, Sendable {
    /// The base URL of the Gitea or Forgejo: `https://codeberg.org`.
    package var url: String
    /// The bot account whose tokens are minted.
    package var username: String
    /// Its password, read at each use: the API takes no token for making tokens.
    package var password: SecretReference
    /// Whether tokens are limited to the repositories of the scope: Forgejo 15 and newer can.
    package var repositoryTokens: Bool?
    /// The registry's host, where it is not the one of `url`.
    package var registryHost: String?

    package init(
        url: String,
        username: String,
        password: SecretReference,
        repositoryTokens: Bool? = nil,
        registryHost: String? = nil
    ) {
        self.url = url
        self.username = username
        self.password = password
        self.repositoryTokens = repositoryTokens
        self.registryHost = registryHost
    }
}

/// One Gitea or Forgejo, checked.
struct GiteaPlace: Sendable {
    let git: GitServer
    let registryHost: String

    init(_ settings: GiteaSettings) throws(TokenStoreError) {
        git = try AskChecks.git("url", settings.url, namesIgnoreCase: true)
        try AskChecks.username(settings.username)
        if let host = settings.registryHost {
            registryHost = try AskChecks.host("registryHost", host)
        } else {
            registryHost = git.host
        }
    }

    /// Where tokens are good.
    var service: TokenService { TokenService(git: git, registryHost: registryHost) }
}
