// The state of the cluster's keys, as others may see it.

package import Refusals
package import TokenStore

/// The state of the cluster's keys, for readiness, log and metrics.
package struct KeyStatus: Sendable, Hashable {
    /// Where the keys come from.
    package var location: String
    /// The issuer as the source names it; `nil` before the first fetch.
    package var issuer: String?
    /// The number of usable keys; 0 before the first fetch.
    package var keyCount: Int
    /// When the keys at hand were fetched.
    package var fetchedAt: UTCInstant?
    /// Why the latest fetch failed; `nil` when it did not. Keys at hand stay in force.
    package var failure: Refusal?
}
