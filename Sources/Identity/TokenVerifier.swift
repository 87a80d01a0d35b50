// Verifies service account tokens: signature, issuer, audience, time, and that they belong to a Pod.

import Crypto
package import Logging
package import Refusals
import Synchronization
package import TokenStore

/// Verifies Pod-bound service account tokens against the cluster's public keys.
///
/// A Mount asks in this order: ``remembered(_:)`` and ``verifyIfKeysKnown(_:)``, which answer at once, then
/// ``verify(_:)``, which may fetch keys. Keys are fetched at the first token, for an unknown key ID (at most every 10
/// seconds), and when they are an hour old; when a fetch fails, the keys at hand stay in force.
///
/// Accepted are RS256 and ES256 with a key that the header names by its ID and that is for this algorithm; there is no
/// default key. The token is neither kept nor logged.
package final class TokenVerifier: Sendable {
    /// The audience that tokens must be for.
    package let audience: String

    private let issuer: String?
    private let leeway: Duration
    private let clock: any WallClock
    private let memory: MemoryBox
    private let keys: SharedKeys

    /// Creates a verifier; nothing is fetched yet.
    ///
    /// - Parameters:
    ///   - issuer: what `iss` must be; `nil` takes the issuer that `keys` names.
    ///   - audience: what `aud` must contain.
    ///   - leeway: how far the clocks of this node and of the API server may be apart.
    package convenience init(
        issuer: String? = nil,
        audience: String,
        leeway: Duration,
        keys: any KeySource,
        clock: any WallClock,
        logger: Logger
    ) {
        self.init(
            issuer: issuer,
            audience: audience,
            leeway: leeway,
            keys: keys,
            timing: KeyRing.Timing(),
            clock: clock,
            logger: logger
        )
    }

    init(
        issuer: String?,
        audience: String,
        leeway: Duration,
        keys: any KeySource,
        timing: KeyRing.Timing,
        clock: any WallClock,
        logger: Logger
    ) {
        let memory = MemoryBox()
        self.issuer = issuer
        self.audience = audience
        self.leeway = leeway
        self.clock = clock
        self.memory = memory
        // A key that the cluster took back must not live on in what was verified with it.
        self.keys = SharedKeys(source: keys, timing: timing, clock: clock, logger: logger) { memory.forget() }
    }

    /// The token when it was verified before and is still within its time. One SHA-256, no input or output.
    package func remembered(_ token: Secret) -> VerifiedToken? {
        guard token.count <= CompactToken.longest else { return nil }
        return memory.token(token.sha256, now: clock.now, leeway: leeway)
    }

    /// Verifies the token when that needs no fetch of keys; `nil` when it does: go on with ``verify(_:)``.
    ///
    /// - Throws: `TokenMalformed`, `TokenRejected`, `TokenExpired`, `TokenNotForPod` or `KeysUnavailable`.
    package func verifyIfKeysKnown(_ token: Secret) throws(Refusal) -> VerifiedToken? {
        let parts = try CompactToken(token)
        guard let (key, issuer, generation) = try keys.keyAtHand(parts.keyID, parts.algorithm) else { return nil }
        return try check(parts, of: token, with: key, issuer: issuer, generation)
    }

    /// Verifies the token; fetches keys first when needed, at most once.
    ///
    /// - Throws: `TokenMalformed`, `TokenRejected`, `TokenExpired`, `TokenNotForPod`, `KeysUnavailable`, or `Cancelled`
    ///   when the task is.
    package func verify(_ token: Secret) async throws(Refusal) -> VerifiedToken {
        let parts = try CompactToken(token)
        let (key, issuer, generation) = try await keys.key(parts.keyID, parts.algorithm)
        return try check(parts, of: token, with: key, issuer: issuer, generation)
    }

    /// Verifies a token that is meant for another audience, and is about to be handed on to it. It is not remembered:
    /// such a token proves nothing to us.
    ///
    /// - Throws: as ``verify(_:)``.
    func verify(_ token: Secret, audience: String) async throws(Refusal) -> VerifiedToken {
        let parts = try CompactToken(token)
        let (key, issuer, _) = try await keys.key(parts.keyID, parts.algorithm)
        try checkSignature(parts, with: key)
        return try TokenClaims(json: parts.claims)
            .verified(issuer: self.issuer ?? issuer, audience: audience, leeway: leeway, now: clock.now)
    }

    /// Fetches the keys when there are none yet, so that the first Mount does not wait for them.
    ///
    /// - Throws: `KeysUnavailable`, or `Cancelled` when the task is. Nothing is lost then: the first token tries again.
    package func prepare() async throws(Refusal) { try await keys.prepare() }

    /// The state of the keys.
    package var keyStatus: KeyStatus { keys.status }

    /// The number of tokens that are remembered.
    package var rememberedCount: Int { memory.count }

    private func check(
        _ parts: CompactToken,
        of token: Secret,
        with key: SigningKey,
        issuer: String,
        _ generation: Int
    ) throws(Refusal) -> VerifiedToken {
        try checkSignature(parts, with: key)
        let now = clock.now
        let verified = try TokenClaims(json: parts.claims)
            .verified(issuer: self.issuer ?? issuer, audience: audience, leeway: leeway, now: now)
        memory.remember(verified, as: token.sha256, now: now, leeway: leeway, generation: generation)
        return verified
    }

    private func checkSignature(_ parts: CompactToken, with key: SigningKey) throws(Refusal) {
        guard key.signed(parts.signedBytes, as: parts.signature) else {
            throw Refusal(
                .tokenRejected,
                "the service account token's signature is not that of key \(Refusal.quoted(parts.keyID))",
                fix: TokenAdvice.origin
            )
        }
    }
}

/// ``TokenMemory`` behind a lock.
private final class MemoryBox: Sendable {
    private let memory = Mutex(TokenMemory())

    var count: Int { memory.withLock { $0.count } }

    func token(_ digest: SHA256Digest, now: UTCInstant, leeway: Duration) -> VerifiedToken? {
        memory.withLock { $0.token(digest, now: now, leeway: leeway) }
    }

    /// Remembers a token that was verified with keys of `generation`, unless a key was withdrawn since.
    func remember(
        _ token: VerifiedToken,
        as digest: SHA256Digest,
        now: UTCInstant,
        leeway: Duration,
        generation: Int
    ) {
        memory.withLock { memory in
            guard generation >= memory.generation else { return }
            memory.remember(token, as: digest, now: now, leeway: leeway)
        }
    }

    func forget() { memory.withLock { $0.forget() } }
}
