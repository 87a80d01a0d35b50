// Which tokens are about to end without a follower. Pure.

import Leases
import TokenStore

/// Finds tokens that builds hold, that end soon, and whose refresh has been due for a good while.
struct ExpiringTokens: Sendable {
    /// What is soon, where the life is long enough.
    static let soon: Duration = .seconds(600)

    private var told: Set<LeaseID> = []

    /// Looks at the leases.
    ///
    /// - Returns: Those to tell of, each once.
    mutating func look(_ leases: [LeaseOutlook]) -> [LeaseOutlook] {
        told.formIntersection(leases.map(\.id))
        let new = leases.filter { $0.endsSoon && !told.contains($0.id) }
        told.formUnion(new.map(\.id))
        return new.sorted { ($0.remaining, $0.id.value) < ($1.remaining, $1.id.value) }
    }
}

extension LeaseOutlook {
    /// Whether ten minutes are left, or a sixth of a shorter life. Refreshes are due at two thirds of the life, and six
    /// minutes before its end at the latest, so that kubelet had time for several.
    fileprivate var endsSoon: Bool {
        guard isCurrent, expiresAt != nil, overdue > .zero else { return false }
        return remaining <= min(ExpiringTokens.soon, life / 6)
    }
}
