// Where tokens are good, for stores whose source does not say: the operator writes it.

import TokenStore

/// The keys that say where a store's tokens are good.
package struct TokenPlaces: Sendable {
    /// The base URL of a git server.
    package var gitURL: String?
    /// Whether repositories have names of more than two parts, as in nested groups.
    package var nestedNames: Bool?
    /// Whether `Owner/Name` and `owner/name` are one repository.
    package var namesIgnoreCase: Bool?
    /// A registry's host.
    package var registryHost: String?
    /// How registry clients present the tokens: a name of ``RegistryCredential``.
    package var registryCredential: String?
    /// The host of anything else that takes the tokens.
    package var otherHost: String?

    package init(
        gitURL: String? = nil,
        nestedNames: Bool? = nil,
        namesIgnoreCase: Bool? = nil,
        registryHost: String? = nil,
        registryCredential: String? = nil,
        otherHost: String? = nil
    ) {
        self.gitURL = gitURL
        self.nestedNames = nestedNames
        self.namesIgnoreCase = namesIgnoreCase
        self.registryHost = registryHost
        self.registryCredential = registryCredential
        self.otherHost = otherHost
    }

    /// The service, checked.
    func service() throws(TokenStoreError) -> TokenService {
        guard gitURL != nil || registryHost != nil || otherHost != nil else {
            throw Self.problem(
                "neither gitURL nor registryHost nor otherHost is set",
                fix: "say where the tokens are good: registryHost: registry.example.com, for example"
            )
        }
        guard gitURL != nil || (nestedNames == nil && namesIgnoreCase == nil) else {
            throw Self.problem(
                "nestedNames and namesIgnoreCase are about git, and gitURL is not set",
                fix: "remove them"
            )
        }
        guard registryHost != nil || registryCredential == nil else {
            throw Self.problem("registryCredential is about a registry, and registryHost is not set", fix: "remove it")
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
        if let registryCredential {
            guard let known = RegistryCredential(rawValue: registryCredential) else {
                let words = RegistryCredential.allCases.map(\.rawValue).joined(separator: ", ")
                throw Self.problem("registryCredential is none of \(words)", fix: "write one of them")
            }
            service.registryCredential = known
        }
        return service
    }

    private static func problem(_ message: String, fix: String) -> TokenStoreError {
        TokenStoreError(.misconfigured, message, fix: fix)
    }
}
