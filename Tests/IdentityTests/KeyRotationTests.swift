// When keys are fetched, and that it is not more often.

import LoopbackCluster
import Refusals
import Testing
import TokenStore
import TokenStoreTesting

@testable import Identity

@Suite struct KeyRotationTests {
    private let down = Refusal(.keysUnavailable, "the API server is down", fix: "start it")

    @Test func theFirstTokenFetchesAndTheNextDoNot() async throws {
        let bench = try Bench()
        let token = try bench.token()
        #expect(try bench.verifier.verifyIfKeysKnown(token) == nil)
        #expect(bench.source.fetches == 0)
        _ = try await bench.verifier.verify(token)
        #expect(try bench.verifier.verifyIfKeysKnown(token)?.subject == Fixture.subject)
        #expect(try bench.verifier.verifyIfKeysKnown(bench.token(.es256))?.subject == Fixture.subject)
        #expect(bench.source.fetches == 1)
    }

    @Test func anUnknownKeyFetchesExactlyOnce() async throws {
        let bench = try Bench(issuer: ServiceAccountIssuer())
        _ = try await bench.verifier.verify(bench.token())
        bench.clock.advance(by: .seconds(60))
        try bench.issuer.rotate()
        try bench.source.set(bench.issuer)
        let token = try bench.token()
        #expect(try bench.verifier.verifyIfKeysKnown(token) == nil)
        #expect(try await bench.verifier.verify(token).subject == Fixture.subject)
        #expect(bench.source.fetches == 2)
    }

    @Test func aFloodOfUnknownKeysIsLimited() async throws {
        let bench = try Bench()
        _ = try await bench.verifier.verify(bench.token())
        let stranger = try bench.token(.unknownKey)
        for _ in 0..<50 { #expect(await bench.refusal(of: stranger).hasPrefix("TokenRejected")) }
        #expect(bench.source.fetches == 1, "the first fetch is less than 10 s ago")
        bench.clock.advance(by: .seconds(10))
        for _ in 0..<50 { #expect(await bench.refusal(of: stranger).hasPrefix("TokenRejected")) }
        #expect(bench.source.fetches == 2)
        // Those who come with known keys do not notice.
        #expect(try bench.verifier.verifyIfKeysKnown(bench.token()) != nil)
    }

    @Test func aClockThatIsSetBackDoesNotStopFetches() async throws {
        let bench = try Bench(issuer: ServiceAccountIssuer())
        _ = try await bench.verifier.verify(bench.token())
        bench.clock.advance(by: .seconds(-86400))
        try bench.issuer.rotate()
        try bench.source.set(bench.issuer)
        #expect(try await bench.verifier.verify(bench.token()).subject == Fixture.subject)
    }

    @Test func withoutKeysTheReasonOfTheFailureIsShown() async throws {
        let bench = try Bench()
        bench.source.set(.failure(down))
        let token = try bench.token()
        #expect(await bench.refusal(of: token) == "KeysUnavailable: the API server is down; start it")
        #expect(await bench.refusal(of: token) == "KeysUnavailable: the API server is down; start it")
        #expect(bench.source.fetches == 1)
        bench.clock.advance(by: .seconds(10))
        try bench.source.set(bench.issuer)
        #expect(try await bench.verifier.verify(token).subject == Fixture.subject)
    }

    @Test func anUnknownKeyDuringAnOutageIsNoRejection() async throws {
        let bench = try Bench()
        _ = try await bench.verifier.verify(bench.token())
        bench.clock.advance(by: .seconds(10))
        bench.source.set(.failure(down))
        let refusal = await bench.refusal(of: try bench.token(.unknownKey))
        let expected = """
            KeysUnavailable: the service account token is signed with key "unknown-key", which is unknown, and new keys \
            can't be had: the API server is down; start it
            """
        #expect(refusal == expected)
    }

    @Test func oldKeysAreFetchedAnewAndKeptWhenThatFails() async throws {
        let bench = try Bench()
        _ = try await bench.verifier.verify(bench.token())
        bench.clock.advance(by: .seconds(3600))
        bench.source.set(.failure(down))
        let token = try bench.token()
        #expect(try bench.verifier.verifyIfKeysKnown(token) == nil)
        #expect(try await bench.verifier.verify(token).subject == Fixture.subject)
        #expect(bench.source.fetches == 2)
        #expect(bench.verifier.keyStatus.failure == down)
        #expect(bench.verifier.keyStatus.keyCount == 2)
        // For a minute nobody tries again for age alone.
        bench.clock.advance(by: .seconds(59))
        #expect(try bench.verifier.verifyIfKeysKnown(bench.token()) != nil)
        bench.clock.advance(by: .seconds(1))
        try bench.source.set(bench.issuer)
        #expect(try await bench.verifier.verify(bench.token()).subject == Fixture.subject)
        #expect(bench.source.fetches == 3)
        #expect(bench.verifier.keyStatus.failure == nil)
    }

    @Test func aKeySetThatIsBrokenLeavesTheOldOneInForce() async throws {
        let bench = try Bench()
        _ = try await bench.verifier.verify(bench.token())
        bench.clock.advance(by: .seconds(3600))
        bench.source.set(.success(JWKSDocument(issuer: "x", jwks: Array("{\"keys\":[]}".utf8))))
        #expect(try await bench.verifier.verify(bench.token()).subject == Fixture.subject)
        #expect(
            bench.verifier.keyStatus.failure?.message.hasPrefix("what was read from memory holds no usable key") == true
        )
    }

    @Test func aKeyThatTheClusterTookBackTakesItsTokensAlong() async throws {
        let bench = try Bench(issuer: ServiceAccountIssuer())
        let old = try bench.token()
        _ = try await bench.verifier.verify(old)
        #expect(bench.verifier.remembered(old) != nil)
        bench.clock.advance(by: .seconds(10))
        try bench.issuer.rotate()
        try bench.source.set(bench.issuer)
        _ = try await bench.verifier.verify(bench.token())
        #expect(bench.verifier.remembered(old) == nil)
        #expect(await bench.refusal(of: old).hasPrefix("TokenRejected"))
    }

    @Test func prepareFetchesOnceAndSaysWhatIsWrong() async throws {
        let bench = try Bench()
        bench.source.set(.failure(down))
        await #expect(throws: down) { try await bench.verifier.prepare() }
        await #expect(throws: down) { try await bench.verifier.prepare() }
        #expect(bench.source.fetches == 1)
        bench.clock.advance(by: .seconds(10))
        try bench.source.set(bench.issuer)
        try await bench.verifier.prepare()
        try await bench.verifier.prepare()
        #expect(bench.source.fetches == 2)
        #expect(bench.verifier.keyStatus.issuer == bench.issuer.name)
    }
}
