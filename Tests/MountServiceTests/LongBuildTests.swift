// A build that runs for hours: how many tokens it costs, and that it always has a living one.

import Leases
import Support
import Testing
import TokenStore
import TokenStoreTesting

struct LongBuildTests {
    /// kubelet asks every 75 s; tokens live for an hour and are replaced after 40 minutes: one at the start, and one for
    /// each 40 minutes.
    @Test func aBuildOfThreeHoursCostsFiveTokens() async throws {
        try await MountFixture.with { fixture in
            let begin = fixture.clock.now
            var answers: Set<[UInt8]> = []
            while begin.duration(to: fixture.clock.now) < .seconds(3 * 3600) {
                let attributes = try fixture.attributes()
                let bytes = try await fixture.mount(attributes).get()
                answers.insert(bytes)
                // What the Pod holds is good until kubelet asks again.
                let lease = try #require(fixture.leases.summaries.last { $0.state == "live" })
                let end = try #require(lease.expires.flatMap(UTCInstant.init(rfc3339:)))
                #expect(fixture.clock.now.duration(to: end) > .seconds(75))
                fixture.clock.advance(by: .seconds(75))
            }
            #expect(fixture.store.requests.count == 5)
            #expect(answers.count == 5)
            #expect(fixture.leases.counts.live == 1)
        }
    }
}
