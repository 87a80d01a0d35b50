// Where tokens that come from Vault are good: Vault itself does not say.

import TokenStore

/// The services that take a store's tokens.
package struct VaultPlacesSettings: Sendable {
    package var gitURL: String?
    /// Whether `Owner/Name` and `owner/name` are one repository of the git server; not unless given.
    package var namesIgnoreCase: Bool?
    package var registryHost: String?
    package var registryCredential: String?
    package var otherHost: String?

    package init(
        gitURL: String? = nil,
        namesIgnoreCase: Bool? = nil,
        registryHost: String? = nil,
        registryCredential: String? = nil,
        otherHost: String? = nil
    ) {
        self.gitURL = gitURL
        self.namesIgnoreCase = namesIgnoreCase
        self.registryHost = registryHost
        self.registryCredential = registryCredential
        self.otherHost = otherHost
    }

    func service() throws(TokenStoreError) -> TokenService {
        var service = try TokenPlaces(
            gitURL: gitURL,
            nestedNames: gitURL == nil ? nil : true,
            registryHost: registryHost,
            registryCredential: registryCredential,
            otherHost: otherHost
        ).service()
        guard let namesIgnoreCase else { return service }
        guard let git = service.git else {
            throw TokenStoreError(
                .misconfigured,
                "namesIgnoreCase is about git, and gitURL is not set",
                fix: "remove it"
            )
        }
        service.git = try AskChecks.git(
            "gitURL",
            git.origin,
            nameParts: git.nameParts,
            namesIgnoreCase: namesIgnoreCase
        )
        return service
    }
}
