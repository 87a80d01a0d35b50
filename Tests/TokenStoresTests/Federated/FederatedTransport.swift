// Counterparts of federated sources without a socket, and over one.

import HTTPTransfer
import Logging
import Synchronization
import TokenStore
import TokenStoreTesting

@testable import LoopbackSources

/// Hands calls to a counterpart directly, whatever the host, and keeps them.
final class FederatedTransport: HTTPTransport {
    private let handle: @Sendable (SourceRequest) async -> SourceAnswer
    private let kept = Mutex<[HTTPCall]>([])

    init(_ handle: @escaping @Sendable (SourceRequest) async -> SourceAnswer) { self.handle = handle }

    /// The calls so far, in order.
    var calls: [HTTPCall] { kept.withLock { $0 } }
    /// The calls in short: `POST https://host/path`, with the query.
    var lines: [String] { calls.map { "\($0.method) \($0.url)" } }
    /// The form of one call, as it was sent.
    func form(_ index: Int) -> [String] {
        let bytes = calls.indices.contains(index) ? calls[index].body ?? [] : []
        return String(decoding: bytes, as: UTF8.self).split(separator: "&").map(String.init)
    }

    func send(_ call: HTTPCall) async throws(HTTPTransportError) -> HTTPAnswer {
        guard !Task.isCancelled else {
            throw HTTPTransportError(.cancelled, "the task was cancelled", requestMayHaveArrived: false)
        }
        kept.withLock { $0.append(call) }
        var headers: [String: String] = [:]
        for field in call.headers { headers[field.name.lowercased()] = field.value }
        headers["user-agent"] = "daypass/test"
        headers["authorization"] = call.authorization?.revealText()
        let afterScheme = call.url.drop { $0 != ":" }.dropFirst(3)
        let host = afterScheme.prefix { $0 != "/" && $0 != "?" }
        headers["host"] = String(host)
        let target = afterScheme[host.endIndex...]
        let path = target.prefix { $0 != "?" }
        let answer = await handle(
            SourceRequest(
                method: call.method,
                path: String(path),
                query: String(target[path.endIndex...].dropFirst()),
                headers: headers,
                body: call.body ?? []
            )
        )
        return HTTPAnswer(
            status: answer.status,
            headers: answer.headers.map { HTTPField($0.key, $0.value) },
            body: answer.body
        )
    }
}

/// What the tests of federated stores share.
enum Federated {
    /// A cluster. Made once: its keys take a noticeable part of a second.
    static let subjects = Result { try SubjectTokens() }

    /// A request of the build of most tests.
    static func request(
        _ scope: TokenScope,
        _ subjectToken: String?,
        lifetime: Duration? = nil
    ) -> TokenRequest {
        TokenRequest(
            subject: SubjectTokens.subject,
            scope: scope,
            lifetime: lifetime,
            subjectToken: subjectToken.map { Secret(utf8: $0) }
        )
    }

    static func context(
        _ http: any HTTPTransport,
        clock: any WallClock = SystemClock(),
        secrets: [String: String] = [:]
    ) -> TokenStoreContext {
        TokenStoreContext(
            name: "store",
            clock: clock,
            http: http,
            secrets: FixedSecrets(secrets),
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        )
    }

    /// The error of an issue that must fail.
    static func refusal(_ store: some TokenStore, _ request: TokenRequest) async throws -> TokenStoreError {
        do throws(TokenStoreError) {
            _ = try await store.issue(request)
        } catch {
            return error
        }
        throw NoRefusal()
    }

    struct NoRefusal: Error {}

    /// What is said of settings that must be refused; empty when they are taken.
    static func complaint<Store: TokenStore>(_ store: Store.Type, _ settings: Store.Settings) -> String {
        do throws(TokenStoreError) {
            _ = try Store.service(for: settings)
            return ""
        } catch {
            // Each complaint tells an operator what to do.
            return error.code == .misconfigured && !error.fix.isEmpty ? error.message : ""
        }
    }

    /// Runs a counterpart on a port and a real transport to it.
    static func overHTTP<R: Sendable>(
        _ handle: @escaping @Sendable (SourceRequest) async -> SourceAnswer,
        _ body: (String, any HTTPTransport) async throws -> R
    ) async throws -> R {
        try await withLoopbackSource(handle) { url in
            let options = HTTPTransferOptions(connectTimeout: .seconds(20), proxy: .none, environment: [:])
            let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
            return try await withCurlTransport(options, logger: logger) { http in try await body(url, http) }
        }
    }
}
