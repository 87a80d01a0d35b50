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
        for name in scope.repositories where (try? service.repository(name)) != name {
            throw TokenStoreError(.refused, "a repository is not written as an image's path", fix: "write team/app")
        }
    }
}
