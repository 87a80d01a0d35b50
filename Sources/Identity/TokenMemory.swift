// Tokens that were verified before: kubelet sends the same token again for most of its life.

import Crypto
import TokenStore

/// Verified tokens by their SHA-256 digest; the tokens themselves are not kept.
struct TokenMemory: Sendable {
    /// The most tokens that are remembered: many times the Pods of a node.
    static let capacity = 4096

    private var tokens: [SHA256Digest: VerifiedToken] = [:]
    /// How often ``forget()`` was called.
    private(set) var generation = 0

    /// The number of tokens that are remembered.
    var count: Int { tokens.count }

    /// The token of this digest while it is within its time; one that is past it is dropped.
    mutating func token(_ digest: SHA256Digest, now: UTCInstant, leeway: Duration) -> VerifiedToken? {
        guard let token = tokens[digest] else { return nil }
        guard token.isCurrent(at: now, leeway: leeway) else {
            if token.expiresAt.advanced(by: leeway) <= now { tokens[digest] = nil }
            return nil
        }
        return token
    }

    /// Remembers a token. When there are too many, those past their time go, and if that is not enough the one that
    /// ends soonest.
    mutating func remember(_ token: VerifiedToken, as digest: SHA256Digest, now: UTCInstant, leeway: Duration) {
        if tokens.count >= Self.capacity, tokens[digest] == nil {
            tokens = tokens.filter { now < $0.value.expiresAt.advanced(by: leeway) }
            if tokens.count >= Self.capacity, let first = tokens.min(by: { $0.value.expiresAt < $1.value.expiresAt }) {
                tokens[first.key] = nil
            }
        }
        tokens[digest] = token
    }

    /// Forgets all of them.
    mutating func forget() {
        tokens.removeAll()
        generation += 1
    }
}
