// One entry of the `tokens` parameter: a token that a tenant asks for.

package import TokenStore

/// A token that a tenant asks for. It is a wish: policy decides.
package struct TokenAsk: Sendable, Hashable {
    /// The name by which `files` refers to it.
    package var name: String
    /// The store in the node's configuration.
    package var store: String
    /// The repositories as the tenant wrote them: URLs, `owner/name` or image references. The store's service reads
    /// them (``TokenService/repository(_:)``).
    package var repositories: [String]
    /// The permissions, by the source's own names.
    package var permissions: [String: AccessLevel]
    /// The registry actions.
    package var actions: Set<RegistryAction>

    package init(
        name: String,
        store: String,
        repositories: [String],
        permissions: [String: AccessLevel] = [:],
        actions: Set<RegistryAction> = []
    ) {
        self.name = name
        self.store = store
        self.repositories = repositories
        self.permissions = permissions
        self.actions = actions
    }
}
