// The token's Pod, kubelet's Pod and the target path's Pod must be one.

import Identity
import Refusals
import Testing
import TokenStore

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
