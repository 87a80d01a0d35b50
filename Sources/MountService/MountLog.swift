// What a Mount leaves in the log: mints, refusals and stale tokens. Never a message, an attribute or a token.

import Leases
import LogEvents
package import Logging
import Policy
package import Refusals
package import TokenStore
import TraceContext

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Writes the log lines of Mounts.
package struct MountLog: Sendable {
    private let logger: Logger
    private let recent: RecentRefusals

    package init(logger: Logger, recent: RecentRefusals = RecentRefusals()) {
        self.logger = logger
        self.recent = recent
    }

    /// A call was refused.
    package func refused(_ refusal: Refusal, _ claimed: Subject? = nil) {
        let reason: Logger.Metadata = ["reason": "\(refusal.reason.code)", "refusal": "\(refusal)"]
        logger.log(.mountRefused, "mount refused", metadata: claimed.map { metadata($0, reason) } ?? reason)
        recent.add(refusal, claimed)
    }

    /// A refresh failed, and the old token was handed out again.
    package func servedStale(_ token: MountPlan.Token, _ subject: Subject, _ failure: String) {
        CurrentSpan.set("daypass.outcome", "stale")
        logger.log(
            .refreshFailed,
            "refresh failed, the old token is served",
            metadata: metadata(subject, ["store": "\(token.key.store)", "failure": "\(failure)"])
        )
    }

    /// The Pod's own token for a store's source can't be used; the store does without, if it can.
    package func subjectTokenUnusable(_ refusal: Refusal, _ subject: Subject) {
        logger.log(
            .subjectTokenUnusable,
            "the Pod's token for a store's source can't be used",
            metadata: metadata(subject, ["reason": "\(refusal.reason.code)", "refusal": "\(refusal)"])
        )
    }

    private func metadata(_ subject: Subject, _ more: Logger.Metadata) -> Logger.Metadata {
        var all: Logger.Metadata = [
            "namespace": "\(subject.namespace)", "pod": "\(subject.podName)", "pod_uid": "\(subject.podUID)",
            "service_account": "\(subject.serviceAccount)",
        ]
        all.merge(more) { _, new in new }
        return all
    }
}
