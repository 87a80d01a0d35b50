// The token stores of a node, made when they can be made.

import Leases
package import Policy
import Synchronization
package import TokenStore

/// The token stores of a node.
///
/// A store that can't be made (a key file that is not there yet) does not keep the others from serving: it is tried again
/// at each mint, and until then its Mounts are refused with the reason.
package final class StoreRoom: Sendable {
    fileprivate let configured: [String: ConfiguredStore]
    private let context: @Sendable (String) -> TokenStoreContext
    private let made = Mutex<[String: any TokenStore]>([:])

    /// - Parameter context: makes the surroundings of the store of a name.
    package init(_ stores: [ConfiguredStore], context: @escaping @Sendable (String) -> TokenStoreContext) {
        configured = Dictionary(stores.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        self.context = context
    }

    /// Makes all stores. Returns why some can't be made, by their names.
    package func makeAll() -> [String: TokenStoreError] {
        var failures: [String: TokenStoreError] = [:]
        for name in configured.keys {
            do throws(TokenStoreError) { _ = try store(name) } catch { failures[name] = error }
        }
        return failures
    }

    /// The store of a name.
    ///
    /// - Throws: ``TokenStoreError`` that says why it can't be made.
    package func store(_ name: String) throws(TokenStoreError) -> any TokenStore {
        if let store = made.withLock({ $0[name] }) { return store }
        guard let known = configured[name] else {
            throw TokenStoreError(.misconfigured, "there is no such store", fix: "add it to the node's configuration")
        }
        let new = try known.make(context(name))
        // Two mints may make it at once; all must use one, because it keeps caches.
        return made.withLock { made in
            if let first = made[name] { return first }
            made[name] = new
            return new
        }
    }
}

extension StoreRoom: TokenSources {
    package func origin(of store: String) -> String? { configured[store]?.facts.origin }

    package func issue(_ request: TokenRequest, from store: String) async throws(TokenStoreError) -> IssuedToken {
        var request = request
        if request.lifetime == nil { request.lifetime = configured[store]?.lifetime }
        return try await self.store(store).issue(request)
    }

    package func revoke(_ handle: RevocationHandle, in store: String) async throws(TokenStoreError) {
        try await self.store(store).revoke(handle)
    }

    package func find(
        _ tokenName: String,
        scope: TokenScope,
        in store: String
    ) async throws(TokenStoreError) -> [RevocationHandle]? {
        try await self.store(store).find(tokenName, scope: scope)
    }
}
