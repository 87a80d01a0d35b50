// The times of a lease: when its token is replaced, and what happens after that.

import TokenStore

/// The times of leases.
package struct LeaseSchedule: Sendable {
    /// The life that is assumed of a token whose source names no expiry.
    package var assumedLife: Duration = .seconds(3600)
    /// The time that must remain at a refresh, where the life allows it: kubelet asks again only every 60 to 90 s after
    /// the driver's poll interval (2 minutes by default), and one try may fail.
    package var reserve: Duration = .seconds(360)
    /// The soonest refresh that a store can wish for (`IssuedToken.refreshAfter`).
    package var soonestWish: Duration = .seconds(30)
    /// The part of the life by which refreshes are spread, so that a burst of Pods does not come back as a burst.
    package var jitter = 0.1
    /// How long a replaced token lives on, from the first answer with its follower: the driver may fail to write the
    /// files, and builds may hold the old token.
    package var grace: Duration = .seconds(300)
    /// How long an intent whose answer was lost is kept and reported.
    package var lostRetention: Duration = .seconds(3600)
    /// How long after its loss a token is looked for: earlier its source may still be about to mint it.
    package var searchDelay: Duration = .seconds(30)
    /// The pause after the first failed revocation; it doubles with each further one.
    package var firstPause: Duration = .seconds(1)
    /// The longest pause between two tries of a revocation.
    package var longestPause: Duration = .seconds(300)
    /// How often a revocation is tried before it is left to an operator, or to the next start.
    package var mostTries = 16
    /// How many revocations and searches run at once at one store.
    package var concurrentRevocations = 4
    /// How long it is remembered that a Pod has ended.
    package var endRetention: Duration = .seconds(86400)

    package init() {}

    /// How long a token can be handed out, from its issue.
    func life(_ token: IssuedToken, issuedAt: Moment) -> Duration {
        max(.zero, token.expiresAt.map { issuedAt.wall.duration(to: $0) } ?? assumedLife)
    }

    /// How long a token stays fresh: about two thirds of its life, or as long as its store wishes, if that is sooner.
    ///
    /// - Parameters:
    ///   - chance: a random number from 0 up to 1.
    ///   - wish: when the store wants to be asked again.
    func refreshAfter(life: Duration, chance: Double, wish: Duration? = nil) -> Duration {
        let latest = min(life * (2.0 / 3.0), life - reserve)
        let planned = max(life / 3, latest) - life * (jitter * chance)
        return min(planned, wish.map { max($0, soonestWish) } ?? planned)
    }

    /// The pause before another try.
    ///
    /// - Parameters:
    ///   - tries: how many have failed, from 1.
    ///   - chance: a random number from 0 up to 1; it makes the pause up to a quarter shorter.
    func pause(afterTries tries: Int, chance: Double) -> Duration {
        let doubled = firstPause * (1 << min(tries - 1, 20))
        return min(doubled, longestPause) * (1 - chance / 4)
    }
}
