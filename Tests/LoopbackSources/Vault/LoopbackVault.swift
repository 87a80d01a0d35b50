// A small, strict Vault: logins, policies, leases, KV, response wrapping, Transit, and an engine that mints.

import Foundation
import Synchronization
package import TokenStore

/// A counterpart of Vault and OpenBao. It checks what they check, answers their errors, and keeps books.
///
/// What it plays is read from OpenBao's source (<https://github.com/openbao/openbao>) and Vault's documentation.
package final class LoopbackVault: Sendable {
    /// A role of an auth method.
    package struct Role: Sendable {
        package enum Method: String, Sendable { case jwt, kubernetes }

        package var method: Method
        package var boundAudience: String
        /// `sub` with jwt; the service account as `namespace/name` is derived from it with kubernetes.
        package var boundSubject: String?
        package var ttl: Duration = .seconds(300)
        package var maxTTL: Duration = .seconds(86_400)
        package var isRenewable = true
        package var isBatch = false
        package var uses = 0
        package var hasDefaultPolicy = true
        /// Paths (a `*` at the end stands for any rest) and what may be done there: `read`, `update`.
        package var policy: [String: Set<String>]

        package init(
            _ method: Method = .jwt,
            audience: String = "vault",
            subject: String? = "system:serviceaccount:binder:builder",
            policy: [String: Set<String>]
        ) {
            self.method = method
            boundAudience = audience
            boundSubject = subject
            self.policy = policy
        }
    }

    /// A token of the engine `github`.
    package struct Minted: Sendable {
        package let value: String
        package let organisation: String
        package let repositories: [String]
        package let permissions: [String: String]
        package fileprivate(set) var isLive: Bool
        package let leaseID: String

        mutating func end() { isLive = false }

        init(
            value: String,
            organisation: String,
            repositories: [String],
            permissions: [String: String],
            leaseID: String
        ) {
            self.value = value
            self.organisation = organisation
            self.repositories = repositories
            self.permissions = permissions
            self.leaseID = leaseID
            isLive = true
        }
    }

    /// How the engine `github` behaves.
    package struct Engine: Sendable {
        /// The App's installations: organisation to short names.
        package var repositories: [String: Set<String>] = [:]
        package var permissions: [String: String] = ["contents": "write", "packages": "read"]
        package var leaseTTL: Duration = .seconds(3600)
        package var leaseMaxTTL: Duration = .seconds(3600)
        package var isRenewable = false
        /// Grants this beside what was asked.
        package var widerPermissions: [String: String] = [:]
        /// Answers without a lease.
        package var isUnleased = false
        /// Answers with no token in it.
        package var answersNonsense = false

        package init() {}
    }

    /// A request that came, without its secrets.
    package struct Seen: Sendable, Equatable, CustomStringConvertible {
        package let line: String
        package let namespace: String?
        package let hasToken: Bool
        package let wrapTTL: String?
        package let body: String
        package let status: Int

        package var description: String { "\(line) -> \(status)" }
    }

    private let subjects: SubjectTokens
    private let now: @Sendable () -> UTCInstant
    private let state: Mutex<VaultState>

    package init(
        _ subjects: SubjectTokens,
        namespace: String? = nil,
        isOpenBao: Bool = true,
        now: @escaping @Sendable () -> UTCInstant = { SystemClock().now }
    ) {
        self.subjects = subjects
        self.now = now
        state = Mutex(VaultState(namespace: namespace, isOpenBao: isOpenBao))
    }

    /// Answers one request.
    package func answer(_ request: SourceRequest) -> SourceAnswer {
        let now = now()
        return state.withLock { state in
            state.sweep(now)
            let answer = state.route(request, subjects, now)
            state.seen.append(
                Seen(
                    line: "\(request.method) \(request.path)" + (request.query.isEmpty ? "" : "?\(request.query)"),
                    namespace: request.headers["x-vault-namespace"],
                    hasToken: VaultState.token(request) != nil,
                    wrapTTL: request.headers["x-vault-wrap-ttl"],
                    body: String(decoding: request.body, as: UTF8.self),
                    status: answer.status
                )
            )
            return answer
        }
    }

    // Set up.

    package func setRole(_ name: String, _ role: Role) { state.withLock { $0.roles[name] = role } }

    /// Changes what a role's tokens may do, those that are out included: policies are looked at with each call.
    package func setPolicy(_ path: String, _ capabilities: Set<String>?, ofRole name: String) {
        state.withLock { state in
            state.roles[name]?.policy[path] = capabilities
            for (id, token) in state.tokens where token.role == name { state.tokens[id]?.policy[path] = capabilities }
        }
    }

    package func setSealed(_ isSealed: Bool) { state.withLock { $0.isSealed = isSealed } }
    package func setEngine(_ change: @Sendable (inout Engine) -> Void) { state.withLock { change(&$0.engine) } }

    /// Writes a secret: to KV version 1 at `kv1/PATH`, and as a new version to KV version 2 at `secret/data/PATH`.
    package func write(_ path: String, _ values: [String: String]) {
        let now = now()
        state.withLock { state in
            state.kv1[path] = values
            state.kv2[path, default: []].append(VaultState.Version(values: values, created: now))
        }
    }

    /// Deletes the newest version of a secret in KV version 2.
    package func deleteNewest(_ path: String) {
        let now = now()
        state.withLock { state in
            guard let last = state.kv2[path]?.indices.last else { return }
            state.kv2[path]?[last].deleted = now
        }
    }

    /// Wraps values, as `sys/wrapping/wrap` or another path does.
    package func wrap(
        _ values: [String: String],
        ttl: Duration = .seconds(300),
        path: String = "sys/wrapping/wrap"
    ) -> String {
        let now = now()
        let data = VaultState.json(["data": values, "lease_id": "", "renewable": false, "lease_duration": 0])
        return state.withLock { $0.wrap(data, ttl: ttl, path: path, now) }
    }

    /// Makes a Transit key of RSA.
    package func addTransitKey(_ name: String, pem: String) { state.withLock { $0.transitKeys[name] = pem } }

    /// Ends all logins at once, as an operator does.
    package func revokeAllLogins() {
        state.withLock { state in
            for (id, token) in state.tokens where token.wrapped == nil { state.endToken(id) }
        }
    }

    // The books.

    package var seen: [Seen] { state.withLock { $0.seen } }
    package var minted: [Minted] { state.withLock { $0.minted } }
    /// Tokens of the engine that work now.
    package var live: [Minted] { read { $0.minted.filter(\.isLive) } }
    /// Logins that are not over.
    package var logins: Int { read { $0.tokens.values.filter { $0.wrapped == nil }.count } }
    package var loginCount: Int { state.withLock { $0.loginCount } }

    private func read<Result: Sendable>(_ body: (inout VaultState) -> Result) -> Result {
        let now = now()
        return state.withLock { state in
            state.sweep(now)
            return body(&state)
        }
    }
}
