// Which tokens are told of before they end.

import Leases
import Testing
import TokenStore

@testable import ClusterEvents

@Suite struct ExpiringTokensTests {
    private func lease(
        _ id: UInt64 = 1,
        life: Duration = .seconds(3600),
        remaining: Duration,
        overdue: Duration = .seconds(60),
        isCurrent: Bool = true,
        hasEnd: Bool = true
    ) -> LeaseOutlook {
        LeaseOutlook(
            id: LeaseID(id),
            subject: Subject(namespace: "ns", serviceAccount: "sa", podName: "p", podUID: "u"),
            volume: "v",
            token: "t",
            store: "s",
            isCurrent: isCurrent,
            expiresAt: hasEnd ? UTCInstant(epochSeconds: 1_800_000_000) : nil,
            life: life,
            remaining: remaining,
            overdue: overdue
        )
    }

    @Test(arguments: [
        (Duration.seconds(3600), Duration.seconds(601), false), (.seconds(3600), .seconds(600), true),
        (.seconds(3600), .zero, true), (.seconds(43200), .seconds(700), false), (.seconds(43200), .seconds(600), true),
        (.seconds(600), .seconds(101), false), (.seconds(600), .seconds(100), true),
    ])
    func soonIsTenMinutesOrASixth(_ life: Duration, _ remaining: Duration, _ isTold: Bool) {
        var tokens = ExpiringTokens()
        #expect(tokens.look([lease(life: life, remaining: remaining)]).isEmpty != isTold)
    }

    @Test func onlyATokenThatABuildHoldsAndThatNobodyRefreshed() {
        var tokens = ExpiringTokens()
        let others = [
            lease(1, remaining: .seconds(10), isCurrent: false), lease(2, remaining: .seconds(10), hasEnd: false),
            lease(3, remaining: .seconds(10), overdue: .seconds(-5)),
        ]
        #expect(tokens.look(others).isEmpty)
    }

    @Test func eachOnceTheNextToEndFirst() {
        var tokens = ExpiringTokens()
        let leases = [lease(1, remaining: .seconds(90)), lease(2, remaining: .seconds(30))]
        #expect(tokens.look(leases).map(\.id.value) == [2, 1])
        #expect(tokens.look(leases).isEmpty)
        #expect(tokens.look(leases + [lease(3, remaining: .seconds(5))]).map(\.id.value) == [3])
        #expect(tokens.look([]).isEmpty)
    }
}
