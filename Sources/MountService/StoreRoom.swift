// The token stores of one configuration, and those of the configuration in force.

package import Leases
package import Policy
import Synchronization
package import TokenStore

/// The token stores of a configuration.
///
/// A store that can't be made (a key file that is not there yet) does not keep the others from serving: it is tried again
/// at each mint, and until then its Mounts are refused with the reason.
package final class StoreRoom: Sendable {
    /// The stores, by their names.
    package let slots: [String: StoreSlot]

    package init(_ slots: [StoreSlot]) {
        self.slots = Dictionary(slots.map { ($0.configured.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// - Parameter context: makes the surroundings of the store of a name.
    package convenience init(
        _ stores: [ConfiguredStore],
        context: @escaping @Sendable (String) -> TokenStoreContext
    ) {
        self.init(stores.map { store in StoreSlot(store) { context(store.name) } })
    }

    /// Makes all stores. Returns why some can't be made, by their names.
    package func makeAll() -> [String: TokenStoreError] {
        var failures: [String: TokenStoreError] = [:]
        for (name, slot) in slots {
            do throws(TokenStoreError) { _ = try slot.store() } catch { failures[name] = error }
        }
        return failures
    }

    private func slot(_ name: String) throws(TokenStoreError) -> StoreSlot {
        guard let slot = slots[name] else {
            throw TokenStoreError(.misconfigured, "there is no such store", fix: "add it to the node's configuration")
        }
        return slot
    }
}

extension StoreRoom: TokenSources {
    package func origin(of store: String) -> String? { slots[store]?.origin(of: store) }

    package func kept(_ store: String, origin: String) -> (any TokenSources)? {
        // Before origins were written, there was one store of a name.
        guard let slot = slots[store], origin.isEmpty || slot.origin(of: store) == origin else { return nil }
        return slot
    }

    package func issue(_ request: TokenRequest, from store: String) async throws(TokenStoreError) -> IssuedToken {
        try await slot(store).issue(request, from: store)
    }

    package func revoke(_ handle: RevocationHandle, in store: String) async throws(TokenStoreError) {
        try await slot(store).revoke(handle, in: store)
    }

    package func find(
        _ tokenName: String,
        scope: TokenScope,
        in store: String
    ) async throws(TokenStoreError) -> [RevocationHandle]? {
        try await slot(store).find(tokenName, scope: scope, in: store)
    }
}

/// The token stores of the configuration in force, for what has no configuration of its own: the leases of the node.
package final class StoresInForce: Sendable {
    private let room: Mutex<StoreRoom>

    package init(_ room: StoreRoom) { self.room = Mutex(room) }

    /// The stores that are in force now.
    package var now: StoreRoom { room.withLock { $0 } }

    /// Puts other stores in force.
    package func set(_ room: StoreRoom) { self.room.withLock { $0 = room } }
}

extension StoresInForce: TokenSources {
    package func origin(of store: String) -> String? { now.origin(of: store) }

    package func kept(_ store: String, origin: String) -> (any TokenSources)? { now.kept(store, origin: origin) }

    package func issue(_ request: TokenRequest, from store: String) async throws(TokenStoreError) -> IssuedToken {
        try await now.issue(request, from: store)
    }

    package func revoke(_ handle: RevocationHandle, in store: String) async throws(TokenStoreError) {
        try await now.revoke(handle, in: store)
    }

    package func find(
        _ tokenName: String,
        scope: TokenScope,
        in store: String
    ) async throws(TokenStoreError) -> [RevocationHandle]? {
        try await now.find(tokenName, scope: scope, in: store)
    }
}
