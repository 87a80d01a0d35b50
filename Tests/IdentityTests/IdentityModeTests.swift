// Who asks, in both modes.

import Identity
import LoopbackCluster
import Refusals
import Testing
import TokenStore

@Suite struct IdentityModeTests {
    private func claim(_ token: Secret?, offered: [String] = [], path: String = Fixture.subject.podUID) -> IdentityClaim
    {
        IdentityClaim(subject: Fixture.subject, targetPathPodUID: path, token: token, offeredAudiences: offered)
    }

    @Test func aProvedPodIsIdentifiedAtOnceWhenKeysAreKnown() async throws {
        let bench = try Bench()
        let mode = IdentityMode.serviceAccountToken(bench.verifier)
        let claim = claim(try bench.token())
        #expect(try mode.identifyAtOnce(claim) == nil)
        #expect(try await mode.identify(claim) == Fixture.subject)
        #expect(try mode.identifyAtOnce(claim) == Fixture.subject)
        #expect(try mode.identifyAtOnce(self.claim(bench.token(.es256))) == Fixture.subject)
        #expect(bench.source.fetches == 1)
    }

    @Test func theTokenOfAnotherPodIsRefusedAlsoWhenRemembered() async throws {
        let bench = try Bench()
        let mode = IdentityMode.serviceAccountToken(bench.verifier)
        let claim = claim(try bench.token { $0.subject.podUID = "other" })
        for _ in 0..<2 {
            await #expect(throws: Refusal.self) { try await mode.identify(claim) }
        }
        #expect(throws: Refusal.self) { try mode.identifyAtOnce(claim) }
        let elsewhere = self.claim(try bench.token(), path: "x")
        await #expect(throws: Refusal.self) { try await mode.identify(elsewhere) }
    }

    @Test func aMissingTokenIsRefusedWithoutAFetch() async throws {
        let bench = try Bench()
        let mode = IdentityMode.serviceAccountToken(bench.verifier)
        let missing = MissingToken.refusal(audience: "daypass", offered: ["vault"])
        #expect(throws: missing) { try mode.identifyAtOnce(claim(nil, offered: ["vault"])) }
        await #expect(throws: missing) { try await mode.identify(claim(nil, offered: ["vault"])) }
        #expect(bench.source.fetches == 0)
    }

    @Test func inDriverModeKubeletIsBelievedButThePathMustAgree() async throws {
        #expect(try IdentityMode.driver.identifyAtOnce(claim(nil)) == Fixture.subject)
        #expect(try await IdentityMode.driver.identify(claim(nil)) == Fixture.subject)
        let text = """
            TargetPathMalformed: target_path is of Pod UID "x", kubelet's attributes are of Pod UID \
            "\(Fixture.subject.podUID)"
            """
        do throws(Refusal) {
            _ = try IdentityMode.driver.identifyAtOnce(claim(nil, path: "x"))
            Issue.record("accepted")
        } catch { #expect(error.description == text) }
    }
}
