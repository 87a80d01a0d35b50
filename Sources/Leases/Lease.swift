// A lease: one token that is held for one volume of one Pod.

package import TokenStore

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
