// The times of leases.

import Testing
import TokenStore

@testable import Leases

struct LeaseScheduleTests {
    private let start = Moment(wall: UTCInstant(epochSeconds: 1000), steady: .seconds(7))

    @Test(arguments: [
        // life in seconds, chance, refresh after seconds
        (3600.0, 0.0, 2400.0), (3600, 1, 2040), (43200, 0, 28800), (900, 0, 540), (900, 0.5, 495), (300, 0, 100),
        (0, 0, 0), (360, 0, 120),
    ])
    func refreshesAtTwoThirdsAndKeepsAReserve(life: Double, chance: Double, expected: Double) {
        let after = LeaseSchedule().refreshAfter(life: .seconds(life), chance: chance)
        let error = after - .seconds(expected)
        #expect(abs(error / .seconds(1)) < 0.001, "\(after)")
    }

    @Test(arguments: [
        // the store's wish in seconds, refresh after seconds, of a life of an hour
        (nil as Double?, 2400.0), (300, 300), (2399, 2399), (2401, 2400), (86400, 2400), (30, 30), (1, 30), (0, 30),
    ])
    func aStoreMayWishForASoonerRefresh(wish: Double?, expected: Double) {
        let after = LeaseSchedule()
            .refreshAfter(life: .seconds(3600), chance: 0, wish: wish.map { Duration.seconds($0) })
        #expect(after == .seconds(expected))
    }

    @Test func aWishDoesNotOutlastALife() {
        #expect(LeaseSchedule().refreshAfter(life: .seconds(60), chance: 0, wish: .seconds(300)) == .seconds(20))
    }

    @Test(arguments: [(nil as Int64?, Int64(3600)), (1100, 100), (1000, 0), (900, 0)])
    func lifeEndsWithTheTokenAndIsNeverNegative(expires: Int64?, life: Int64) {
        let token = leaseToken("t", expiresAt: expires.map { UTCInstant(epochSeconds: $0) })
        #expect(LeaseSchedule().life(token, issuedAt: start) == .seconds(life))
    }

    @Test(arguments: [
        // failed tries, chance, pause in seconds
        (1, 0.0, 1.0), (1, 1, 0.75), (2, 0, 2), (5, 0, 16), (9, 0, 256), (10, 0, 300), (16, 0, 300), (1000, 0, 300),
    ])
    func pausesDoubleUpToALimit(tries: Int, chance: Double, expected: Double) {
        let pause = LeaseSchedule().pause(afterTries: tries, chance: chance)
        #expect(abs(pause / .seconds(1) - expected) < 0.001, "\(pause)")
    }

    @Test func ofTwoClocksTheOneThatSaysMoreAndTheOneThatSaysLess() {
        let later = Moment(wall: UTCInstant(epochSeconds: 1050), steady: .seconds(17))
        #expect(later.mostSince(start) == .seconds(50))
        #expect(later.leastSince(start) == .seconds(10))
        #expect(start.advanced(by: .seconds(3)) == Moment(wall: UTCInstant(epochSeconds: 1003), steady: .seconds(10)))
    }

    @Test(arguments: [
        ("00000000000000ff", UInt64(255) as UInt64?), ("ffffffffffffffff", .max), ("ff", nil), ("", nil),
        ("00000000000000fg", nil), ("+0000000000000ff", nil), ("00000000000000ff0", nil),
    ])
    func aLeasesNameIsSixteenDigits(text: String, value: UInt64?) {
        #expect(LeaseID(text)?.value == value)
        if let value {
            #expect(LeaseID(value).description == text)
            #expect(LeaseID(value).tokenName == "daypass-\(text)")
        }
    }
}
