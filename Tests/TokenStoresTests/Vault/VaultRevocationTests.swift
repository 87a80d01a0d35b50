// The end of a lease, with all the policies that roles can have.

import LoopbackSources
import Testing
import TokenStore
import TokenStoreTesting
import TokenStores

@Suite struct VaultRevocationTests {
    private func fixture(
        isOpenBao: Bool = true,
        _ change: (inout LoopbackVault.Role) -> Void
    ) throws -> VaultFixture {
        let fixture = try VaultFixture(isOpenBao: isOpenBao)
        var role = LoopbackVault.Role(policy: VaultFixture.policy)
        change(&role)
        fixture.vault.setRole("builds", role)
        return fixture
    }

    @Test(arguments: [true, false]) func endsTheLoginWhereThePolicyHasNoLeases(isOpenBao: Bool) async throws {
        let fixture = try fixture(isOpenBao: isOpenBao) { $0.policy["sys/leases/revoke"] = nil }
        let token = try await fixture.store().issue(fixture.request())
        let handle = try #require(token.handle)
        try await fixture.store().revoke(handle)
        #expect(fixture.vault.live.isEmpty)
        #expect(fixture.vault.logins == 0)
        // Again: everything is gone, and everything is answered with 403.
        try await fixture.store().revoke(handle)
        #expect(fixture.vault.seen.suffix(2).allSatisfy { $0.status == 403 })
    }

    @Test func anEndedLoginIsASuccess() async throws {
        let fixture = try fixture { _ in }
        let token = try await fixture.store().issue(fixture.request())
        fixture.vault.revokeAllLogins()
        try await fixture.store().revoke(try #require(token.handle))
        #expect(fixture.lines().last == "GET /v1/auth/token/lookup-self")
    }

    @Test func anExpiredLeaseIsASuccess() async throws {
        let fixture = try fixture { _ in }
        let token = try await fixture.store().issue(fixture.request())
        fixture.clock.advance(by: .seconds(4000))
        try await fixture.store().revoke(try #require(token.handle))
    }

    @Test func aBatchTokenWithoutAPolicyIsSaid() async throws {
        let fixture = try fixture { $0.isBatch = true }
        let token = try await fixture.store().issue(fixture.request())
        fixture.vault.setPolicy("sys/leases/revoke", nil, ofRole: "builds")
        let error = await VaultFixture.error { try await fixture.store().revoke(try #require(token.handle)) }
        #expect(error?.code == .refused)
        #expect(error?.fix == "give role builds update on sys/leases/revoke, or make its token_type service")
        #expect(fixture.vault.live.count == 1)
    }

    @Test func aBatchTokenThatCouldNotEndItsLeasesMintsNothing() async throws {
        let fixture = try fixture {
            $0.isBatch = true
            $0.policy["sys/leases/revoke"] = nil
        }
        let error = await VaultFixture.error { _ = try await fixture.store().issue(fixture.request()) }
        #expect(error?.code == .misconfigured)
        #expect(error?.message == "role builds of auth/jwt gives batch tokens that may not revoke leases")
        #expect(error?.fix == "give it update on sys/leases/revoke, or make its token_type service")
        #expect(error?.tokenMayExist == false)
        #expect(fixture.vault.minted.isEmpty)
        #expect(fixture.vault.seen.last?.line == "POST /v1/auth/token/revoke-self")
        #expect(fixture.vault.seen.contains { $0.body == #"{"paths":["sys/leases/revoke"]}"# })
    }

    @Test func aLoginThatCouldNotEndItselfMintsNothing() async throws {
        let fixture = try fixture {
            $0.hasDefaultPolicy = false
            $0.policy["sys/capabilities-self"] = ["update"]
        }
        let error = await VaultFixture.error { _ = try await fixture.store().issue(fixture.request()) }
        #expect(error?.code == .misconfigured)
        #expect(error?.message == "role builds of auth/jwt gives tokens that may not end themselves")
        #expect(fixture.vault.minted.isEmpty)
        // With the one right that matters it mints.
        let allowed = try self.fixture {
            $0.hasDefaultPolicy = false
            $0.policy["sys/capabilities-self"] = ["update"]
            $0.policy["auth/token/revoke-self"] = ["update"]
        }
        let token = try await allowed.store().issue(allowed.request())
        #expect(token.expiresAt == allowed.clock.now.advanced(by: .seconds(300)), "it may not renew itself")
        try await allowed.store().revoke(try #require(token.handle))
        #expect(allowed.vault.logins == 0)
    }

    @Test func aLoginThatLooksUpNothingIsRefused() async throws {
        let fixture = try fixture { $0.hasDefaultPolicy = false }
        let error = await VaultFixture.error { _ = try await fixture.store().issue(fixture.request()) }
        #expect(error?.code == .refused)
        #expect(error?.fix.contains("default policy") == true)
        #expect(fixture.vault.minted.isEmpty)
    }

    @Test func aSealedVaultIsTriedAgain() async throws {
        let fixture = try fixture { _ in }
        let token = try await fixture.store().issue(fixture.request())
        let handle = try #require(token.handle)
        fixture.vault.setSealed(true)
        let error = await VaultFixture.error { try await fixture.store().revoke(handle) }
        #expect(error?.code == .unavailable)
        #expect(error?.message == "Vault at https://vault.example.com:8200 is sealed")
        fixture.vault.setSealed(false)
        try await fixture.store().revoke(handle)
        #expect(fixture.vault.live.isEmpty)
    }

    @Test func aLostAnswerIsTriedAgain() async throws {
        let fixture = try fixture { _ in }
        let token = try await fixture.store().issue(fixture.request())
        let handle = try #require(token.handle)
        fixture.transport.lose(.answer, at: "/v1/sys/leases/revoke")
        #expect(await VaultFixture.error { try await fixture.store().revoke(handle) }?.code == .unavailable)
        try await fixture.store().revoke(handle)
        #expect(fixture.vault.logins == 0)
        let bare = RevocationHandle(identifier: handle.identifier)
        #expect(await VaultFixture.error { try await fixture.store().revoke(bare) }?.code == .refused)
    }
}
