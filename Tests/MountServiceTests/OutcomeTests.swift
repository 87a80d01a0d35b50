// What is counted: each call once, by how it ended.

import Leases
import LoopbackCluster
import MountService
import Refusals
import Support
import Testing
import TokenStore
import TokenStoreTesting

struct OutcomeTests {
    @Test func eachCallIsCountedByHowItEnded() async throws {
        try await MountFixture.with { fixture in
            // A new token, then the same from memory, then from the lease alone: another ask for the same scope.
            _ = try await fixture.mount(fixture.attributes()).get()
            _ = try await fixture.mount(fixture.attributes()).get()
            let spelled = ["repository": "https://github.com/our-org/app.git", "level": "read"]
            _ = try await fixture.mount(fixture.attributes(volume: spelled)).get()
            #expect(fixture.store.requests.count == 1)
            #expect(fixture.outcomes.get() == [.issued, .fresh, .fresh])
            fixture.outcomes.set([])

            // Refused at once, and after a look at the policy.
            _ = try await fixture.refusal(fixture.attributes(token: "no token at all"))
            let other = ["repository": "https://github.com/other/app", "level": "read"]
            _ = try await fixture.refusal(fixture.attributes(volume: other))
            #expect(fixture.outcomes.get() == [.refused(.tokenMalformed), .refused(.notGranted)])
            fixture.outcomes.set([])

            // A refresh that fails, then one that does not.
            fixture.store.behave { _, _ throws(TokenStoreError) in throw TokenStoreError(.unavailable, "down") }
            fixture.clock.advance(by: .seconds(2500))
            _ = try await fixture.mount(fixture.attributes()).get()
            let store = fixture.store
            store.behave { number, request throws(TokenStoreError) in store.token(number, request) }
            fixture.clock.advance(by: .seconds(60))
            _ = try await fixture.mount(fixture.attributes()).get()
            #expect(fixture.outcomes.get() == [.stale, .issued])
            fixture.outcomes.set([])

            // None to fall back on.
            fixture.store.behave { _, _ throws(TokenStoreError) in throw TokenStoreError(.refused, "no") }
            _ = try await fixture.refusal(fixture.attributes(MountFixture.build(2)))
            #expect(fixture.outcomes.get() == [.refused(.storeRefused)])
        }
    }

    /// What is told of a Pod must not be of the making of a caller who only names it.
    @Test func aRefusalSaysWhetherItWasProvedWhoAsks() async throws {
        try await MountFixture.with { fixture in
            _ = try await fixture.refusal(fixture.attributes(token: "no token at all"))
            let other = try fixture.issuer.sign(PodToken(for: MountFixture.build(2), at: fixture.clock.now))
            _ = try await fixture.refusal(fixture.attributes(token: other))
            let repository = ["repository": "https://github.com/other/app", "level": "read"]
            _ = try await fixture.refusal(fixture.attributes(volume: repository))
            let told = fixture.refusals.get()
            #expect(told.map(\.reason) == [.tokenMalformed, .tokenNotForPod, .notGranted])
            #expect(told.map(\.isProved) == [false, false, true])
        }
    }

    @Test func whoOutlastsItsTimeGetsTheOldTokenAndIsCountedAsStale() async throws {
        try await MountFixture.with(deadline: .milliseconds(50)) { fixture in
            while case .failure = try await fixture.mount(fixture.attributes()) {}
            fixture.outcomes.set([])
            let gate = Box(false)
            fixture.store.behave { _, _ throws(TokenStoreError) in
                await until { gate.get() }
                throw TokenStoreError(.refused, "no")
            }
            fixture.clock.advance(by: .seconds(2500))
            _ = try await fixture.mount(fixture.attributes()).get()
            gate.set(true)
            #expect(fixture.outcomes.get() == [.stale])
            #expect(fixture.leases.counts.servedStale == 1)
        }
    }

    @Test func callsThatShareAMintAreAllCounted() async throws {
        try await MountFixture.with { fixture in
            let gate = Box(false)
            let store = fixture.store
            store.behave { number, request throws(TokenStoreError) in
                await until { gate.get() }
                return store.token(number, request)
            }
            let attributes = try fixture.attributes()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<3 { group.addTask { _ = try await fixture.mount(attributes).get() } }
                await until { fixture.leases.waiterCount == 3 }
                gate.set(true)
                try await group.waitForAll()
            }
            #expect(fixture.outcomes.get() == [.issued, .issued, .issued])
            #expect(fixture.store.requests.count == 1)
        }
    }
}
