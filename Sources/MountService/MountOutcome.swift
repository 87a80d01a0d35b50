// How a Mount ended, for who counts them.

import Leases
package import Refusals

/// How a Mount ended.
package enum MountOutcome: Sendable, Hashable {
    /// Answered with tokens that needed no refresh.
    case fresh
    /// Answered, and at least one token was minted for it, or for another call at the same time.
    case issued
    /// Answered, and at least one token was due for a refresh that did not come.
    case stale
    /// Not answered, and why.
    case refused(Reason)

    /// How a call ends that is answered with these leases.
    init(_ answers: [LeaseManager.Answer]) {
        self =
            if answers.contains(where: { $0.refreshFailure != nil }) {
                .stale
            } else if answers.contains(where: \.waited) {
                .issued
            } else {
                .fresh
            }
    }
}
