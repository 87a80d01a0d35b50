// Why there is no lease.

package import TokenStore

/// Why a caller gets no lease.
package enum LeaseFailure: Error, Sendable {
    /// The store could not give the token, or its turn did not come.
    case store(TokenStoreError)
    /// The build has ended, or its tokens are being revoked.
    case ended(RevocationCause)
    /// The token can't be written down, and so is not asked for.
    case journal(JournalFailure)

    /// Whether only this caller has given up, and the mint goes on.
    package var isCancellation: Bool {
        if case .store(let error) = self { error.code == .cancelled } else { false }
    }

    /// What kind of failure it is, one of a few.
    package var kind: String {
        switch self {
        case .store(let error): error.code.description
        case .ended(let cause): cause.rawValue
        case .journal: "journal"
        }
    }

    /// What happened, in one line.
    package var text: String {
        switch self {
        case .store(let error): error.description
        case .ended(let cause): "ended: \(cause.rawValue)"
        case .journal(let failure): "the journal can't be written: \(failure)"
        }
    }
}
