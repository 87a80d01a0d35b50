// When a token is replaced: at about two thirds of its life, earlier where the rest would be too short.

package import TokenStore

/// The times of a lease.
package struct LeaseSchedule: Sendable {
    /// The life that is assumed of a token whose source names no expiry.
    package var assumedLife: Duration = .seconds(3600)
    /// The time that must remain at a refresh, where the life allows it: kubelet asks again only every 60 to 90 s after
    /// the driver's poll interval (2 minutes by default), and one try may fail.
    package var reserve: Duration = .seconds(360)
    /// The part of the life by which refreshes are spread, so that a burst of Pods does not come back as a burst.
    package var jitter = 0.1

    package init() {}

    /// Until when a token can be handed out.
    package func usableUntil(_ token: IssuedToken, issuedAt: UTCInstant) -> UTCInstant {
        token.expiresAt ?? issuedAt.advanced(by: assumedLife)
    }

    /// When a token is replaced.
    ///
    /// - Parameter chance: a random number from 0 up to 1.
    package func refreshAt(issuedAt: UTCInstant, usableUntil: UTCInstant, chance: Double) -> UTCInstant {
        let life = max(.zero, issuedAt.duration(to: usableUntil))
        let latest = min(life * (2.0 / 3.0), life - reserve)
        let planned = max(life / 3, latest)
        return issuedAt.advanced(by: planned - life * (jitter * chance))
    }
}
