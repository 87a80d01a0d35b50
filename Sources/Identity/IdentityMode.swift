// How a node learns who asks: by proof, or by trust in kubelet's word.

package import Refusals
package import TokenStore

/// What a Mount call says about who asks; nothing in it is verified.
package struct IdentityClaim: Sendable {
    /// The Pod of the `csi.storage.k8s.io/*` attributes.
    package var subject: Subject
    /// The Pod's UID in `target_path`.
    package var targetPathPodUID: String
    /// The service account token of our audience, when one came.
    package var token: Secret?
    /// The audiences of all tokens that came, for the message when ours did not.
    package var offeredAudiences: [String]

    package init(subject: Subject, targetPathPodUID: String, token: Secret?, offeredAudiences: [String]) {
        self.subject = subject
        self.targetPathPodUID = targetPathPodUID
        self.token = token
        self.offeredAudiences = offeredAudiences
    }
}

/// How a node learns who asks.
package enum IdentityMode: Sendable {
    /// No `identity`, or a mapping: the Pod's service account token proves it.
    case serviceAccountToken(TokenVerifier)
    /// `identity: driver`: kubelet's attributes are believed, for clusters without `tokenRequests`. Whoever can call
    /// the socket, and so every root process on the node, can then ask in the name of any Pod; and so can every tenant,
    /// by its SecretProviderClass, unless the CSIDriver object has `podInfoOnMount: true`.
    case driver

    /// Who asks, when that can be said without waiting; `nil` when keys must be fetched: go on with ``identify(_:)``.
    ///
    /// - Throws: a refusal with one of the identity reasons.
    package func identifyAtOnce(_ claim: IdentityClaim) throws(Refusal) -> Subject? {
        switch self {
        case .driver:
            return try believed(claim)
        case .serviceAccountToken(let verifier):
            let token = try token(of: claim, for: verifier)
            if let verified = verifier.remembered(token) { return try bound(verified, to: claim) }
            guard let verified = try verifier.verifyIfKeysKnown(token) else { return nil }
            return try bound(verified, to: claim)
        }
    }

    /// Who asks, with the cluster's keys fetched when needed.
    ///
    /// - Throws: a refusal with one of the identity reasons, or `Cancelled`.
    package func identify(_ claim: IdentityClaim) async throws(Refusal) -> Subject {
        switch self {
        case .driver:
            return try believed(claim)
        case .serviceAccountToken(let verifier):
            let token = try token(of: claim, for: verifier)
            if let verified = verifier.remembered(token) { return try bound(verified, to: claim) }
            return try bound(await verifier.verify(token), to: claim)
        }
    }

    private func believed(_ claim: IdentityClaim) throws(Refusal) -> Subject {
        try PodBinding.check(claimed: claim.subject, targetPathPodUID: claim.targetPathPodUID)
        return claim.subject
    }

    private func token(of claim: IdentityClaim, for verifier: TokenVerifier) throws(Refusal) -> Secret {
        guard let token = claim.token else {
            throw MissingToken.refusal(audience: verifier.audience, offered: claim.offeredAudiences)
        }
        return token
    }

    private func bound(_ verified: VerifiedToken, to claim: IdentityClaim) throws(Refusal) -> Subject {
        try PodBinding.check(verified, claimed: claim.subject, targetPathPodUID: claim.targetPathPodUID)
        return verified.subject
    }
}
