// The cluster's keys as a state machine: which key, or fetch first, or no.

import Refusals
import TokenStore

/// The keys that are known, and when to fetch them again. Pure: it neither fetches nor waits.
struct KeyRing: Sendable {
    /// How often keys are fetched.
    struct Timing: Sendable {
        /// The least time between two fetches.
        var pause: Duration = .seconds(10)
        /// The age at which keys are fetched anew although all that was asked for is known.
        var age: Duration = .seconds(3600)
        /// The least time between two fetches for age alone, after a failure.
        var pauseForAge: Duration = .seconds(60)
    }

    /// What to do about a token.
    enum Step: Sendable {
        /// Verify it with this key.
        case use(SigningKey, issuer: String)
        /// Fetch the keys, or wait for the fetch that runs; then ask again with `fetched`.
        case fetch
        /// Refuse it.
        case refuse(Refusal)
    }

    private struct Known: Sendable {
        var keys: SigningKeys
        var issuer: String
        var fetchedAt: UTCInstant
    }

    private let location: String
    private let timing: Timing
    private var known: Known?
    private var failure: Refusal?
    private var lastFetch: UTCInstant?
    private var fetchBefore: UTCInstant?
    /// How often a fetch showed that a key was withdrawn.
    private(set) var generation = 0
    /// Whether a fetch runs.
    private(set) var isFetching = false

    init(location: String, timing: Timing = Timing()) {
        self.location = location
        self.timing = timing
    }

    /// The state, for readiness.
    var status: KeyStatus {
        KeyStatus(
            location: location,
            issuer: known?.issuer,
            keyCount: known?.keys.count ?? 0,
            fetchedAt: known?.fetchedAt,
            failure: failure
        )
    }

    /// What to do about a token that says it is signed with key `id`.
    ///
    /// - Parameter fetched: whether the caller has just fetched, or waited for a fetch: it is not sent for another.
    func step(id: String, algorithm: SigningAlgorithm, now: UTCInstant, fetched: Bool) -> Step {
        let mayFetch = !fetched && (isFetching || isOver(timing.pause, since: lastFetch, now: now))
        guard let known else { return mayFetch ? .fetch : .refuse(noKeys(now: now)) }
        guard let key = known.keys[id] else { return mayFetch ? .fetch : .refuse(unknown(id, known)) }
        guard key.algorithm == algorithm else { return .refuse(mismatch(id, key, algorithm)) }
        // While another caller fetches for age, the keys at hand are good enough.
        let isOld = isOver(timing.age, since: known.fetchedAt, now: now)
        if isOld, !fetched, !isFetching, isOver(timing.pauseForAge, since: lastFetch, now: now) { return .fetch }
        return .use(key, issuer: known.issuer)
    }

    /// Whether the keys must be fetched before any token can be verified, and may be now.
    func needsFirstFetch(now: UTCInstant) -> Bool {
        known == nil && (isFetching || isOver(timing.pause, since: lastFetch, now: now))
    }

    /// Why there are no keys at all; `nil` when there are.
    func absence(now: UTCInstant) -> Refusal? { known == nil ? noKeys(now: now) : nil }

    /// Notes that a fetch begins.
    mutating func begin(now: UTCInstant) {
        isFetching = true
        fetchBefore = lastFetch
        lastFetch = now
    }

    /// Notes that the fetch was given up by its caller: it does not count.
    mutating func abandon() {
        isFetching = false
        lastFetch = fetchBefore
    }

    /// Takes over what a fetch brought; a failure leaves the keys at hand in force.
    ///
    /// - Returns: whether a key that was known before is gone, or is another one now.
    mutating func end(_ result: Result<JWKSDocument, Refusal>, now: UTCInstant) -> Bool {
        isFetching = false
        switch result {
        case .failure(let refusal):
            failure = refusal
            return false
        case .success(let document):
            let keys: SigningKeys
            do throws(SigningKeys.Problem) { keys = try SigningKeys(jwks: document.jwks) } catch {
                failure = error.refusal(from: location)
                return false
            }
            let lost = known.map { !keys.includes($0.keys) || $0.issuer != document.issuer } ?? false
            known = Known(keys: keys, issuer: document.issuer, fetchedAt: now)
            failure = nil
            if lost { generation += 1 }
            return lost
        }
    }

    /// A clock that was set back must not stop fetches: a time that is yet to come counts as long ago.
    private func isOver(_ pause: Duration, since instant: UTCInstant?, now: UTCInstant) -> Bool {
        guard let instant else { return true }
        let elapsed = instant.duration(to: now)
        return elapsed < .zero || elapsed >= pause
    }

    private func noKeys(now: UTCInstant) -> Refusal {
        failure ?? Refusal(.keysUnavailable, "the cluster's signing keys were not fetched yet from \(location)")
    }

    private func unknown(_ id: String, _ known: Known) -> Refusal {
        let signed = "the service account token is signed with key \(Refusal.quoted(id))"
        if let failure {
            let message = "\(signed), which is unknown, and new keys can't be had: \(failure.message)"
            return Refusal(.keysUnavailable, message, fix: failure.fix)
        }
        return Refusal(
            .tokenRejected,
            "\(signed), which is not among the cluster's keys (\(known.keys.count) from \(location), read \(known.fetchedAt))",
            fix: TokenAdvice.origin
        )
    }

    private func mismatch(_ id: String, _ key: SigningKey, _ algorithm: SigningAlgorithm) -> Refusal {
        Refusal(
            .tokenRejected,
            """
            the service account token says it is signed by \(algorithm.rawValue) with key \(Refusal.quoted(id)), which \
            is a key for \(key.algorithm.rawValue)
            """,
            fix: TokenAdvice.origin
        )
    }
}
