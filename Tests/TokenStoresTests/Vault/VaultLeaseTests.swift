// Mints at an engine: what is sent, how long tokens live, how they end.

import Foundation
import LoopbackSources
import Support
import Synchronization
import Testing
import TokenStore
import TokenStoreTesting
import TokenStores

@Suite struct VaultLeaseTests {
    @Test func sendsThisAndNothingElse() async throws {
        let fixture = try VaultFixture(namespace: "team-a/builds")
        let store = try fixture.store(VaultFixture.settings(namespace: "team-a/builds/"))
        let request = try fixture.request()
        let token = try await store.issue(request)
        try await store.revoke(try #require(token.handle))
        let seen = fixture.vault.seen
        #expect(
            seen.map(\.description) == [
                "POST /v1/auth/jwt/login -> 200", "POST /v1/github/token -> 200",
                "POST /v1/auth/token/renew-self -> 200", "POST /v1/sys/leases/revoke -> 204",
                "POST /v1/auth/token/revoke-self -> 204",
            ]
        )
        #expect(seen.allSatisfy { $0.namespace == "team-a/builds" })
        #expect(seen.map(\.hasToken) == [false, true, true, true, true])
        let jwt = try #require(request.subjectToken).revealText()
        #expect(seen[0].body == #"{"jwt":"\#(jwt)","role":"builds"}"#)
        #expect(
            seen[1].body == #"{"org_name":"our-org","permissions":{"contents":"read"},"repositories":["private"]}"#
        )
        // Five minutes of a login are not enough for an hour of a lease.
        #expect(seen[2].body == #"{"increment":3600}"#)
        let lease = try #require(token.handle).identifier
        #expect(lease.hasPrefix("github/token/"))
        #expect(seen[3].body == #"{"lease_id":"\#(lease)","sync":true}"#)
        #expect(seen[4].body == "")
    }

    @Test func mintsWhatWasAskedAndSaysSo() async throws {
        let fixture = try VaultFixture()
        let token = try await fixture.store().issue(
            fixture.request(["our-org/private", "our-org/other"], ["contents": .write])
        )
        let minted = try #require(fixture.vault.live.first)
        #expect(token.secret.revealText() == minted.value)
        #expect(minted.repositories == ["other", "private"])
        #expect(minted.permissions == ["contents": "write", "metadata": "read"])
        #expect(token.username == "x-access-token")
        #expect(token.expiresAt == fixture.clock.now.advanced(by: .seconds(3600)))
        #expect(
            token.grantedScope
                == TokenScope(repositories: ["our-org/other", "our-org/private"], permissions: ["contents": .write])
        )
        #expect(token.handle?.secret != nil)
    }

    /// The token works as long as its expiry says, and no longer: the counterpart ends leases with their logins.
    @Test(arguments: [
        // Login, its longest life, lease, its longest life, wanted: what comes of it.
        (300, 86_400, 3600, 3600, 3600, 3600),
        (300, 1800, 3600, 3600, 3600, 1800),
        (7200, 86_400, 600, 86_400, 3600, 3600),
        (7200, 86_400, 600, 1200, 3600, 1200),
        (7200, 86_400, 86_400, 86_400, 1200, 7200),
        (300, 86_400, 86_400, 86_400, 1200, 1200),
    ])
    func livesAsLongAsBothAllow(
        login: Int64,
        mostLogin: Int64,
        lease: Int64,
        mostLease: Int64,
        wanted: Int64,
        life: Int64
    ) async throws {
        let fixture = try VaultFixture()
        var role = LoopbackVault.Role(policy: VaultFixture.policy)
        role.ttl = .seconds(login)
        role.maxTTL = .seconds(mostLogin)
        fixture.vault.setRole("builds", role)
        fixture.vault.setEngine {
            $0.leaseTTL = .seconds(lease)
            $0.leaseMaxTTL = .seconds(mostLease)
            $0.isRenewable = true
        }
        let store = try fixture.store(VaultFixture.settings { $0.expiryKey = nil })
        let token = try await store.issue(fixture.request(lifetime: .seconds(wanted)))
        #expect(token.expiresAt == fixture.clock.now.advanced(by: .seconds(life)))
        fixture.clock.advance(by: .seconds(life - 1))
        #expect(fixture.vault.live.count == 1)
        fixture.clock.advance(by: .seconds(1))
        #expect(fixture.vault.live.isEmpty)
    }

    @Test func theSettingAsksForALife() async throws {
        let fixture = try VaultFixture()
        fixture.vault.setEngine {
            $0.leaseTTL = .seconds(600)
            $0.leaseMaxTTL = .seconds(86_400)
            $0.isRenewable = true
        }
        let store = try fixture.store(VaultFixture.settings(leaseSeconds: 1800))
        let token = try await store.issue(fixture.request())
        #expect(token.expiresAt == fixture.clock.now.advanced(by: .seconds(1800)))
        #expect(fixture.vault.seen.contains { $0.body.hasPrefix(#"{"increment":1800,"lease_id":"github/token/"#) })
    }

    @Test func aBatchTokenCapsItsLease() async throws {
        let fixture = try VaultFixture()
        var role = LoopbackVault.Role(policy: VaultFixture.policy)
        role.isBatch = true
        role.ttl = .seconds(900)
        fixture.vault.setRole("builds", role)
        let store = try fixture.store()
        let token = try await store.issue(fixture.request())
        #expect(token.expiresAt == fixture.clock.now.advanced(by: .seconds(900)))
        #expect(!fixture.lines().contains { $0.contains("renew") })
        // Its lease can be revoked, and itself not: that is all right.
        try await store.revoke(try #require(token.handle))
        #expect(fixture.vault.seen.last?.status == 400)
        #expect(fixture.vault.live.isEmpty)
    }

    @Test func tellsSeveralPlaceholdersApart() async throws {
        let fixture = try VaultFixture()
        let settings = VaultFixture.settings {
            $0.method = .get
            $0.parameters = ["org_name": "{owner}", "repositories": ["{name}"], "by": "{namespace}/{serviceAccount}"]
            $0.reach = nil
            $0.echo = nil
        }
        let scope = TokenScope(repositories: ["our-org/private"], permissions: ["contents": .read])
        let token = try await fixture.store(settings).issue(fixture.request())
        #expect(token.grantedScope == scope)
        #expect(
            fixture.lines()[1] == "GET /v1/github/token?by=binder%2Fbuilder&org_name=our-org&repositories=private"
        )
        let two = try fixture.request(["our-org/private", "our-org/other"])
        let error = await VaultFixture.error { _ = try await fixture.store(settings).issue(two) }
        #expect(error?.code == .refused)
        #expect(error?.message == "a token of this store reaches one repository, and the scope names 2")
    }

    @Test(arguments: ["our-org/..", "our-org/a%2Fb", "our-org/a b", "our-org/a.", "our-org/a?b", "our-org//x"])
    func noNameBreaksOutOfAPath(repository: String) async throws {
        let fixture = try VaultFixture()
        let settings = VaultFixture.settings {
            $0.path = "github/token/{repository}"
            $0.reach = nil
        }
        let error = await VaultFixture.error {
            _ = try await fixture.store(settings).issue(fixture.request([repository]))
        }
        #expect(error?.code == .refused)
        #expect(error?.message == "the value of {repository} can't stand in a path of Vault")
        #expect(fixture.vault.seen.isEmpty)
    }

    @Test func oneOwnerForAToken() async throws {
        let fixture = try VaultFixture()
        let request = try fixture.request(["our-org/private", "their-org/private"])
        let error = await VaultFixture.error { _ = try await fixture.store().issue(request) }
        #expect(error?.message == "the repositories of a token of this store must have one owner, and these have 2")
        let actions = TokenRequest(
            subject: SubjectTokens.subject,
            scope: TokenScope(repositories: ["our-org/private"], actions: [.pull]),
            subjectToken: request.subjectToken
        )
        let other = await VaultFixture.error { _ = try await fixture.store().issue(actions) }
        #expect(other?.message == "tokens of this store have permissions, and none was asked for")
        #expect(fixture.vault.seen.isEmpty)
    }

    @Test func refusesAWiderGrantAndEndsIt() async throws {
        let fixture = try VaultFixture()
        fixture.vault.setEngine { $0.widerPermissions = ["administration": "write"] }
        let error = await VaultFixture.error { _ = try await fixture.store().issue(fixture.request()) }
        #expect(error?.code == .malformedAnswer)
        #expect(error?.message == "the engine granted permissions that were not asked for")
        #expect(error?.tokenMayExist == false)
        #expect(fixture.vault.minted.count == 1)
        #expect(fixture.vault.live.isEmpty)
        #expect(fixture.vault.logins == 0)
    }

    @Test func aFailedMintEndsItsLogin() async throws {
        let fixture = try VaultFixture()
        let unknown = await VaultFixture.error {
            _ = try await fixture.store().issue(fixture.request(["our-org/gone"]))
        }
        #expect(unknown?.code == .unavailable)
        #expect(unknown?.tokenMayExist == true, "HTTP 500 does not say that the engine is done")
        #expect(fixture.vault.logins == 0)
        fixture.vault.setEngine { $0.answersNonsense = true }
        let nonsense = await VaultFixture.error { _ = try await fixture.store().issue(fixture.request()) }
        #expect(nonsense?.message == "what Vault has at github/token has no text for passwordKey token")
        #expect(fixture.vault.logins == 0)
        fixture.vault.setEngine {
            $0.answersNonsense = false
            $0.isUnleased = true
        }
        let unleased = await VaultFixture.error { _ = try await fixture.store().issue(fixture.request()) }
        #expect(unleased?.code == .misconfigured)
        #expect(unleased?.fix == "use the kind vault-kv with engine: unleased for such paths")
        #expect(fixture.vault.logins == 0)
    }

    @Test func aLostAnswerMayLeaveAToken() async throws {
        let fixture = try VaultFixture()
        fixture.transport.lose(.answer, at: "/v1/github/token")
        let error = await VaultFixture.error { _ = try await fixture.store().issue(fixture.request()) }
        #expect(error?.code == .unavailable)
        #expect(error?.tokenMayExist == true)
        #expect(fixture.vault.logins == 0, "most often that ends the lease, too")
        #expect(fixture.vault.live.isEmpty)
        fixture.transport.lose(.request, at: "/v1/github/token")
        let unsent = await VaultFixture.error { _ = try await fixture.store().issue(fixture.request()) }
        #expect(unsent?.tokenMayExist == false)
    }

    @Test(arguments: [500, 502, 503, 504]) func aProxysErrorMayLeaveAToken(status: Int) async throws {
        let fixture = try VaultFixture()
        fixture.transport.lose(.proxied(status), at: "/v1/github/token")
        let error = await VaultFixture.error { _ = try await fixture.store().issue(fixture.request()) }
        #expect(error?.code == .unavailable)
        #expect(error?.tokenMayExist == true, "the engine may be at it still")
        #expect(fixture.vault.logins == 0)
        // Before and after the mint it tells nothing new: the login was ended, and its leases with it.
        for path in ["auth/jwt/login", "sys/wrapping/unwrap"] {
            fixture.transport.lose(.proxied(status), at: "/v1/\(path)")
            let store = try fixture.store(VaultFixture.settings { $0.wrapped = VaultWrappingSettings(ttlSeconds: 30) })
            let other = await VaultFixture.error { _ = try await store.issue(fixture.request()) }
            #expect(other?.code == .unavailable)
            #expect(other?.tokenMayExist == false)
            #expect(fixture.vault.live.isEmpty)
        }
    }

    @Test func livesWithoutARenewal() async throws {
        let fixture = try VaultFixture()
        fixture.transport.lose(.answer, at: "/v1/auth/token/renew-self")
        let token = try await fixture.store().issue(fixture.request())
        #expect(
            token.expiresAt == fixture.clock.now.advanced(by: .seconds(300)),
            "as long as the login is known to live"
        )
    }

    @Test(arguments: ["github/token", "auth/token/renew-self"]) func whoGivesUpLeavesNothing(path: String) async throws
    {
        let fixture = try VaultFixture()
        let store = try fixture.store()
        let request = try fixture.request()
        let isThere = Box(false)
        fixture.transport.before.withLock { before in
            before = { call in
                guard call.url.hasSuffix(path) else { return }
                isThere.set(true)
                // Until the caller gives up.
                try? await Task.sleep(for: .seconds(60))
            }
        }
        let error = await withTaskGroup(of: TokenStoreError?.self) { group in
            group.addTask { await VaultFixture.error { _ = try await store.issue(request) } }
            await until { isThere.get() }
            group.cancelAll()
            return await group.next() ?? nil
        }
        #expect(error?.code == .cancelled)
        #expect(error?.tokenMayExist == false)
        #expect(fixture.vault.minted.count == (path == "github/token" ? 0 : 1))
        #expect(fixture.vault.live.isEmpty)
        #expect(fixture.vault.logins == 0)
    }
}
