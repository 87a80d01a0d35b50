// Which provider a SecretProviderClass names.

import BuildEnds
import KubernetesAPI
import Leases
import LogEvents
import Logging
import Synchronization
import TokenStore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Asks for SecretProviderClasses, and remembers the answers for a while. It needs a role with `get` on
/// `secretproviderclasses` of `secrets-store.csi.x-k8s.io`.
struct ClassAPI: Sendable {
    private static let needs = "get on secretproviderclasses (secrets-store.csi.x-k8s.io)"

    let client: KubernetesClient

    /// The provider that a class names; `nil` when there is no such class.
    func provider(namespace: String, name: String) async throws(KubernetesError) -> String? {
        let what = "get SecretProviderClass \(name) in namespace \(namespace)"
        guard KubernetesName.isName(namespace), KubernetesName.isName(name) else {
            throw KubernetesError(.refused, "a Pod names a SecretProviderClass that can't be")
        }
        let path = "/apis/secrets-store.csi.x-k8s.io/v1/namespaces/\(namespace)/secretproviderclasses/\(name)"
        let call = try client.call("GET", path, timeout: .seconds(10), bodyLimit: 4 << 20)
        let answer = try await client.send(call, what)
        switch answer.status {
        case 200:
            guard let found = try? JSONDecoder().decode(Class.self, from: Data(answer.body)),
                found.kind == "SecretProviderClass"
            else {
                throw KubernetesError(
                    .unreadable,
                    "the API server's answer is no SecretProviderClass (\(what))",
                    fix: KubernetesError.proxyHint
                )
            }
            return found.spec?.provider ?? ""
        case 404: return nil
        default:
            throw .status(answer.status, what, needs: Self.needs, retryAfter: answer.header("retry-after"))
        }
    }

    private struct Class: Decodable {
        struct Spec: Decodable { var provider: String? }
        var kind: String?
        var spec: Spec?
    }
}

/// Judges classes: whether they name our provider.
final class ClassJudge: Sendable {
    private struct Key: Hashable {
        var namespace: String
        var name: String
    }

    private struct State {
        var known: [Key: (verdict: UnansweredPods.Verdict, until: Duration)] = [:]
        var failure: KubernetesError.Code?
        /// Nothing is asked before this time.
        var heldUntil: Duration = .zero
    }

    private static let memory: Duration = .seconds(300)
    private static let afterForbidden: Duration = .seconds(3600)
    /// A look at Pods must not wait for many calls that fail one by one.
    private static let afterError: Duration = .seconds(60)

    private let api: ClassAPI
    private let provider: String
    private let clock: LeaseClock
    private let logger: Logger
    private let state = Mutex(State())

    /// - Parameter provider: our name, as classes have it in `spec.provider`.
    init(_ api: ClassAPI, provider: String, clock: LeaseClock, logger: Logger) {
        self.api = api
        self.provider = provider
        self.clock = clock
        self.logger = logger
    }

    /// Judges a suspicion's class.
    ///
    /// - Returns: `nil` when it can't be asked for now, because another call has just failed.
    func verdict(_ suspicion: UnansweredPods.Suspicion) async -> UnansweredPods.Verdict? {
        if suspicion.isLate { return .ours }
        let key = Key(namespace: suspicion.pod.namespace, name: suspicion.className)
        // A tenant's mistake, which no call need find out: it must hold up nobody else.
        guard KubernetesName.isName(key.namespace), KubernetesName.isName(key.name) else { return .unknown }
        let now = clock.steady()
        let (known, isHeld) = state.withLock { state in
            state.known = state.known.filter { $0.value.until > now }
            return (state.known[key]?.verdict, now < state.heldUntil)
        }
        if let known { return known }
        if isHeld { return nil }
        do throws(KubernetesError) {
            let named = try await api.provider(namespace: key.namespace, name: key.name)
            let verdict: UnansweredPods.Verdict = named.map { $0 == provider ? .ours : .others } ?? .unknown
            state.withLock { state in
                state.known[key] = (verdict, now + Self.memory)
                state.failure = nil
            }
            return verdict
        } catch {
            tell(error, at: clock.steady())
            return .unknown
        }
    }

    /// Says once why classes can't be looked up.
    private func tell(_ error: KubernetesError, at now: Duration) {
        guard error.code != .cancelled else { return }
        let isNew = state.withLock { state in
            defer { state.failure = error.code }
            state.heldUntil = now + (error.code == .forbidden ? Self.afterForbidden : Self.afterError)
            return state.failure != error.code
        }
        guard isNew else { return }
        var metadata: Logger.Metadata = ["because": "\(error.message)"]
        if !error.fix.isEmpty { metadata["fix"] = "\(error.fix)" }
        logger.log(.classesUnreadable, "it can't be checked whether Pods run unanswered", metadata: metadata)
    }
}
