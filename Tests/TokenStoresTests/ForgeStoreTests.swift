// The GitHub store against the loopback forge, which checks signatures, scopes and tokens as GitHub does.

import Foundation
import Logging
import LoopbackForge
import Testing
import TokenStore
import TokenStoreTesting
import TokenStores

@Suite(.serialized) struct ForgeStoreTests {
    private let clock = ManualClock()

    private func options(lag: Int = 0, longTokens: Bool = false) -> ForgeOptions {
        let clock = clock
        return ForgeOptions(replicationLag: lag, longTokens: longTokens, now: { Int(clock.now.epochSeconds) })
    }

    private func store(
        _ forge: LoopbackForge,
        clock: (any WallClock)? = nil,
        appID: String? = nil,
        pem: String? = nil,
        probe: Bool = true
    ) throws -> GitHubAppStore {
        let settings = GitHubAppSettings(
            appID: appID ?? forge.appID,
            privateKey: SecretReference(file: "/key.pem"),
            apiURL: forge.apiURL,
            usabilityProbe: probe
        )
        return try GitHubAppStore(
            settings: settings,
            context: TokenStoreContext(
                name: "github",
                clock: clock ?? self.clock,
                http: ForgeTransport(forge: forge),
                secrets: FixedSecrets(["/key.pem": pem ?? forge.privateKeyPEM]),
                logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
            )
        )
    }

    private func failure(_ body: () async throws -> Void) async -> TokenStoreError? {
        do {
            try await body()
            return nil
        } catch {
            return error as? TokenStoreError
        }
    }

