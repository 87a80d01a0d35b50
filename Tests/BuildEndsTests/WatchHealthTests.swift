// A log line for each change of the watch's fate, not for each retry.

import KubernetesAPI
import Testing
import TokenStore

@testable import BuildEnds

@Suite struct WatchHealthTests {
    private let refused = KubernetesError(.unreachable, "refused")

    @Test func aGoodStart() {
        var health = WatchHealth()
        #expect(health.opened() == .watching && health.isWatching)
        #expect(health.proved(at: .zero) == nil)
        #expect(health.opened() == nil, "the next watch is no news")
    }

    @Test func aLossIsToldOnceAndItsEndToo() {
        var health = WatchHealth()
        _ = health.opened()
        #expect(health.failed(refused, at: .seconds(10)) == .lost(refused))
        #expect(health.failed(refused, at: .seconds(11)) == nil && !health.isWatching)
        let forbidden = KubernetesError(.forbidden, "403")
        #expect(health.failed(forbidden, at: .seconds(12)) == .lost(forbidden), "another reason is news")
        #expect(health.opened() == nil && health.isWatching)
        #expect(health.failed(forbidden, at: .seconds(13)) == nil, "it was ended at once")
        _ = health.opened()
        #expect(health.proved(at: .seconds(40)) == .watchingAgain(after: .seconds(30)))
        #expect(health.proved(at: .seconds(41)) == nil)
        #expect(health.lastError == "403")
    }

    @Test func aBadStart() {
        var health = WatchHealth()
        #expect(health.failed(refused, at: .seconds(1)) == .lost(refused))
        #expect(health.opened() == nil)
        #expect(health.proved(at: .seconds(3)) == .watchingAgain(after: .seconds(2)))
    }
}
