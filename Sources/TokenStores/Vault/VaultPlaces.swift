// Where tokens that come from Vault are good: Vault itself does not say.

import TokenStore

/// The services that take a store's tokens.
package struct VaultPlacesSettings: Sendable {
    package var gitURL: String?
    package var nestedNames: Bool?
    package var namesIgnoreCase: Bool?
    package var registryHost: String?
    package var otherHost: String?

    package init(
        gitURL: String? = nil,
        nestedNames: Bool? = nil,
        namesIgnoreCase: Bool? = nil,
        registryHost: String? = nil,
        otherHost: String? = nil
    ) {
        self.gitURL = gitURL
        self.nestedNames = nestedNames
        self.namesIgnoreCase = namesIgnoreCase
        self.registryHost = registryHost
        self.otherHost = otherHost
    }

    func service() throws(TokenStoreError) -> TokenService {
        guard gitURL != nil || registryHost != nil || otherHost != nil else {
            throw TokenStoreError(
                .misconfigured,
                "neither gitURL nor registryHost nor otherHost is set",
                fix: "say where the tokens are good: gitURL: https://github.com, for example"
            )
        }
        guard gitURL != nil || (nestedNames == nil && namesIgnoreCase == nil) else {
            throw TokenStoreError(
                .misconfigured,
                "nestedNames and namesIgnoreCase are about git, and gitURL is not set",
                fix: "remove them"
            )
        }
        var service = TokenService()
        if let gitURL {
            service.git = try AskChecks.git(
                "gitURL",
                gitURL,
                nameParts: nestedNames == true ? 2...20 : 2...2,
                namesIgnoreCase: namesIgnoreCase ?? false
            )
        }
        if let registryHost { service.registryHost = try AskChecks.host("registryHost", registryHost) }
        if let otherHost { service.otherHost = try AskChecks.host("otherHost", otherHost) }
        return service
    }
}
