// A lease as the caller of a Mount sees it: a token that is held for one volume of one Pod.

package import TokenStore

/// A token that is held for a volume.
package struct Lease: Sendable, Equatable {
    /// Its name. No two tokens share one: bytes made from a lease change exactly when its name does.
    package let id: LeaseID
    /// The token.
    package let token: IssuedToken
    /// When the token came.
    package let issuedAt: Moment
    /// How long it can be handed out, from ``issuedAt``.
    package let life: Duration
    /// How long it stays fresh, from ``issuedAt``.
    package let refreshAfter: Duration

    /// `nil` for a record without a token.
    init?(_ record: LeaseRecord) {
        guard let token = record.token, let issuedAt = record.issuedAt else { return nil }
        id = record.id
        self.token = token
        self.issuedAt = issuedAt
        life = record.life
        refreshAfter = record.refreshAfter
    }

    /// Whether it needs no refresh: by either clock.
    func isFresh(at now: Moment) -> Bool { now.mostSince(issuedAt) < min(refreshAfter, life) }

    /// Whether its token can be handed out: by either clock.
    func isUsable(at now: Moment) -> Bool { now.mostSince(issuedAt) < life }

    /// Until when it can be handed out, by the time of day at its issue.
    package var usableUntil: UTCInstant { issuedAt.wall.advanced(by: life) }
}
