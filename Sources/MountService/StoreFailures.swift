// What a tenant reads when a token store fails.

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
        case .cancelled: Refusal(.cancelled, message, fix: again)
        default: Refusal(.defect, message, fix: fix)
        }
    }
}
