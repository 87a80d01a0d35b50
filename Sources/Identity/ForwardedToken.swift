// A Pod's token for a third party: checked to be the Pod's own before it is handed on.

package import Refusals
package import TokenStore

extension IdentityMode {
    /// Checks that a token which came with a Mount for another audience is of the Pod that asks. Its party verifies it
    /// again; but a tenant can write any token that it got hold of into its attributes, and would then be served in the
    /// name of another Pod.
    ///
    /// Where kubelet's word is believed (`identity: driver`) there are no keys to verify with: the claims are compared as
    /// they are, and the signature is left to the token's party.
    ///
    /// - Throws: `TokenNotForPod`, `TokenRejected`, `TokenExpired`, `TokenMalformed`, `KeysUnavailable` or `Cancelled`.
    package func checkForwarded(_ token: Secret, audience: String, of subject: Subject) async throws(Refusal) {
        let owner: Subject
        switch self {
        case .serviceAccountToken(let verifier):
            owner = try await verifier.verify(token, audience: audience).subject
        case .driver:
            owner = try TokenClaims(json: try CompactToken(token).claims).subject()
        }
        guard owner == subject else {
            throw Refusal(
                .tokenNotForPod,
                """
                the service account token for audience \(Refusal.quoted(audience)) is of another Pod: \
                \(Refusal.quoted("\(owner.namespace)/\(owner.podName)")), and \
                \(Refusal.quoted("\(subject.namespace)/\(subject.podName)")) asks
                """,
                fix: "remove csi.storage.k8s.io/serviceAccount.tokens from volumeAttributes and parameters"
            )
        }
    }
}
