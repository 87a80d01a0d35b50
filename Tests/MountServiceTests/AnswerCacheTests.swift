// The cache of answers is bounded, and never gives one Pod what is another's.

import DriverCall
import Identity
import Leases
import MountRequests
import MountService
import Policy
import ProviderAPI
import Refusals
import Rendering
import Support
import SwiftProtobuf
import Testing
import TokenStore
import TokenStoreTesting

struct AnswerCacheTests {
    @Test func aCallerWithAnotherIdentityIsNotAnsweredFromTheCache() async throws {
        try await MountFixture.with(driverIdentity: true) { fixture in
            let attributes = try fixture.attributes(token: "")
            _ = try await fixture.mount(attributes).get()
            var other = attributes
            other.subject.serviceAccount = "somebody"
            #expect(try await fixture.refusal(other)?.reason == .notGranted)
            other = attributes
            other.subject.podName = "renamed"
            _ = try await fixture.mount(other).get()
            #expect(fixture.store.requests.count == 1)
        }
    }

    @Test func theBudgetHoldsAndWhatWasForgottenIsMadeAnew() async throws {
        try await MountFixture.with { fixture in
            let cache = AnswerCache(clock: fixture.clock, budget: 40_000)
            var claims: [(MountClaim, MountPlan, Lease, [UInt8])] = []
            for number in 1...9 {
                let subject = MountFixture.build(number)
                let claim = MountClaim(
                    subject: subject,
                    targetPathPodUID: subject.podUID,
                    volume: "v",
                    serviceAccountToken: nil,
                    offeredAudiences: [],
                    parameters: ["padding": String(repeating: "x", count: 5000)]
                )
                let wish = VolumeAsk(
                    tokens: [
                        TokenAsk(
                            name: "source",
                            store: "github",
                            repositories: ["our-org/app"],
                            permissions: ["contents": .read]
                        )
                    ],
                    files: [FileAsk(path: "token", format: "token", tokens: ["source"])]
                )
                let plan = try MountPlan(wish, volume: "v", subject: subject, policy: fixture.policy)
                let ask = LeaseAsk(subject: subject, targetPath: "")
                let lease = try await fixture.leases.lease(plan.tokens[0].key, ask, within: .seconds(20)).lease
                let bytes = try cache.answer(plan, [lease], claim, versioner: fixture.versioner)
                claims.append((claim, plan, lease, bytes))
            }
            #expect((4...6).contains(cache.count))
            let (claim, plan, lease, bytes) = claims[0]
            #expect(cache.fresh(claim, plan.subject, fixture.leases) == nil)
            #expect(try cache.answer(plan, [lease], claim, versioner: fixture.versioner) == bytes)
            #expect(cache.fresh(claim, plan.subject, fixture.leases) == bytes)
            fixture.clock.advance(by: .seconds(4000))
            #expect(cache.fresh(claim, plan.subject, fixture.leases) == nil)
            _ = try cache.answer(plan, [lease], claim, versioner: fixture.versioner)
            #expect(cache.count <= 1)
        }
    }
}
