// What a tenant reads when there is no token.

package import Leases
package import Refusals
package import TokenStore

extension TokenStoreError {
    /// The refusal for this error. The message was written by the store for a tenant's eyes.
    package func refusal(store: String) -> Refusal {
        let again = "kubelet tries again by itself"
        let message = "store \(store): \(self.message)"
        return switch code {
        case .refused: Refusal(.storeRefused, message, fix: fix)
        case .misconfigured: Refusal(.storeMisconfigured, message, fix: fix)
        case .rateLimited:
            // A store that knows the time says it in its own words.
            Refusal(
                .storeRateLimited,
                message + (retryAt.map { message.contains($0.rfc3339) ? "" : "; not before \($0.rfc3339)" } ?? ""),
                fix: again
            )
        case .unavailable: Refusal(.storeUnavailable, message, fix: fix.isEmpty ? again : fix)
        case .malformedAnswer: Refusal(.storeAnswerUnusable, message, fix: fix.isEmpty ? again : fix)
        case .cancelled: Refusal(.cancelled, self.message, fix: again)
        default: Refusal(.defect, message, fix: fix)
        }
    }
}

extension LeaseFailure {
    /// The refusal for this failure.
    package func refusal(store: String) -> Refusal {
        switch self {
        case .store(let error): error.refusal(store: store)
        case .ended(.buildEnded):
            Refusal(.podEnded, "the Pod has ended, and its tokens are revoked", fix: "start a new Pod")
        case .ended(let cause):
            Refusal(
                .leaseRevoked,
                "the token was revoked while this call waited for it (\(cause.rawValue))",
                fix: "kubelet tries again by itself"
            )
        case .journal(let failure):
            Refusal(
                .journalUnavailable,
                "the token can't be written into the node's journal, so it is not minted: \(failure.message)",
                fix: failure.fix.isEmpty ? "see the daemon's log" : failure.fix
            )
        }
    }
}
