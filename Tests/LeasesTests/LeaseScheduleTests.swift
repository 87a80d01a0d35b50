// When a lease is refreshed, by the life of its token.

import Testing
import TokenStore

@testable import Leases

struct LeaseScheduleTests {
    @Test(arguments: [
        // life in seconds, chance, refresh after seconds
        (3600, 0.0, 2400), (3600, 1.0, 2040), (43200, 0.0, 28800), (900, 0.0, 540), (900, 0.5, 495), (300, 0.0, 100),
        (0, 0.0, 0), (-60, 0.5, 0),
    ])
    func refreshesAtTwoThirdsAndKeepsAReserve(life: Int64, chance: Double, expected: Int64) {
        let issued = UTCInstant(epochSeconds: 1000)
        let at = LeaseSchedule().refreshAt(
            issuedAt: issued,
            usableUntil: issued.advanced(by: .seconds(life)),
            chance: chance
        )
        #expect(at.epochSeconds == 1000 + expected)
    }

    @Test func assumesALifeWhereTheSourceNamesNone() {
        let issued = UTCInstant(epochSeconds: 1000)
        let token = IssuedToken(username: "u", secret: Secret(utf8: "t"), expiresAt: nil, grantedScope: TokenScope())
        #expect(LeaseSchedule().usableUntil(token, issuedAt: issued).epochSeconds == 4600)
    }
}
