// Everything that is known of one lease: what the table holds and what the journal keeps.

package import TokenStore

/// Where a lease is in its life: `intended -> live -> superseded -> revoking -> gone`. Gone leases have no record.
package enum LeaseState: String, Sendable, Hashable, CaseIterable {
    /// A token will be asked for, or has been; the answer is not there yet.
    case intended
    /// A token may have been minted, and its answer is lost. It is looked for where the source can find it.
    case lost
    /// The token is what the Pod's files hold, or will hold at its next Mount.
    case live
    /// A newer token has taken its place; builds may still hold this one.
    case superseded
    /// The token has to be revoked.
    case revoking
}

/// Why a token is revoked.
package enum RevocationCause: String, Sendable, Hashable, CaseIterable {
    /// The Pod has succeeded, failed, or is gone.
    case buildEnded
    /// The volume's directory is gone.
    case volumeGone
    /// A newer token took its place, and the grace period is over.
    case superseded
    /// Another token of the same Mount failed, so nobody got this one.
    case mountFailed
    /// It was found at its source after its answer had been lost.
    case lostAnswer
    /// It could not be written into the journal.
    case notJournalled
    /// An operator said so, or the daemon ends and is told to leave nothing.
    case asked
}

/// One lease.
package struct LeaseRecord: Sendable, Equatable {
    /// Its name.
    package let id: LeaseID
    /// What it is for.
    package internal(set) var key: LeaseKey
    /// The build, as it was proved.
    package let subject: Subject
    /// When it was decided to ask for the token.
    package let intendedAt: Moment

    /// Where kubelet has the volume, as the driver said last; empty when it is not known.
    package var targetPath: String
    /// Where it is in its life.
    package var state: LeaseState
    /// The token; `nil` while it is intended or lost.
    package var token: IssuedToken?
    /// When the token came.
    package var issuedAt: Moment?
    /// How long the token can be handed out, from ``issuedAt``.
    package var life: Duration
    /// How long it stays fresh, from ``issuedAt``; the first Mount after that fetches a new one.
    package var refreshAfter: Duration
    /// When it became superseded, or revoking; `nil` for a superseded one whose follower nobody has got yet.
    package var endedAt: Moment?
    /// Why it is revoked, once it is.
    package var cause: RevocationCause?

    package init(
        id: LeaseID,
        key: LeaseKey,
        subject: Subject,
        targetPath: String,
        intendedAt: Moment,
        state: LeaseState = .intended,
        token: IssuedToken? = nil,
        issuedAt: Moment? = nil,
        life: Duration = .zero,
        refreshAfter: Duration = .zero,
        endedAt: Moment? = nil,
        cause: RevocationCause? = nil
    ) {
        self.id = id
        self.key = key
        self.subject = subject
        self.targetPath = targetPath
        self.intendedAt = intendedAt
        self.state = state
        self.token = token
        self.issuedAt = issuedAt
        self.life = life
        self.refreshAfter = refreshAfter
        self.endedAt = endedAt
        self.cause = cause
    }
}
