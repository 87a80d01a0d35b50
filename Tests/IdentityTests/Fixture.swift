// What the tests of this target share: one issuer, one Pod, key sources that count.

import Identity
import Logging
import LoopbackCluster
import Refusals
import Synchronization
import Testing
import TokenStore
import TokenStoreTesting

enum Fixture {
    /// Keys take a while to make, so that most tests share one issuer; tests that rotate keys make their own.
    static let issuer = Result { try ServiceAccountIssuer() }

    static let subject = Subject(
        namespace: "binder",
        serviceAccount: "builder",
        podName: "build-7",
        podUID: "3b5e8a0e-0c39-4b5b-9f7c-0d9b9ac01b11"
    )

    static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    static let leeway: Duration = .seconds(30)

    /// The advice that most refusals of a token end with.
    static let origin = """
        the token must be kubelet's own, from tokenRequests of the CSIDriver object; one that a SecretProviderClass or a \
        volumeAttribute brings along is not accepted
        """
}

/// A key source in memory: it counts, it can fail, and it can be held up.
final class TestKeySource: KeySource {
    private struct State {
        var result: Result<JWKSDocument, Refusal>
        var fetches = 0
        var isHeld = false
        var held: [CheckedContinuation<Void, Never>] = []
    }

    private let state: Mutex<State>

    init(_ result: Result<JWKSDocument, Refusal>) { state = Mutex(State(result: result)) }

    convenience init(_ issuer: ServiceAccountIssuer) throws {
        self.init(.success(JWKSDocument(issuer: issuer.name, jwks: try issuer.jwks())))
    }

    var location: String { "memory" }
    var fetches: Int { state.withLock { $0.fetches } }
    var heldCount: Int { state.withLock { $0.held.count } }

    func set(_ result: Result<JWKSDocument, Refusal>) { state.withLock { $0.result = result } }

    func set(_ issuer: ServiceAccountIssuer) throws {
        set(.success(JWKSDocument(issuer: issuer.name, jwks: try issuer.jwks())))
    }

    /// Fetches wait from now on until ``release()``.
    func hold() { state.withLock { $0.isHeld = true } }

    func release() {
        let held = state.withLock { state in
            state.isHeld = false
            defer { state.held = [] }
            return state.held
        }
        for continuation in held { continuation.resume() }
    }

    func fetch() async throws(Refusal) -> JWKSDocument {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let isHeld = state.withLock { state in
                state.fetches += 1
                if state.isHeld { state.held.append(continuation) }
                return state.isHeld
            }
            if !isHeld { continuation.resume() }
        }
        if Task.isCancelled { throw Refusal(.cancelled, "cancelled") }
        return try state.withLock { $0.result }.get()
    }
}

/// A verifier, its clock and its key source.
struct Bench {
    let clock = ManualClock()
    let issuer: ServiceAccountIssuer
    let source: TestKeySource
    let verifier: TokenVerifier

    init(issuer: ServiceAccountIssuer? = nil, expecting name: String? = nil) throws {
        let issuer = try issuer ?? Fixture.issuer.get()
        self.issuer = issuer
        source = try TestKeySource(issuer)
        verifier = TokenVerifier(
            issuer: name,
            audience: "daypass",
            leeway: Fixture.leeway,
            keys: source,
            clock: clock,
            logger: Fixture.logger
        )
    }

    /// A token that is right in all but what `change` and `signing` make wrong.
    func token(_ signing: TokenSigning = .rs256, _ change: (inout PodToken) -> Void = { _ in }) throws -> Secret {
        var claims = PodToken(for: Fixture.subject, at: clock.now)
        change(&claims)
        return Secret(utf8: try issuer.sign(claims, signing))
    }

    /// The refusal of a token as a user reads it.
    func refusal(of token: Secret) async -> String {
        do throws(Refusal) { return "accepted: \(try await verifier.verify(token).subject)" } catch {
            return error.description
        }
    }
}

/// Waits until `condition` holds; fails the test after a generous time.
func eventually(_ what: String, _ condition: () -> Bool) async throws {
    for _ in 0..<3000 {
        if condition() { return }
        try await Task.sleep(for: .milliseconds(10))
    }
    Issue.record("\(what) did not happen within 30 s")
}