    @Test(arguments: [false, true]) func mintsNarrowlyAndRevokes(longTokens: Bool) async throws {
        try await withLoopbackForge(options(longTokens: longTokens)) { forge in
            try await forge.addRepository("our-org/private")
            try await forge.addRepository("our-org/other")
            let store = try store(forge)
            #expect(
                try GitHubAppStore.service(
                    for: GitHubAppSettings(
                        appID: "1",
                        privateKey: SecretReference(file: "/k"),
                        apiURL: forge.apiURL
                    )
                ).git?.origin == forge.webURL
            )
            let token = try await store.issue(StoreFixture.request())
            #expect(forge.mintCount == 1)
            let minted = try #require(forge.tokens.first)
            #expect(minted.value == token.secret.revealText())
            #expect(minted.repositories == ["our-org/private"])
            #expect(minted.permissions == ["contents": "read", "metadata": "read"])
            #expect(token.expiresAt == clock.now.advanced(by: .seconds(3600)))
            let handle = try #require(token.handle)
            try await store.revoke(handle)
            try await store.revoke(handle)
            #expect(forge.revocationCount == 1)
            #expect(forge.liveTokens.isEmpty)
            #expect(!"\(forge.tokens)".contains(minted.value))
        }
    }

    @Test func isRefusedWhatTheInstallationDoesNotHave() async throws {
        try await withLoopbackForge(options()) { forge in
            try await forge.addRepository("our-org/private")
            try await forge.addRepository("our-org/not-installed", isInstalled: false)
            let store = try store(forge)
            let admin = StoreFixture.request(["our-org/private"], ["administration": .write])
            #expect(await failure { _ = try await store.issue(admin) }?.code == .refused)
            let foreign = StoreFixture.request(["our-org/private", "our-org/not-installed"])
            #expect(await failure { _ = try await store.issue(foreign) }?.code == .refused)
            let unknown = StoreFixture.request(["nobody/nothing"])
            #expect(await failure { _ = try await store.issue(unknown) }?.code == .refused)
            #expect(forge.mintCount == 0)
        }
    }

    @Test func aSuspendedInstallationIsRefused() async throws {
        try await withLoopbackForge(options()) { forge in
            try await forge.addRepository("our-org/private")
            let store = try store(forge)
            _ = try await store.issue(StoreFixture.request())
            forge.setSuspended(true, owner: "our-org")
            let error = await failure { _ = try await store.issue(StoreFixture.request()) }
            #expect(error?.message == "the App's installation on our-org is suspended")
            forge.setSuspended(false, owner: "our-org")
            clock.advance(by: .seconds(30))
            _ = try await store.issue(StoreFixture.request())
        }
    }

    @Test func followsAReinstallation() async throws {
        try await withLoopbackForge(options()) { forge in
            try await forge.addRepository("our-org/private")
            let store = try store(forge)
            _ = try await store.issue(StoreFixture.request())
            forge.reinstall(owner: "our-org")
            _ = try await store.issue(StoreFixture.request())
            #expect(forge.mintCount == 2)
            #expect(Set(forge.tokens.map(\.installation)).count == 2)
        }
    }

    @Test func aWrongKeyOrAppIsExplained() async throws {
        try await withLoopbackForge(options()) { forge in
            try await forge.addRepository("our-org/private")
            let otherKey = try StoreFixture.otherPEM.get()
            let wrongKey = try store(forge, pem: otherKey)
            let keyError = await failure { _ = try await wrongKey.issue(StoreFixture.request()) }
            #expect(keyError?.message.contains("does not accept the signature") == true)
            let wrongApp = try store(forge, appID: "Iv23liOther")
            let appError = await failure { _ = try await wrongApp.issue(StoreFixture.request()) }
            #expect(appError?.message == "GitHub knows no App Iv23liOther")
        }
    }

    @Test(arguments: [-400, -90, 90, 240, 700]) func copesWithAClockThatIsALittleWrong(seconds: Int) async throws {
        try await withLoopbackForge(options()) { forge in
            try await forge.addRepository("our-org/private")
            let ours = ManualClock(now: clock.now.advanced(by: .seconds(seconds)))
            _ = try await store(forge, clock: ours, probe: false).issue(StoreFixture.request())
            #expect(forge.mintCount == 1)
        }
    }

    @Test func explainsAClockThatIsVeryWrong() async throws {
        try await withLoopbackForge(options()) { forge in
            try await forge.addRepository("our-org/private")
            let ours = ManualClock(now: clock.now.advanced(by: .seconds(2000)))
            let store = try store(forge, clock: ours)
            let error = await failure { _ = try await store.issue(StoreFixture.request()) }
            #expect(error?.message == "this node's clock is 2000 s ahead of GitHub's")
            #expect(forge.mintCount == 0)
        }
    }

    @Test func revokesWhatIsWiderThanAsked() async throws {
        try await withLoopbackForge(options()) { forge in
            try await forge.addRepository("our-org/private")
            try await forge.addRepository("our-org/other")
            forge.fail(.mint, .widerGrant)
            let store = try store(forge)
            let error = await failure { _ = try await store.issue(StoreFixture.request()) }
            #expect(error?.code == .malformedAnswer)
            #expect(error?.tokenMayExist == false)
            #expect(forge.mintCount == 1)
            #expect(forge.revocationCount == 1)
            #expect(forge.liveTokens.isEmpty)
        }
    }

    @Test func saysThatALostAnswerMayLeaveAToken() async throws {
        try await withLoopbackForge(options()) { forge in
            try await forge.addRepository("our-org/private")
            forge.fail(.mint, .lostAnswer)
            let store = try store(forge)
            let error = await failure { _ = try await store.issue(StoreFixture.request()) }
            #expect(error?.code == .unavailable)
            #expect(error?.tokenMayExist == true)
            #expect(forge.liveTokens.count == 1)
        }
    }

    @Test func respectsLimits() async throws {
        try await withLoopbackForge(options()) { forge in
            try await forge.addRepository("our-org/private")
            forge.fail(.mint, .rateLimited(retryAfter: "40"))
            let store = try store(forge)
            let error = await failure { _ = try await store.issue(StoreFixture.request()) }
            #expect(error?.retryAt == clock.now.advanced(by: .seconds(40)))
            #expect(await failure { _ = try await store.issue(StoreFixture.request()) }?.code == .rateLimited)
            #expect(forge.requests.filter { $0.operation == .mint }.count == 1)
            clock.advance(by: .seconds(40))
            forge.fail(.mint, .secondaryLimit)
            #expect(await failure { _ = try await store.issue(StoreFixture.request()) }?.code == .rateLimited)
            clock.advance(by: .seconds(60))
            _ = try await store.issue(StoreFixture.request())
        }
    }

    @Test(.timeLimit(.minutes(1))) func waitsUntilAFreshTokenWorks() async throws {
        try await withLoopbackForge(options(lag: 2)) { forge in
            try await forge.addRepository("our-org/private")
            _ = try await store(forge, clock: TickingClock(manual: clock)).issue(StoreFixture.request())
            #expect(forge.requests.filter { $0.operation == .repository }.map(\.status) == [404, 404, 200])
        }
    }
}

/// A manual clock that does not sleep: each sleep moves it to the sleeper's deadline at once.
private struct TickingClock: WallClock {
    let manual: ManualClock

    var now: UTCInstant { manual.now }
    var minimumResolution: Duration { .nanoseconds(1) }

    func sleep(until deadline: UTCInstant, tolerance: Duration?) async throws {
        try Task.checkCancellation()
        manual.set(to: deadline)
    }
}
