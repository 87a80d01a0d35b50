// A store of Vault against its counterpart, in process, on a clock that stands still.

import Foundation
import Logging
import Synchronization
import Testing
import TokenStore
import TokenStoreTesting
import TokenStores

@testable import LoopbackSources

/// What the tests of the Vault stores share.
struct VaultFixture {
    static let subjects = Result { try SubjectTokens() }

    /// What a role needs for the engine that mints.
    static let policy: [String: Set<String>] = [
        "github/token": ["read", "update"], "sys/leases/revoke": ["update"], "secret/data/*": ["read"],
        "kv1/*": ["read"],
    ]

    let clock = ManualClock()
    let vault: LoopbackVault
    let transport: VaultTransport
    let subjects: SubjectTokens

    init(namespace: String? = nil, isOpenBao: Bool = true) throws {
        let clock = clock
        subjects = try Self.subjects.get()
        vault = LoopbackVault(subjects, namespace: namespace, isOpenBao: isOpenBao) { clock.now }
        transport = VaultTransport(vault: vault)
        vault.setRole("builds", LoopbackVault.Role(policy: Self.policy))
        vault.setEngine { $0.repositories = ["our-org": ["private", "other"]] }
    }

    func context(_ secrets: [String: String] = [:]) -> TokenStoreContext {
        TokenStoreContext(
            name: "vault",
            clock: clock,
            http: transport,
            secrets: FixedSecrets(secrets),
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        )
    }

    /// The GitHub plugin, told all that is asked.
    static let secret = VaultSettings.SecretSettings(
        path: "github/token",
        method: .post,
        parameters: ["org_name": "{owner}", "repositories": "{names}", "permissions": "{permissions}"],
        username: "x-access-token",
        passwordKey: "token",
        expiryKey: "expires_at",
        reach: .exact,
        echo: VaultEchoSettings(
            repositoriesKey: "repositories",
            permissionsKey: "permissions",
            implied: ["metadata": .read]
        )
    )

    static func settings(
        address: String = VaultTransport.address,
        namespace: String? = nil,
        auth: VaultAuthSettings = VaultAuthSettings(method: .jwt, role: "builds"),
        leaseSeconds: Int? = nil,
        _ change: (inout VaultSettings.SecretSettings) -> Void = { _ in }
    ) -> VaultSettings {
        var secret = Self.secret
        change(&secret)
        return VaultSettings(
            address: address,
            namespace: namespace,
            auth: auth,
            secret: secret,
            leaseSeconds: leaseSeconds,
            places: VaultPlacesSettings(gitURL: "https://github.com", namesIgnoreCase: true)
        )
    }

    static func kvSettings(
        address: String = VaultTransport.address,
        _ secret: VaultKVSettings.SecretSettings
    ) -> VaultKVSettings {
        VaultKVSettings(
            address: address,
            auth: VaultAuthSettings(method: .jwt, role: "builds"),
            secret: secret,
            places: VaultPlacesSettings(registryHost: "registry.example.com")
        )
    }

    func store(_ settings: VaultSettings = settings()) throws -> VaultStore {
        try VaultStore(settings: settings, context: context())
    }

    func kvStore(_ secret: VaultKVSettings.SecretSettings) throws -> VaultKVStore {
        try VaultKVStore(settings: Self.kvSettings(secret), context: context())
    }

    func request(
        _ repositories: [String] = ["our-org/private"],
        _ permissions: [String: AccessLevel] = ["contents": .read],
        audience: String = "vault",
        lifetime: Duration? = nil
    ) throws -> TokenRequest {
        TokenRequest(
            subject: SubjectTokens.subject,
            scope: TokenScope(repositories: repositories, permissions: permissions),
            lifetime: lifetime,
            subjectToken: Secret(utf8: try subjects.token(audience: audience, at: clock.now))
        )
    }

    /// The error of something that must fail.
    static func error(_ body: () async throws -> Void) async -> TokenStoreError? {
        do {
            try await body()
            Issue.record("it did not fail")
            return nil
        } catch {
            return error as? TokenStoreError
        }
    }

    /// The lines of the requests since the last call of this kind.
    func lines() -> [String] { vault.seen.map(\.line) }
}

/// Hands calls to a counterpart without a socket.
final class VaultTransport: HTTPTransport {
    static let address = "https://vault.example.com:8200"

    /// What may happen to an answer on its way.
    enum Loss: Sendable, Equatable {
        case answer, request
        /// A proxy answers in its place, with this status.
        case proxied(Int)
    }

    private let vault: LoopbackVault
    /// The paths whose next answer is lost.
    private let losses = Mutex<[String: Loss]>([:])
    /// Called before each call is handed on.
    let before = Mutex<(@Sendable (HTTPCall) async -> Void)?>(nil)

    init(vault: LoopbackVault) { self.vault = vault }

    func lose(_ loss: Loss, at path: String) { losses.withLock { $0[path] = loss } }

    func send(_ call: HTTPCall) async throws(HTTPTransportError) -> HTTPAnswer {
        await before.withLock(\.self)?(call)
        guard !Task.isCancelled else {
            throw HTTPTransportError(.cancelled, "the task was cancelled", requestMayHaveArrived: false)
        }
        guard call.url.hasPrefix(Self.address) else {
            throw HTTPTransportError(.unreachable, "another host", requestMayHaveArrived: false)
        }
        let target = call.url.dropFirst(Self.address.count).split(separator: "?", maxSplits: 1).map(String.init)
        let loss = losses.withLock { $0.removeValue(forKey: target[0]) }
        guard loss != .request else {
            throw HTTPTransportError(.unreachable, "no connection", requestMayHaveArrived: false)
        }
        var headers = Dictionary(call.headers.map { ($0.name.lowercased(), $0.value) }) { first, _ in first }
        headers["authorization"] = call.authorization?.revealText()
        let answer = vault.answer(
            SourceRequest(
                method: call.method,
                path: target[0],
                query: target.count > 1 ? target[1] : "",
                headers: headers,
                body: call.body ?? []
            )
        )
        if case .proxied(let status) = loss {
            return HTTPAnswer(status: status, headers: [], body: Array("<html>".utf8))
        }
        guard loss == nil else {
            throw HTTPTransportError(.broken, "the connection broke", requestMayHaveArrived: true)
        }
        return HTTPAnswer(
            status: answer.status,
            headers: answer.headers.map { HTTPField($0.key, $0.value) },
            body: answer.body
        )
    }
}
