// Mounts of builds that have ended, and of a node whose journal can't be written.

import DriverCall
import Leases
import MountService
import Refusals
import Support
import Testing
import TokenStore
import TokenStoreTesting

struct EndedMountTests {
    @Test func aPodThatHasEndedGetsNothing() async throws {
        try await MountFixture.with { fixture in
            let attributes = try fixture.attributes()
            _ = try await fixture.mount(attributes).get()
            fixture.leases.ended(.pod(uid: MountFixture.build().podUID, how: .succeeded))
            let refusal = try await fixture.refusal(attributes)
            #expect(refusal?.description == "PodEnded: the Pod has ended, and its tokens are revoked; start a new Pod")
            #expect(refusal?.reason.kind == .notFound)
            await until { fixture.journal.records.isEmpty }
            #expect(fixture.store.revoked == ["token-1"] && fixture.store.requests.count == 1)
            // Another Pod is not meant.
            _ = try await fixture.mount(fixture.attributes(MountFixture.build(2))).get()
        }
    }

    @Test(arguments: [true, false])
    func whoWaitsForATokenThatIsRevokedIsToldSo(byOperator: Bool) async throws {
        try await MountFixture.with { fixture in
            let gate = Box(false)
            fixture.store.behave { [store = fixture.store] number, request throws(TokenStoreError) in
                await until { gate.get() }
                return store.token(number, request)
            }
            let attributes = try fixture.attributes()
            async let waiting = fixture.refusal(attributes)
            await until { fixture.store.requests.count == 1 }
            if byOperator {
                _ = await fixture.leases.revoke(.all, within: .zero)
            } else {
                fixture.leases.ended(.volume(podUID: MountFixture.build().podUID, volume: "credentials"))
            }
            let cause = byOperator ? "asked" : "volumeGone"
            let refusal = try await waiting
            #expect(
                refusal?.description == "LeaseRevoked: the token was revoked while this call waited for it (\(cause)); "
                    + "kubelet tries again by itself"
            )
            #expect(refusal?.reason.kind == .transient)
            gate.set(true)
            await until { fixture.store.revoked == ["token-1"] }
            _ = try await fixture.mount(attributes).get()
            #expect(fixture.store.requests.count == 2 && fixture.store.revoked == ["token-1"])
        }
    }

    @Test func nothingIsMintedThatCannotBeWritten() async throws {
        try await MountFixture.with { fixture in
            let attributes = try fixture.attributes()
            fixture.journal.fail(JournalFailure(.full, "no space is left in /run/daypass", fix: "make room"))
            let refusal = try await fixture.refusal(attributes)
            #expect(
                refusal?.description == "JournalUnavailable: the token can't be written into the node's journal, so it "
                    + "is not minted: no space is left in /run/daypass; make room"
            )
            #expect(refusal?.reason.kind == .transient && fixture.store.requests.isEmpty)
            fixture.journal.fail(nil)
            _ = try await fixture.mount(attributes).get()
        }
    }

    @Test func aFreshLeaseNeedsNoJournal() async throws {
        try await MountFixture.with { fixture in
            let attributes = try fixture.attributes()
            let first = try await fixture.mount(attributes).get()
            fixture.journal.fail(JournalFailure(.full, "no space is left"))
            #expect(try await fixture.mount(attributes).get() == first)
            // One that is due is answered with the old token while that lives.
            fixture.clock.advance(by: .seconds(2500))
            #expect(try await fixture.mount(attributes).get() == first)
            #expect(fixture.log.text.contains("refresh failed, the old token is served"))
            #expect(fixture.store.requests.count == 1)
        }
    }
}
