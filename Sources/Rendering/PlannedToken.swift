// A token as a file plan knows it: before it is minted.

package import TokenStore

/// A token that will be minted: its name in the request, where it is good, and what policy granted.
package struct PlannedToken: Sendable, Hashable {
    /// The name by which files refer to it.
    package var name: String
    /// Where its store's tokens are good.
    package var service: TokenService
    /// What is granted: it becomes the sections of a repository-scoped `gitconfig` and the keys of `containers-auth`.
    package var scope: TokenScope

    package init(name: String, service: TokenService, scope: TokenScope) {
        self.name = name
        self.service = service
        self.scope = scope
    }

    /// The host that the token opens: the git server's, else the registry's, else that of anything else.
    var host: String? { service.git?.host ?? service.registryHost ?? service.otherHost }

    /// How the one that ``host`` names wants the token: only a registry may want anything but a user name and password.
    var hostCredential: RegistryCredential { service.git == nil ? service.registryCredential : .basic }
}
