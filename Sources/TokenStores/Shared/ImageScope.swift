// Checks of a scope that is for a registry.

import TokenStore

enum ImageScope {
    /// Refuses a scope that no registry's token can have: an empty one, one with a forge's permissions, or one whose
    /// repositories are no images' paths. So what is put into a call has no separator of its own.
    static func check(_ scope: TokenScope, host: String) throws(TokenStoreError) {
        try AskChecks.notEmpty(scope)
        guard scope.permissions.isEmpty else {
            throw TokenStoreError(
                .refused,
                "a token of a registry has actions, not permissions",
                fix: "ask for actions: pull, push or delete"
            )
        }
        let service = TokenService(registryHost: host)
        for name in scope.repositories where !isName(name, at: service, host: host) {
            throw TokenStoreError(.refused, "a repository is not written as an image's path", fix: "write team/app")
        }
    }

    /// Scopes hold bare names, so a name is read behind its host: by itself `acme.io/app` would be an image of another
    /// registry. A host of one word is none in a reference; there the name is read alone.
    private static func isName(_ name: String, at service: TokenService, host: String) -> Bool {
        (try? service.repository("\(host)/\(name)")) == name || (try? service.repository(name)) == name
    }
}
