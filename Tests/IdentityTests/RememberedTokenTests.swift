// A token that was verified is known again without keys, for its time and no longer.

import Crypto
import LoopbackCluster
import Refusals
import Testing
import TokenStore
import TokenStoreTesting

@testable import Identity

@Suite struct RememberedTokenTests {
    @Test func aVerifiedTokenIsRememberedUntilItEnds() async throws {
        let bench = try Bench()
        let token = try bench.token { $0.expiresAt = $0.issuedAt.advanced(by: .seconds(600)) }
        #expect(bench.verifier.remembered(token) == nil)
        let verified = try await bench.verifier.verify(token)
        #expect(bench.verifier.remembered(token) == verified)
        #expect(bench.verifier.remembered(Secret(token.reveal())) == verified)
        #expect(try bench.verifier.remembered(bench.token(.es256)) == nil)
        bench.clock.advance(by: .seconds(629))
        #expect(bench.verifier.remembered(token) == verified)
        #expect(bench.verifier.rememberedCount == 1)
        bench.clock.advance(by: .seconds(1))
        #expect(bench.verifier.remembered(token) == nil)
        #expect(bench.verifier.rememberedCount == 0)
        #expect(await bench.refusal(of: token).hasPrefix("TokenExpired"))
        #expect(bench.source.fetches == 1)
    }

    @Test func beforeItsTimeItDoesNotCount() async throws {
        let bench = try Bench()
        let token = try bench.token()
        _ = try await bench.verifier.verify(token)
        bench.clock.advance(by: .seconds(-31))
        #expect(bench.verifier.remembered(token) == nil)
        bench.clock.advance(by: .seconds(1))
        #expect(bench.verifier.remembered(token) != nil)
    }

    @Test func theLeewayHoldsAtBothEnds() async throws {
        let bench = try Bench()
        let now = bench.clock.now
        let early = try bench.token {
            $0.notBefore = now.advanced(by: .seconds(30))
            $0.issuedAt = now.advanced(by: .seconds(30))
        }
        let late = try bench.token { $0.expiresAt = now.advanced(by: .seconds(-29)) }
        #expect(try await bench.verifier.verify(early).subject == Fixture.subject)
        #expect(try await bench.verifier.verify(late).subject == Fixture.subject)
    }

    @Test func thereIsALimitAndWhatEndsSoonestGoesFirst() {
        var memory = TokenMemory()
        let now = UTCInstant(epochSeconds: 1000)
        func digest(_ number: Int) -> SHA256Digest { SHA256.hash(data: Array("\(number)".utf8)) }
        func remember(_ number: Int, lifetime: Int) {
            let token = VerifiedToken(subject: Fixture.subject, expiresAt: now.advanced(by: .seconds(lifetime)))
            memory.remember(token, as: digest(number), now: now, leeway: .zero)
        }
        for number in 0..<TokenMemory.capacity { remember(number, lifetime: 1000 + number) }
        remember(9000, lifetime: 5000)
        #expect(memory.count == TokenMemory.capacity)
        #expect(memory.token(digest(0), now: now, leeway: .zero) == nil)
        #expect(memory.token(digest(1), now: now, leeway: .zero) != nil)
        #expect(memory.token(digest(9000), now: now, leeway: .zero) != nil)
        // When some are past their time, those go instead.
        let later = now.advanced(by: .seconds(1100))
        memory.remember(
            VerifiedToken(subject: Fixture.subject, expiresAt: later.advanced(by: .seconds(1))),
            as: digest(9001),
            now: later,
            leeway: .zero
        )
        #expect(memory.count == TokenMemory.capacity - 99)
        #expect(memory.token(digest(9001), now: later, leeway: .zero) != nil)
    }

    @Test func aDumpOfTheVerifierShowsNoToken() async throws {
        let bench = try Bench()
        let token = try bench.token()
        _ = try await bench.verifier.verify(token)
        var text = ""
        dump(bench.verifier, to: &text)
        for part in token.revealText().split(separator: ".") { #expect(!text.contains(part)) }
    }
}
