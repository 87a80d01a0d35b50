// Watches a store's surroundings for secrets that come out where they must not.

import Logging
import Synchronization
import TokenStore

/// Knows the secrets that went into a store (files, the subject token, Authorization fields) and came out of it, and
/// everything that it said.
final class SecretWatch: Sendable {
    private struct State {
        var secrets: Set<String> = []
        var said: [String] = []
    }

    private let state = Mutex(State())

    init(_ request: TokenRequest) {
        if let token = request.subjectToken { knows(token) }
        // What a faulty source writes stands for a secret that it repeats.
        knows(Secret(utf8: FaultyTransport.mark))
    }

    /// Shorter texts are no secrets, and stand in innocent words.
    private static let shortest = 8

    func knows(_ secret: Secret) {
        let text = secret.revealText()
        let lines = text.split(whereSeparator: \.isWhitespace).map(String.init)
        state.withLock { state in
            for part in [text] + lines where part.utf8.count >= Self.shortest && !part.hasPrefix("-----") {
                state.secrets.insert(part)
            }
        }
    }

    func says(_ text: String) { state.withLock { $0.said.append(text) } }

    func saw(_ token: IssuedToken) {
        knows(token.secret)
        if let secret = token.handle?.secret { knows(secret) }
        says("\(token)")
        says(String(reflecting: token))
        says(token.handle?.identifier ?? "")
        says(token.username)
    }

    func saw(_ error: TokenStoreError) {
        says(error.description)
        says(String(reflecting: error))
        if let cause = error.cause { says("\(cause) \(String(reflecting: cause))") }
    }

    /// Where a secret came out.
    var violations: [String] {
        state.withLock { state in
            let leaks = state.said.filter { said in state.secrets.contains { said.contains($0) } }
            return leaks.isEmpty
                ? [] : ["a secret stands in \(leaks.count) of the store's errors, log lines or descriptions"]
        }
    }

    /// The same surroundings, watched.
    func watched(_ context: TokenStoreContext) -> TokenStoreContext {
        var watched = context
        watched.http = WatchedTransport(base: context.http, watch: self)
        watched.secrets = WatchedSecrets(base: context.secrets, watch: self)
        watched.programs = WatchedPrograms(base: context.programs, watch: self)
        var logger = Logger(label: context.logger.label, factory: { [self] _ in WatchedLog(watch: self) })
        logger.logLevel = .trace
        watched.logger = logger
        return watched
    }
}

private struct WatchedTransport: HTTPTransport {
    let base: any HTTPTransport
    let watch: SecretWatch

    func send(_ call: HTTPCall) async throws(HTTPTransportError) -> HTTPAnswer {
        // URLs are logged.
        watch.says(call.url)
        if let authorization = call.authorization { watch.knows(authorization) }
        return try await base.send(call)
    }
}

private struct WatchedSecrets: SecretReader {
    let base: any SecretReader
    let watch: SecretWatch

    func read(_ reference: SecretReference) throws(TokenStoreError) -> Secret {
        let secret = try base.read(reference)
        watch.knows(secret)
        return secret
    }
}

private struct WatchedPrograms: ProgramRunner {
    let base: any ProgramRunner
    let watch: SecretWatch

    func run(_ call: ProgramCall) async throws(ProgramError) -> ProgramOutput {
        // Every process of the machine can read arguments.
        watch.says(([call.path] + call.arguments).joined(separator: " "))
        return try await base.run(call)
    }

    func check(_ path: String) throws(ProgramError) { try base.check(path) }
}

private struct WatchedLog: LogHandler {
    let watch: SecretWatch
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .trace

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        watch.says("\(event.message) \(metadata) \(event.metadata ?? [:])")
    }
}
