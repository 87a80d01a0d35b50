// Who asks for a lease.

package import TokenStore

/// Who asks for a lease, and where its volume is.
package struct LeaseAsk: Sendable, Equatable {
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

    package init(
        subject: Subject,
        targetPath: String,
        grant: String = "",
        narrowed: String = "",
        subjectToken: Secret? = nil
    ) {
        self.subject = subject
        self.targetPath = targetPath
        self.grant = grant
        self.narrowed = narrowed
        self.subjectToken = subjectToken
    }
}
