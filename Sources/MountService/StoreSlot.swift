// One token store of a node, made when it can be made, and what follows it when its files change.

import Leases
package import Policy
import Synchronization
package import TokenStore

/// A store of the configuration, from the moment at which it is first named until the last lease that it minted is gone.
///
/// When only its files change (a rotated key), another slot of the same settings follows it: what it minted is ended by
/// that one then, because the source may know the former key no more. A store whose settings change is another one, and
/// what it minted is its own to end.
package final class StoreSlot: Sendable {
    private struct State {
        var made: (any TokenStore)?
        /// Makes its surroundings; gone once another slot follows.
        var context: (@Sendable () -> TokenStoreContext)?
        var follower: StoreSlot?
    }

    /// The entry of the configuration.
    package let configured: ConfiguredStore
    private let state: Mutex<State>

    package init(_ configured: ConfiguredStore, context: @escaping @Sendable () -> TokenStoreContext) {
        self.configured = configured
        state = Mutex(State(context: context))
    }

    /// Whether the store could be made.
    package var isMade: Bool { state.withLock { $0.made != nil } }

    /// The store, made now if it is not made yet.
    ///
    /// - Throws: ``TokenStoreError`` that says why it can't be made.
    package func store() throws(TokenStoreError) -> any TokenStore {
        var (made, context, follower) = state.withLock { ($0.made, $0.context, $0.follower) }
        // The newest; the way there is made short, because one lease may live through many rotations.
        while let next = follower {
            let further = next.state.withLock { $0.follower }
            if further == nil { return try next.store() }
            state.withLock { $0.follower = further }
            follower = further
        }
        if let made { return made }
        guard let context else { throw TokenStoreError(.misconfigured, "the store is gone") }
        let new = try configured.make(context())
        made = state.withLock { state in
            // Two mints may make it at once; all must use one, because it keeps caches.
            if state.made == nil, state.follower == nil { state.made = new }
            return state.made
        }
        return made ?? new
    }

    /// Another slot takes its place: what is asked of this one is asked of that one from now on. Calls under way end
    /// with the store that they began with, and it goes with the last of them.
    package func follow(with follower: StoreSlot) {
        guard follower !== self else { return }
        state.withLock { $0 = State(follower: follower) }
    }
}

extension StoreSlot: TokenSources {
    package func origin(of store: String) -> String? { configured.facts.origin }

    package func issue(_ request: TokenRequest, from store: String) async throws(TokenStoreError) -> IssuedToken {
        var request = request
        if request.lifetime == nil { request.lifetime = configured.lifetime }
        return try await self.store().issue(request)
    }

    package func revoke(_ handle: RevocationHandle, in store: String) async throws(TokenStoreError) {
        try await self.store().revoke(handle)
    }

    package func find(
        _ tokenName: String,
        scope: TokenScope,
        in store: String
    ) async throws(TokenStoreError) -> [RevocationHandle]? {
        try await self.store().find(tokenName, scope: scope)
    }
}
