// Wrapping tokens that were deposited, and which of them this store has used itself.

import Synchronization
import TokenStore

/// Tells our own second look at a deposit from somebody else's first: only that one is an alarm.
///
/// A deposit is read anew when its token is refreshed, for a second token of the Pod, and after a lost answer.
final class VaultDeposits: Sendable {
    private let uses = Mutex(VaultDepositUses())

    /// Unwraps a deposit that lies at `path`.
    ///
    /// - Throws: ``TokenStoreError``: `unavailable` for one that this store has used before, the alarm for one that
    ///   somebody else did.
    func unwrap(
        _ token: Secret,
        at path: String,
        madeAt creationPath: String,
        _ connection: VaultConnection
    ) async throws(TokenStoreError) -> VaultAnswer {
        let name = TokenDigest.short(token)
        guard uses.withLock({ $0.begin(name) }) else { throw Self.used(path) }
        do throws(TokenStoreError) {
            try await connection.checkWrapping(token, madeAt: creationPath)
        } catch {
            throw end(name, mayBeSpent: false, error, path)
        }
        do throws(TokenStoreError) {
            let answer = try await connection.unwrap(token)
            _ = uses.withLock { $0.end(name, mayBeSpent: true) }
            return answer
        } catch {
            let hasNotArrived = (error.cause as? HTTPTransportError)?.requestMayHaveArrived == false
            throw end(name, mayBeSpent: !hasNotArrived && !(error.cause is VaultSpentWrapping), error, path)
        }
    }

    /// Notes how a use failed, and returns the error to throw for it.
    private func end(_ name: String, mayBeSpent: Bool, _ error: TokenStoreError, _ path: String) -> TokenStoreError {
        let wasUsed = uses.withLock { $0.end(name, mayBeSpent: mayBeSpent) }
        return wasUsed && error.cause is VaultSpentWrapping ? Self.used(path) : error
    }

    private static func used(_ path: String) -> TokenStoreError {
        TokenStoreError(
            .unavailable,
            "no new deposit yet at \(path): this node has used the wrapping token that lies there",
            fix: "write a new wrapping token there; one deposit serves one token of one volume"
        )
    }
}

/// What is known of wrapping tokens, by their digests; the oldest are forgotten.
struct VaultDepositUses: Sendable {
    /// How many are remembered: more than one node's Pods use within the lives of their tokens.
    static let limit = 4096

    private var names: [String] = []
    private var used: Set<String> = []
    private var underWay: Set<String> = []

    /// Begins a use; `false` while another one is under way, whose end can't be told apart from a stranger's.
    mutating func begin(_ name: String) -> Bool { underWay.insert(name).inserted }

    /// Ends a use, and returns whether an earlier one may have spent the token.
    mutating func end(_ name: String, mayBeSpent: Bool) -> Bool {
        underWay.remove(name)
        let wasUsed = used.contains(name)
        guard mayBeSpent, !wasUsed else { return wasUsed }
        used.insert(name)
        names.append(name)
        if names.count > Self.limit { used.remove(names.removeFirst()) }
        return false
    }
}
