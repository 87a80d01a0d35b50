// The token stores as the leases see them.

package import TokenStore

/// The token stores of a node, by their names in the configuration.
package protocol TokenSources: Sendable {
    /// Where a store's tokens are good; `nil` when there is no such store.
    func origin(of store: String) -> String?

    /// What a lease keeps of a store, so that its token is ended by what minted it, also when the configuration has
    /// another store of that name by then, or none; `nil` when there is no store of that name and origin.
    func kept(_ store: String, origin: String) -> (any TokenSources)?

    /// Mints a token.
    func issue(_ request: TokenRequest, from store: String) async throws(TokenStoreError) -> IssuedToken

    /// Ends a token. One that is gone already is a success.
    func revoke(_ handle: RevocationHandle, in store: String) async throws(TokenStoreError)

    /// Finds the tokens that were minted under a name, with the scope of the request; `nil` when the source can't tell.
    func find(
        _ tokenName: String,
        scope: TokenScope,
        in store: String
    ) async throws(TokenStoreError) -> [RevocationHandle]?
}

extension TokenSources {
    /// For sources that can't tell.
    package func origin(of store: String) -> String? { nil }

    /// For sources that never change.
    package func kept(_ store: String, origin: String) -> (any TokenSources)? { nil }
}
