// The text for a Mount without a token.

import Identity
import Refusals
import Testing

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
