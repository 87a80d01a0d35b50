// Who asks for a lease.

package import TokenStore

/// Who asks for a lease, and where its volume is.
package struct LeaseAsk: Sendable {
    /// The build, as it was proved.
    package var subject: Subject
    /// Where kubelet has the volume, as the driver said.
    package var targetPath: String
    /// The grant that allows it, for the log.
    package var grant: String
    /// What the grant cut off the request, for the log.
    package var narrowed: String

    /// The Pod's own token for the store's source, where the store wants one.
    package var subjectToken: Secret?
    /// The store that the decision was made for; `nil` takes the one that has the name when the token is minted.
    package var source: (any TokenSources)?

    package init(
        subject: Subject,
        targetPath: String,
        grant: String = "",
        narrowed: String = "",
        subjectToken: Secret? = nil,
        source: (any TokenSources)? = nil
    ) {
        self.subject = subject
        self.targetPath = targetPath
        self.grant = grant
        self.narrowed = narrowed
        self.subjectToken = subjectToken
        self.source = source
    }
}
