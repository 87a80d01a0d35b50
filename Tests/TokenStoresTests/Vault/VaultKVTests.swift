// Tokens that lie in KV, and in wrappings.

import Foundation
import LoopbackSources
import Support
import Synchronization
import Testing
import TokenStore
import TokenStoreTesting

@testable import TokenStores

@Suite struct VaultKVTests {
    @Test(arguments: [VaultKVSettings.Engine.kv1, .kv2]) func readsAndLogsOut(engine: VaultKVSettings.Engine)
        async throws
    {
        let fixture = try VaultFixture()
        fixture.vault.write("ci/registry", ["user": "robot", "token": "t-0123456789"])
        let store = try fixture.kvStore(
            VaultKVSettings.SecretSettings(
                engine: engine,
                mount: engine == .kv1 ? "kv1" : nil,
                path: "ci/registry",
                usernameKey: "user",
                passwordKey: "token"
            )
        )
        let request = try fixture.request()
        let token = try await store.issue(request)
        #expect(token.username == "robot")
        #expect(token.secret.revealText() == "t-0123456789")
        #expect(token.expiresAt == nil)
        #expect(token.handle == nil)
        #expect(token.grantedScope == request.scope)
        let path = engine == .kv1 ? "/v1/kv1/ci/registry" : "/v1/secret/data/ci/registry"
        #expect(
            fixture.lines() == ["POST /v1/auth/jwt/login", "GET \(path)", "POST /v1/auth/token/revoke-self"]
        )
        #expect(fixture.vault.logins == 0)
    }

    @Test func versionsAndTheirEnds() async throws {
        let fixture = try VaultFixture()
        fixture.vault.write("ci", ["token": "first-0123", "end": "2026-01-01T02:00:00Z"])
        fixture.vault.write("ci", ["token": "second-0123", "end": "1767225600"])
        func store(_ version: Int?) throws -> VaultKVStore {
            try fixture.kvStore(
                VaultKVSettings.SecretSettings(
                    path: "ci",
                    version: version,
                    username: "x",
                    passwordKey: "token",
                    expiryKey: "end"
                )
            )
        }
        let first = try await store(1).issue(fixture.request())
        #expect(first.secret.revealText() == "first-0123")
        #expect(first.expiresAt?.rfc3339 == "2026-01-01T02:00:00Z")
        #expect(fixture.lines()[1] == "GET /v1/secret/data/ci?version=1")
        // The newest one ends now.
        let expired = await VaultFixture.error { _ = try await store(nil).issue(fixture.request()) }
        #expect(expired?.message == "the token in Vault at secret/data/ci expired at 2026-01-01T00:00:00Z")
        fixture.vault.deleteNewest("ci")
        let deleted = await VaultFixture.error { _ = try await store(nil).issue(fixture.request()) }
        #expect(deleted?.code == .refused)
        #expect(
            deleted?.message == "Vault has nothing at secret/data/ci, or the newest version was deleted (HTTP 404)"
        )
        let absent = await VaultFixture.error { _ = try await store(7).issue(fixture.request()) }
        #expect(absent?.code == .refused)
        #expect(fixture.vault.logins == 0)
    }

    @Test func theWrongVersionOfKVIsSaid() async throws {
        let fixture = try VaultFixture()
        fixture.vault.write("ci", ["token": "t-0123456789"])
        let store = try fixture.kvStore(
            VaultKVSettings.SecretSettings(
                engine: .kv1,
                path: "data/ci",
                username: "x",
                passwordKey: "token"
            )
        )
        let error = await VaultFixture.error { _ = try await store.issue(fixture.request()) }
        #expect(error?.code == .malformedAnswer)
        #expect(error?.message == "what Vault has at secret/data/ci has no text for passwordKey token")
    }

    @Test func placeholdersFindTheBuildsOwn() async throws {
        let fixture = try VaultFixture()
        fixture.vault.write("our-org/private/binder/builder/build-1", ["token": "t-0123456789"])
        let store = try fixture.kvStore(
            VaultKVSettings.SecretSettings(
                path: "{repository}/{namespace}/{serviceAccount}/{podName}",
                username: "x",
                passwordKey: "token"
            )
        )
        #expect(try await store.issue(fixture.request()).secret.revealText() == "t-0123456789")
        let other = await VaultFixture.error { _ = try await store.issue(fixture.request(["our-org/other"])) }
        #expect(other?.code == .refused)
    }

    @Test func aLeaseIsNotHandedOut() async throws {
        let fixture = try VaultFixture()
        func store(wrapped: Bool = false) throws -> VaultKVStore {
            try fixture.kvStore(
                VaultKVSettings.SecretSettings(
                    engine: .unleased,
                    path: "github/token",
                    method: .post,
                    parameters: ["org_name": "our-org"],
                    username: "x",
                    passwordKey: "token",
                    expiryKey: "expires_at",
                    wrapped: wrapped ? VaultWrappingSettings(ttlSeconds: 60) : nil
                )
            )
        }
        let error = await VaultFixture.error { _ = try await store().issue(fixture.request()) }
        #expect(error?.message == "Vault's answer at github/token has a lease")
        #expect(fixture.vault.live.isEmpty, "its login is over")
        let wrapped = await VaultFixture.error { _ = try await store(wrapped: true).issue(fixture.request()) }
        #expect(wrapped?.message == "Vault's answer at github/token has a lease")
        #expect(fixture.vault.minted.count == 2)
        #expect(fixture.vault.live.isEmpty)
        fixture.vault.setEngine { $0.isUnleased = true }
        let token = try await store().issue(fixture.request())
        #expect(token.expiresAt == fixture.clock.now.advanced(by: .seconds(3600)))
        _ = try await store(wrapped: true).issue(fixture.request())
        #expect(fixture.vault.live.count == 2, "nothing ends it but its own time")
        fixture.transport.lose(.answer, at: "/v1/github/token")
        #expect(await VaultFixture.error { _ = try await store().issue(fixture.request()) }?.tokenMayExist == true)
        fixture.transport.lose(.answer, at: "/v1/sys/wrapping/unwrap")
        let lost = await VaultFixture.error { _ = try await store(wrapped: true).issue(fixture.request()) }
        #expect(lost?.tokenMayExist == true)
    }

    // Wrappings.

    private func deposit(_ fixture: VaultFixture, _ wrapping: String) throws -> VaultKVStore {
        fixture.vault.write("deposits/build-1", ["wrapped": wrapping])
        return try fixture.kvStore(
            VaultKVSettings.SecretSettings(
                path: "deposits/{podName}",
                usernameKey: "user",
                passwordKey: "token",
                expiryKey: "end",
                wrapped: VaultWrappingSettings(tokenKey: "wrapped", creationPath: "sys/wrapping/wrap")
            )
        )
    }

    private let values = ["user": "robot", "token": "t-0123456789", "end": "2026-01-01T01:00:00Z"]

    @Test func aDepositIsUnwrappedOnce() async throws {
        let fixture = try VaultFixture()
        let wrapping = fixture.vault.wrap(values)
        let store = try deposit(fixture, wrapping)
        let token = try await store.issue(fixture.request())
        #expect(token.secret.revealText() == "t-0123456789")
        #expect(token.username == "robot")
        #expect(token.expiresAt?.rfc3339 == "2026-01-01T01:00:00Z")
        let tail = fixture.vault.seen.suffix(2)
        #expect(tail.map(\.line) == ["POST /v1/sys/wrapping/lookup", "POST /v1/sys/wrapping/unwrap"])
        #expect(tail.map(\.hasToken) == [false, true])
        #expect(tail.first?.body == #"{"token":"\#(wrapping)"}"#)
        #expect(tail.last?.body == "", "a token in header and body would be spent before it is read")
        // A stranger who comes second knows that somebody was there, and knows it each time.
        let other = try deposit(fixture, wrapping)
        for _ in 0..<2 {
            let error = await VaultFixture.error { _ = try await other.issue(fixture.request()) }
            #expect(error?.code == .refused)
            #expect(error?.message.hasPrefix("TAMPERING? the wrapping token was used already or has expired") == true)
            let shown = error?.description ?? wrapping
            #expect(!shown.contains(wrapping))
        }
    }

    private static let noNewDeposit =
        "no new deposit yet at secret/data/deposits/build-1: this node has used the wrapping token that lies there"

    @Test func ourOwnSecondReadIsNoAlarm() async throws {
        let fixture = try VaultFixture()
        let store = try deposit(fixture, fixture.vault.wrap(values))
        _ = try await store.issue(fixture.request())
        for _ in 0..<2 {
            let error = await VaultFixture.error { _ = try await store.issue(fixture.request()) }
            #expect(error?.code == .unavailable)
            #expect(error?.message == Self.noNewDeposit)
        }
        // The next deposit is taken, and one that a stranger used is an alarm still.
        _ = try deposit(fixture, fixture.vault.wrap(values))
        _ = try await store.issue(fixture.request())
        let stolen = fixture.vault.wrap(values)
        _ = try await deposit(fixture, stolen).issue(fixture.request())
        let error = await VaultFixture.error { _ = try await store.issue(fixture.request()) }
        #expect(error?.message.hasPrefix("TAMPERING?") == true)
    }

    @Test(arguments: [VaultTransport.Loss.answer, .proxied(502)])
    func aLostAnswerIsNoAlarm(loss: VaultTransport.Loss) async throws {
        let fixture = try VaultFixture()
        let store = try deposit(fixture, fixture.vault.wrap(values))
        fixture.transport.lose(loss, at: "/v1/sys/wrapping/unwrap")
        #expect(await VaultFixture.error { _ = try await store.issue(fixture.request()) }?.code == .unavailable)
        let error = await VaultFixture.error { _ = try await store.issue(fixture.request()) }
        #expect(error?.code == .unavailable)
        #expect(error?.message == Self.noNewDeposit)
    }

    @Test func whatDidNotArriveIsSentAgain() async throws {
        let fixture = try VaultFixture()
        let wrapping = fixture.vault.wrap(values)
        let store = try deposit(fixture, wrapping)
        fixture.transport.lose(.request, at: "/v1/sys/wrapping/unwrap")
        #expect(await VaultFixture.error { _ = try await store.issue(fixture.request()) }?.code == .unavailable)
        #expect(try await store.issue(fixture.request()).secret.revealText() == "t-0123456789")
        // It did not count as a use of ours: when somebody else was quicker, that is told.
        let stolen = fixture.vault.wrap(values)
        _ = try deposit(fixture, stolen)
        fixture.transport.lose(.request, at: "/v1/sys/wrapping/unwrap")
        #expect(await VaultFixture.error { _ = try await store.issue(fixture.request()) }?.code == .unavailable)
        _ = try await deposit(fixture, stolen).issue(fixture.request())
        let error = await VaultFixture.error { _ = try await store.issue(fixture.request()) }
        #expect(error?.message.hasPrefix("TAMPERING?") == true)
    }

    @Test func twoTokensOfOnePodAreNoAlarm() async throws {
        let fixture = try VaultFixture()
        let store = try deposit(fixture, fixture.vault.wrap(values))
        let request = try fixture.request()
        let isUnderWay = Box(false)
        let second = Box<TokenStoreError?>(nil)
        // The second one comes while the first one's unwrapping is on its way.
        fixture.transport.before.withLock { before in
            before = { call in
                guard call.url.hasSuffix("sys/wrapping/unwrap"), !isUnderWay.get() else { return }
                isUnderWay.set(true)
                second.set(await VaultFixture.error { _ = try await store.issue(request) })
            }
        }
        #expect(try await store.issue(request).secret.revealText() == "t-0123456789")
        #expect(second.get()?.message == Self.noNewDeposit)
    }

    @Test func onlySoManyUsesAreRemembered() {
        var uses = VaultDepositUses()
        func use(_ name: String) -> Bool {
            let isAlone = uses.begin(name)
            #expect(isAlone)
            return uses.end(name, mayBeSpent: true)
        }
        let before = (0..<VaultDepositUses.limit).map { use("\($0)") }
        #expect(!before.contains(true))
        // The oldest is known until one more comes.
        #expect(["0", "one more", "1", "0"].map { use($0) } == [true, false, true, false])
    }

    @Test func anExpiredWrappingIsAnAlarm() async throws {
        let fixture = try VaultFixture()
        let store = try deposit(fixture, fixture.vault.wrap(values, ttl: .seconds(60)))
        fixture.clock.advance(by: .seconds(61))
        let error = await VaultFixture.error { _ = try await store.issue(fixture.request()) }
        #expect(error?.message.hasPrefix("TAMPERING?") == true)
    }

    @Test func aPlantedWrappingIsNotUnwrapped() async throws {
        let fixture = try VaultFixture()
        let planted = fixture.vault.wrap(["user": "x", "token": "of-an-attacker"], path: "cubbyhole/mine")
        let store = try deposit(fixture, planted)
        let error = await VaultFixture.error { _ = try await store.issue(fixture.request()) }
        #expect(error?.code == .refused)
        #expect(error?.message.hasPrefix("TAMPERING? the wrapping token was not made at sys/wrapping/wrap") == true)
        #expect(fixture.lines().last == "POST /v1/sys/wrapping/lookup")
    }

    @Test func whatIsNoWrappingTokenIsSaid() async throws {
        let fixture = try VaultFixture()
        let store = try deposit(fixture, "")
        #expect(
            await VaultFixture.error { _ = try await store.issue(fixture.request()) }?.message
                == "what should be a wrapping token is none"
        )
        fixture.vault.write("deposits/build-1", ["other": "x"])
        #expect(
            await VaultFixture.error { _ = try await store.issue(fixture.request()) }?.message
                == "what Vault has at secret/data/deposits/build-1 has no text for tokenKey wrapped"
        )
    }

    @Test func answersCanBeWrapped() async throws {
        let fixture = try VaultFixture()
        fixture.vault.write("ci", ["token": "t-0123456789"])
        let kv = try fixture.kvStore(
            VaultKVSettings.SecretSettings(
                path: "ci",
                username: "x",
                passwordKey: "token",
                wrapped: VaultWrappingSettings(ttlSeconds: 60)
            )
        )
        #expect(try await kv.issue(fixture.request()).secret.revealText() == "t-0123456789")
        #expect(fixture.vault.seen[1].wrapTTL == "60s")
        fixture.transport.lose(.answer, at: "/v1/sys/wrapping/unwrap")
        let lost = await VaultFixture.error { _ = try await kv.issue(fixture.request()) }
        #expect(lost?.code == .unavailable)
        #expect(lost?.tokenMayExist == false, "reading KV makes none")
        let store = try fixture.store(VaultFixture.settings { $0.wrapped = VaultWrappingSettings(ttlSeconds: 30) })
        let token = try await store.issue(fixture.request())
        #expect(fixture.vault.live.map(\.value) == [token.secret.revealText()])
        try await store.revoke(try #require(token.handle))
        #expect(fixture.vault.live.isEmpty)
    }

    @Test func aLostUnwrappingEndsTheLease() async throws {
        let fixture = try VaultFixture()
        let store = try fixture.store(VaultFixture.settings { $0.wrapped = VaultWrappingSettings(ttlSeconds: 30) })
        fixture.transport.lose(.answer, at: "/v1/sys/wrapping/unwrap")
        let error = await VaultFixture.error { _ = try await store.issue(fixture.request()) }
        #expect(error?.code == .unavailable)
        #expect(fixture.vault.minted.count == 1)
        #expect(fixture.vault.live.isEmpty)
    }
}
