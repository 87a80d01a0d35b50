// The token's Pod, kubelet's Pod and the target path's Pod must be one.

import Identity
import Refusals
import Testing
import TokenStore
import TokenStoreTesting

@Suite struct PodBindingTests {
    private let token = VerifiedToken(subject: Fixture.subject, expiresAt: UTCInstant(epochSeconds: 2_000_000_000))
    private let uid = Fixture.subject.podUID

    private func refusal(_ path: String? = nil, _ change: (inout Subject) -> Void = { _ in }) -> String? {
        var claimed = Fixture.subject
        change(&claimed)
        do throws(Refusal) {
            try PodBinding.check(token, claimed: claimed, targetPathPodUID: path ?? uid)
            return nil
        } catch { return error.description }
    }

    @Test func onePodIsAccepted() { #expect(refusal() == nil) }

    @Test func everyDifferenceIsNamed() {
        let start = "TokenNotForPod: the service account token is of another Pod: its "
        let place = "that of kubelet's attributes is"
        #expect(refusal { $0.namespace = "other" } == start + "namespace is \"binder\", \(place) \"other\"")
        #expect(refusal { $0.serviceAccount = "admin" } == start + "service account is \"builder\", \(place) \"admin\"")
        #expect(refusal { $0.podName = "build-8" } == start + "Pod name is \"build-7\", \(place) \"build-8\"")
        #expect(refusal { $0.podUID = "x" } == start + "Pod UID is \"\(uid)\", \(place) \"x\"")
        #expect(refusal("x") == start + "Pod UID is \"\(uid)\", that of target_path is \"x\"")
        let both = refusal("x") {
            $0.podName = "build-8"
            $0.podUID = "x"
        }
        let also = "(other too: Pod UID in kubelet's attributes, Pod UID in target_path)"
        #expect(both == start + "Pod name is \"build-7\", \(place) \"build-8\" \(also)")
    }

    @Test func textIsComparedByBytesAndShownInQuotes() {
        #expect(refusal { $0.namespace = "Binder" } != nil)
        #expect(refusal { $0.podName = "build-7 " } != nil)
        #expect(refusal { $0.podName = "a\nb\"" }?.contains("\"a?b?\"") == true)
        let composed = VerifiedToken(
            subject: Subject(namespace: "\u{E9}", serviceAccount: "a", podName: "b", podUID: "c"),
            expiresAt: token.expiresAt
        )
        let claimed = Subject(namespace: "e\u{301}", serviceAccount: "a", podName: "b", podUID: "c")
        #expect(throws: Refusal.self) { try PodBinding.check(composed, claimed: claimed, targetPathPodUID: "c") }
    }

    @Test func emptyNamesAreNobody() {
        let nobody = Subject(namespace: "", serviceAccount: "", podName: "", podUID: "")
        let token = VerifiedToken(subject: nobody, expiresAt: token.expiresAt)
        #expect(throws: Refusal.self) { try PodBinding.check(token, claimed: nobody, targetPathPodUID: "") }
        #expect(throws: Refusal.self) { try PodBinding.check(claimed: nobody, targetPathPodUID: "") }
    }

    @Test func theLongestTextsAreNotCutOff() {
        let long = String(repeating: "n", count: 253)
        let text = refusal(long) {
            $0 = Subject(namespace: long, serviceAccount: long, podName: long, podUID: long)
        }
        #expect(text?.hasSuffix("...") == false)
        #expect(text?.contains("other too: service account") == true)
    }
}

@Suite struct MissingTokenTests {
    private let fix = """
        add {audience: "daypass"} to tokenRequests of the CSIDriver object secrets-store.csi.k8s.io: it is the Helm value \
        tokenRequests of the Secrets Store CSI driver's chart
        """

    @Test(
        arguments: [
            ([], "no token came at all"),
            (["vault"], "tokens came for \"vault\""),
            (["", "b", "c", "d", "e"], "tokens came for \"\", \"b\", \"c\" and 2 more"),
            (["a\"\nb"], "tokens came for \"a??b\""),
        ] as [([String], String)]
    )
    func theTextSaysWhatToDo(_ offered: [String], _ came: String) {
        let refusal = MissingToken.refusal(audience: "daypass", offered: offered)
        let start = "TokenMissing: no service account token for audience \"daypass\" came with the call"
        #expect(refusal.description == "\(start) (\(came)); \(fix)")
    }

    @Test func theFixIsNeverCutOff() {
        let long = String(repeating: "a", count: 300)
        let refusal = MissingToken.refusal(audience: "daypass", offered: [long, long, long, long])
        #expect(refusal.description.hasSuffix(fix))
    }
}

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
