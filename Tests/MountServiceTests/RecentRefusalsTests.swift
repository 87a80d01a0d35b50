// The last refusals: counted, bounded, the latest first.

import Logging
import Refusals
import Testing
import TokenStore
import TokenStoreTesting

@testable import MountService

@Suite struct RecentRefusalsTests {
    private func pod(_ number: Int) -> Subject {
        Subject(namespace: "binder", serviceAccount: "builder", podName: "build-\(number)", podUID: "\(number)")
    }

    @Test func whatRepeatsIsCounted() {
        let clock = ManualClock()
        let recent = RecentRefusals(capacity: 3, clock: clock)
        let denied = Refusal(.notGranted, "no grant")
        let begin = clock.now
        recent.add(denied, pod(1))
        recent.add(denied, pod(2))
        clock.advance(by: .seconds(60))
        recent.add(denied, pod(1))
        recent.add(Refusal(.notGranted, "another"), pod(1))
        #expect(recent.latest.map(\.count) == [1, 2, 1])
        #expect(recent.latest.map(\.claimed) == [pod(1), pod(1), pod(2)])
        #expect(recent.latest[1].firstAt == begin && recent.latest[1].at == clock.now)
        // The oldest goes.
        recent.add(denied, nil)
        #expect(recent.latest.map(\.claimed) == [nil, pod(1), pod(1)])
    }

    @Test func theBoundHolds() {
        let recent = RecentRefusals()
        for number in 0..<1000 { recent.add(Refusal(.notGranted, "\(number)"), pod(number)) }
        #expect(recent.latest.count == 100)
        #expect(recent.latest.first?.refusal.message == "999" && recent.latest.last?.refusal.message == "900")
    }

    @Test func theLogFeedsIt() {
        let recent = RecentRefusals()
        let log = MountLog(logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }), recent: recent)
        log.refused(Refusal(.tokenMissing, "none"), pod(1))
        #expect(recent.latest.map(\.refusal.reason) == [.tokenMissing])
    }
}
