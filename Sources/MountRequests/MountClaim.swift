// The first half of a Mount call: who asks, and the attributes that say for what. The second half is read later.

package import TokenStore

/// A Mount call as far as it is read before its Pod is known: nothing that a tenant wrote is looked into yet.
package struct MountClaim: Sendable {
    /// The Pod as kubelet's attributes name it.
    package var subject: Subject
    /// The Pod's UID as the target path names it.
    package var targetPathPodUID: String
    /// The volume's name, from the target path.
    package var volume: String
    /// The target path itself.
    package var targetPath: String
    /// The service account token of our audience, when one came; unverified.
    package var serviceAccountToken: Secret?
    /// The audiences of all tokens that came, for messages.
    package var offeredAudiences: [String]
    /// The tokens of all audiences, for stores whose source verifies the Pod by itself.
    package var offeredTokens: OfferedTokens
    /// All attributes but kubelet's: what the tenant wrote. Equal parameters ask for the same.
    package var parameters: [String: String]

    package init(
        subject: Subject,
        targetPathPodUID: String,
        volume: String,
        targetPath: String = "",
        serviceAccountToken: Secret?,
        offeredAudiences: [String],
        offeredTokens: OfferedTokens = OfferedTokens(),
        parameters: [String: String]
    ) {
        self.subject = subject
        self.targetPathPodUID = targetPathPodUID
        self.volume = volume
        self.targetPath = targetPath
        self.serviceAccountToken = serviceAccountToken
        self.offeredAudiences = offeredAudiences
        self.offeredTokens = offeredTokens
        self.parameters = parameters
    }
}
