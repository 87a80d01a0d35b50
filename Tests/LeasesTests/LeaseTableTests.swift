// The state machine of the leases, event by event.

import Testing
import TokenStore

@testable import Leases

struct LeaseTableTests {
    private let key = leaseKey()
    private let start = UTCInstant(epochSeconds: 100_000)

    private func after(_ seconds: Int64) -> UTCInstant { start.advanced(by: .seconds(seconds)) }

    private func minted(_ table: inout LeaseTable, _ text: String, at now: UTCInstant, life: Int64 = 3600) -> Lease {
        let token = leaseToken(text, expiresAt: now.advanced(by: .seconds(life)))
        return table.minted(key, token, now: now, schedule: LeaseSchedule(), chance: 0)
    }

    @Test func firstCallerMintsAndTheSecondJoins() {
        var table = LeaseTable()
        #expect(table.ask(key, now: start) == .mint)
        #expect(table.ask(key, now: start) == .join)
        let lease = minted(&table, "a", at: start)
        #expect(table.ask(key, now: after(2399)) == .serve(lease))
        #expect(table.liveCount == 1 && table.mintingCount == 0)
    }

    @Test func refreshIsOneMintAndChangesTheSerial() {
        var table = LeaseTable()
        _ = table.ask(key, now: start)
        let first = minted(&table, "a", at: start)
        #expect(table.fresh(key, now: after(2400)) == nil)
        #expect(table.ask(key, now: after(2400)) == .mint)
        #expect(table.ask(key, now: after(2401)) == .join)
        let second = minted(&table, "b", at: after(2402))
        #expect(second.serial != first.serial)
        #expect(table.ask(key, now: after(2403)) == .serve(second))
    }

    @Test func aFailedRefreshGivesTheOldTokenWhileItLives() {
        var table = LeaseTable()
        _ = table.ask(key, now: start)
        let lease = minted(&table, "a", at: start)
        #expect(table.ask(key, now: after(3000)) == .mint)
        #expect(table.failed(key, now: after(3000)) == lease)
        #expect(table.usable(key, now: after(3599)) == lease)
        #expect(table.ask(key, now: after(3600)) == .mint)
        #expect(table.failed(key, now: after(3600)) == nil)
        #expect(table.usable(key, now: after(3600)) == nil)
        #expect(table.liveCount == 0)
    }

    @Test func aFailedFirstMintLeavesNothingBehind() {
        var table = LeaseTable()
        _ = table.ask(key, now: start)
        #expect(table.failed(key, now: start) == nil)
        #expect(table.ask(key, now: start) == .mint)
    }

    @Test func otherPodsVolumesTokensStoresAndScopesAreOtherLeases() {
        var table = LeaseTable()
        _ = table.ask(key, now: start)
        _ = minted(&table, "a", at: start)
        let others = [
            leaseKey(pod: "other"), leaseKey(volume: "other"), leaseKey(token: "other"), leaseKey(store: "other"),
            leaseKey(repository: "o/other"),
        ]
        for other in others { #expect(table.ask(other, now: start) == .mint, "\(other)") }
    }

    @Test func expiredLeasesAreDropped() {
        var table = LeaseTable()
        _ = table.ask(key, now: start)
        _ = minted(&table, "a", at: start, life: 100)
        let other = leaseKey(pod: "other")
        _ = table.ask(other, now: after(200))
        let token = leaseToken("b", expiresAt: after(4000))
        _ = table.minted(other, token, now: after(200), schedule: LeaseSchedule(), chance: 0)
        #expect(table.liveCount == 1)
    }
}

func leaseKey(
    pod: String = "pod",
    volume: String = "creds",
    token: String = "source",
    store: String = "github",
    repository: String = "o/r"
) -> LeaseKey {
    let scope = TokenScope(repositories: [repository], permissions: ["contents": .read])
    return LeaseKey(podUID: pod, volume: volume, token: token, store: store, scope: scope)
}

func leaseToken(_ text: String, expiresAt: UTCInstant?) -> IssuedToken {
    IssuedToken(username: "u", secret: Secret(utf8: text), expiresAt: expiresAt, grantedScope: TokenScope())
}
