// A Mount call after parsing: typed and bounded, not yet believed.

package import TokenStore

/// A Mount call as `MountRequestParser` read it. Nothing in it is verified.
package struct MountRequest: Sendable {
    /// The Pod as kubelet's attributes name it.
    package var claimedSubject: Subject
    /// The Pod's UID as the target path names it.
    package var targetPathPodUID: String
    /// The volume's name, from the target path.
    package var volume: String
    /// The service account token of our audience, when one came; unverified.
    package var serviceAccountToken: Secret?
    /// The audiences of all tokens that came, for messages.
    package var offeredAudiences: [String]
    /// The tokens that are asked for; at least one, names unique.
    package var tokens: [TokenAsk]
    /// The files that are asked for; at least one.
    package var files: [FileAsk]

    package init(
        claimedSubject: Subject,
        targetPathPodUID: String,
        volume: String,
        serviceAccountToken: Secret?,
        offeredAudiences: [String],
        tokens: [TokenAsk],
        files: [FileAsk]
    ) {
        self.claimedSubject = claimedSubject
        self.targetPathPodUID = targetPathPodUID
        self.volume = volume
        self.serviceAccountToken = serviceAccountToken
        self.offeredAudiences = offeredAudiences
        self.tokens = tokens
        self.files = files
    }

    package init(_ claim: MountClaim, _ ask: VolumeAsk) {
        self.init(
            claimedSubject: claim.subject,
            targetPathPodUID: claim.targetPathPodUID,
            volume: claim.volume,
            serviceAccountToken: claim.serviceAccountToken,
            offeredAudiences: claim.offeredAudiences,
            tokens: ask.tokens,
            files: ask.files
        )
    }
}
