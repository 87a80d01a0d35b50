// The Pod's own token for a store's source: only the Pod's, only for its source, only when a token is minted.

import LoopbackCluster
import Refusals
import Support
import Testing
import TokenStore
import TokenStoreTesting

@Suite struct SubjectTokenTests {
    private static let audience = "sts.amazonaws.com"

    private func token(
        _ fixture: MountFixture,
        of subject: Subject = MountFixture.build(),
        audience: String = audience,
        _ signing: TokenSigning = .rs256
    ) throws -> String {
        try fixture.issuer.sign(PodToken(for: subject, audience: audience, at: fixture.clock.now), signing)
    }

    @Test func reachesTheStoreThatNamesItsAudience() async throws {
        try await MountFixture.with(subjectTokenAudience: Self.audience) { fixture in
            let token = try token(fixture)
            let others = [(Self.audience, token), ("vault", try self.token(fixture, audience: "vault"))]
            let refused = try await fixture.refusal(fixture.attributes(others: others))
            #expect(refused == nil)
            #expect(fixture.store.requests.map { $0.subjectToken?.revealText() } == [token])
            #expect(!fixture.log.text.contains(token))
        }
    }

    @Test func reachesNoOtherStore() async throws {
        try await MountFixture.with { fixture in
            let others = [(Self.audience, try token(fixture))]
            let refused = try await fixture.refusal(fixture.attributes(others: others))
            #expect(refused == nil)
            #expect(fixture.store.requests.map(\.subjectToken) == [nil])
        }
    }

    @Test func oneThatDidNotComeIsTheStoresToRefuse() async throws {
        try await MountFixture.with(subjectTokenAudience: Self.audience) { fixture in
            let refused = try await fixture.refusal(fixture.attributes())
            #expect(refused == nil)
            #expect(fixture.store.requests.map(\.subjectToken) == [nil])
        }
    }

    @Test(arguments: [false, true])
    func anotherPodsIsRefusedBeforeTheStoreIsAsked(driverIdentity: Bool) async throws {
        try await MountFixture.with(driverIdentity: driverIdentity, subjectTokenAudience: Self.audience) { fixture in
            let others = [(Self.audience, try token(fixture, of: MountFixture.build(2)))]
            let refusal = try #require(try await fixture.refusal(fixture.attributes(others: others)))
            #expect(refusal.reason == .tokenNotForPod)
            #expect(refusal.message.contains("binder/build-2"))
            #expect(fixture.store.requests.isEmpty)
        }
    }

    @Test func aForgedOneIsRefused() async throws {
        try await MountFixture.with(subjectTokenAudience: Self.audience) { fixture in
            let wrong = [
                try token(fixture, .forgedKeyID), try token(fixture, .unsigned),
                try token(fixture, audience: "elsewhere"),
            ]
            for token in wrong {
                let refusal = try await fixture.refusal(fixture.attributes(others: [(Self.audience, token)]))
                #expect([.tokenRejected, .tokenMalformed].contains(refusal?.reason))
            }
            #expect(fixture.store.requests.isEmpty)
        }
    }

    /// A token for another audience proves nothing to Daypass, even after it was seen.
    @Test func isNoIdentity() async throws {
        try await MountFixture.with(subjectTokenAudience: Self.audience) { fixture in
            let token = try token(fixture)
            let refused = try await fixture.refusal(fixture.attributes(others: [(Self.audience, token)]))
            #expect(refused == nil)
            fixture.clock.advance(by: .seconds(1))
            let refusal = try await fixture.refusal(fixture.attributes(token: token))
            #expect(refusal?.reason == .tokenRejected)
        }
    }

    /// While a lease is fresh nobody looks at it: a call without one gets the same bytes.
    @Test func isNotNeededWhileTheLeaseIsFresh() async throws {
        try await MountFixture.with(subjectTokenAudience: Self.audience) { fixture in
            let others = [(Self.audience, try token(fixture))]
            let first = try await fixture.mount(fixture.attributes(others: others)).get()
            let stolen = [(Self.audience, try token(fixture, of: MountFixture.build(2)))]
            #expect(try await fixture.mount(fixture.attributes()).get() == first)
            #expect(try await fixture.mount(fixture.attributes(others: stolen)).get() == first)
            #expect(fixture.store.requests.count == 1)
        }
    }

    @Test func theConfiguredLifeReachesTheStore() async throws {
        try await MountFixture.with(lifetime: .seconds(900)) { fixture in
            let refused = try await fixture.refusal(fixture.attributes())
            #expect(refused == nil)
            #expect(fixture.store.requests.map(\.lifetime) == [.seconds(900)])
        }
    }
}
