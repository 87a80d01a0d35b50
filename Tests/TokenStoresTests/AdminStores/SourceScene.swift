// A counterpart of a token source on a loopback port, and a store's surroundings that reach it over libcurl.

import Foundation
import HTTPTransfer
import Logging
import LoopbackSources
import Support
import Synchronization
import TokenStore
import TokenStoreTesting

/// The surroundings of a store whose source is a counterpart.
struct SourceScene {
    /// The counterpart's base URL.
    let url: String
    let http: WatchedHTTP

    /// Runs `body` with a counterpart.
    static func with<Result: Sendable>(
        _ handle: @escaping @Sendable (SourceRequest) async -> SourceAnswer,
        _ body: (SourceScene) async throws -> Result
    ) async throws -> Result {
        try await withLoopbackSource(handle) { url in
            let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
            let options = HTTPTransferOptions(connectTimeout: .seconds(20), proxy: .none, environment: [:])
            return try await withCurlTransport(options, logger: logger) { curl in
                try await body(SourceScene(url: url, http: WatchedHTTP(curl)))
            }
        }
    }

    func context(_ secrets: [String: String], clock: any WallClock = SystemClock()) -> TokenStoreContext {
        Self.context(http, secrets, clock: clock)
    }

    static func context(
        _ http: any HTTPTransport,
        _ secrets: [String: String],
        clock: any WallClock = SystemClock()
    ) -> TokenStoreContext {
        TokenStoreContext(
            name: "tested",
            clock: clock,
            http: http,
            secrets: FixedSecrets(secrets),
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        )
    }

    /// A request of the tests' build.
    static func request(
        _ repositories: [String],
        _ permissions: [String: AccessLevel] = [:],
        actions: Set<RegistryAction> = [],
        lifetime: Duration? = nil,
        name: String? = nil
    ) -> TokenRequest {
        TokenRequest(
            subject: SubjectTokens.subject,
            scope: TokenScope(repositories: repositories, permissions: permissions, actions: actions),
            lifetime: lifetime,
            tokenName: name
        )
    }
}

/// A transport that keeps what was sent, and can lose answers.
final class WatchedHTTP: HTTPTransport {
    private struct State {
        var calls: [HTTPCall] = []
        var losses = 0
    }

    private let base: any HTTPTransport
    private let state = Mutex(State())

    init(_ base: any HTTPTransport) { self.base = base }

    var calls: [HTTPCall] { state.withLock { $0.calls } }
    /// Lets the source do the next call's work, and loses its answer.
    func loseNextAnswer() { state.withLock { $0.losses += 1 } }

    func send(_ call: HTTPCall) async throws(HTTPTransportError) -> HTTPAnswer {
        let isLost = state.withLock { state in
            state.calls.append(call)
            defer { state.losses = max(state.losses - 1, 0) }
            return state.losses > 0
        }
        let answer = try await base.send(call)
        guard !isLost else {
            throw HTTPTransportError(.broken, "the test lost the answer", requestMayHaveArrived: true)
        }
        return answer
    }
}

/// The error of a call that must fail.
func storeError<Value>(_ body: () async throws(TokenStoreError) -> Value) async throws -> TokenStoreError {
    do throws(TokenStoreError) { _ = try await body() } catch { return error }
    throw SceneryFailure("a call that must fail succeeded")
}

/// Secrets that a test replaces.
final class ChangingSecrets: SecretReader {
    private let secrets = Mutex<[String: String]>([:])

    init(_ secrets: [String: String]) { self.secrets.withLock { $0 = secrets } }

    func set(_ file: String, _ text: String?) { secrets.withLock { $0[file] = text } }

    func read(_ reference: SecretReference) throws(TokenStoreError) -> Secret {
        try FixedSecrets(secrets.withLock(\.self)).read(reference)
    }
}
