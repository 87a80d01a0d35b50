// A lease: one token that is held for one volume of one Pod.

package import TokenStore

/// What a lease is for. Two Mounts with equal keys share one token; two Pods never do.
package struct LeaseKey: Sendable, Hashable {
    /// The UID of the Pod.
    package var podUID: String
    /// The name of the Pod's volume.
    package var volume: String
    /// The token's name in the tenant's parameters.
    package var token: String
    /// The store that mints it.
    package var store: String
    /// The scope after policy: with `store`, the effective request.
    package var scope: TokenScope

    package init(podUID: String, volume: String, token: String, store: String, scope: TokenScope) {
        self.podUID = podUID
        self.volume = volume
        self.token = token
        self.store = store
        self.scope = scope
    }
}

/// A token that is held for a volume.
package struct Lease: Sendable, Equatable {
    /// A number that no other lease of this process has: bytes made from it change exactly when it changes.
    package let serial: UInt64
    /// The token.
    package let token: IssuedToken
    /// When the token came.
    package let issuedAt: UTCInstant
    /// When the next Mount fetches a new one.
    package let refreshAt: UTCInstant
    /// Until when the token can be handed out: its own expiry, or what is assumed where the source does not say.
    package let usableUntil: UTCInstant
}
