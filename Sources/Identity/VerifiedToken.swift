// What a verified service account token proves.

package import TokenStore

/// A Pod-bound service account token after verification: signature, issuer, audience and time are right.
package struct VerifiedToken: Sendable, Hashable {
    /// The Pod that the token was made for, and the service account that it runs as.
    package var subject: Subject
    /// The node that the Pod was on, when the cluster says it (Kubernetes 1.30 and later).
    package var nodeName: String?
    /// The time before which the token does not count, when it has one.
    package var notBefore: UTCInstant?
    /// The time at which the token ends.
    package var expiresAt: UTCInstant

    package init(subject: Subject, nodeName: String? = nil, notBefore: UTCInstant? = nil, expiresAt: UTCInstant) {
        self.subject = subject
        self.nodeName = nodeName
        self.notBefore = notBefore
        self.expiresAt = expiresAt
    }

    /// Whether `now` lies within the token's time, `leeway` added at both ends.
    func isCurrent(at now: UTCInstant, leeway: Duration) -> Bool {
        if let notBefore, now.advanced(by: leeway) < notBefore { return false }
        return now < expiresAt.advanced(by: leeway)
    }
}
