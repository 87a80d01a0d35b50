// A GitHub on a loopback port: the API by which an App mints tokens, in front of real git repositories.

import CryptoExtras
import Foundation
import Synchronization

/// A GitHub-compatible forge for the demo and for tests. It checks what GitHub checks and forgets everything at its end.
///
/// Create it with ``withLoopbackForge(_:_:)``. Two of them play two hosts: they differ by port.
package final class LoopbackForge: Sendable {
    /// The base URL that git clones from: `http://127.0.0.1:PORT`.
    package let webURL: String
    /// The API's base URL, in the form of an Enterprise Server.
    package var apiURL: String { webURL + "/api/v3" }
    /// The host with its port.
    package var host: String { String(webURL.dropFirst("http://".count)) }
    /// The App's id.
    package var appID: String { options.appID }
    /// The App's private key in PEM.
    package let privateKeyPEM: String

    private let options: ForgeOptions
    private let api: ForgeAPI
    private let front: GitFront
    private let backend: GitBackend
    private let state = Mutex(ForgeState())

    init(options: ForgeOptions, key: _RSA.Signing.PrivateKey, root: URL, webURL: String) {
        self.options = options
        self.webURL = webURL
        privateKeyPEM = key.pemRepresentation
        api = ForgeAPI(
            options: options,
            verifier: AppTokenVerifier(appID: options.appID, publicKey: key.publicKey)
        )
        front = GitFront(options: options)
        backend = GitBackend(root: root)
    }

    // MARK: What there is

    /// Adds a repository with one commit on `main`, and the App's installation on its owner if there is none yet.
    ///
    /// - Parameters:
    ///   - fullName: `owner/name`.
    ///   - isInstalled: Whether the App's installation may reach it.
    /// - Returns: The commit's id.
    @discardableResult
    package func addRepository(
        _ fullName: String,
        files: [String: String] = ["README.md": "hello\n"],
        submodules: [ForgeSubmodule] = [],
        isPrivate: Bool = true,
        isInstalled: Bool = true
    ) async throws -> String {
        let commit = try await backend.create(fullName, files: files, submodules: submodules)
        state.withLock { state in
            let repository = ForgeState.Repository(id: state.newID(), fullName: fullName, isPrivate: isPrivate)
            state.repositories[fullName.lowercased()] = repository
            guard isInstalled else { return }
            let id = state.installation(owner: repository.owner)?.id ?? state.newID()
            state.installations[
                id,
                default: ForgeState.Installation(id: id, owner: repository.owner, permissions: options.permissions)
            ].repositories.insert(fullName.lowercased())
        }
        return commit
    }

    /// The URL that a repository is cloned from.
    package func cloneURL(_ fullName: String) -> String { "\(webURL)/\(fullName).git" }

    /// Suspends the App's installation on an owner, or ends that.
    package func setSuspended(_ isSuspended: Bool, owner: String) {
        state.withLock { state in
            if let id = state.installation(owner: owner)?.id { state.installations[id]?.isSuspended = isSuspended }
        }
    }

    /// Removes the App from an owner and installs it again: the installation has another id then, and its tokens are
    /// dead.
    package func reinstall(owner: String) {
        state.withLock { state in
            guard let old = state.installation(owner: owner) else { return }
            state.installations[old.id] = nil
            let id = state.newID()
            let new = ForgeState.Installation(
                id: id,
                owner: old.owner,
                permissions: old.permissions,
                repositories: old.repositories
            )
            state.installations[id] = new
        }
    }

    /// Makes the next operations of a kind go wrong.
    package func fail(_ operation: ForgeOperation, _ fault: ForgeFault, times: Int = 1) {
        state.withLock { state in
            state.faults[operation, default: []] += Array(repeating: fault, count: times)
        }
    }

    // MARK: What happened

    /// The number of tokens that were minted.
    package var mintCount: Int { state.withLock { $0.mintCount } }
    /// The number of tokens that were revoked.
    package var revocationCount: Int { state.withLock { $0.revocationCount } }
    /// All tokens, in the order of their mint.
    package var tokens: [ForgeToken] { state.withLock { $0.tokens } }
    /// The tokens that still work.
    package var liveTokens: [ForgeToken] {
        state.withLock { state in state.tokens.filter { state.isLive($0, now: options.now()) } }
    }
    /// The requests that came, in the order of their answers.
    package var requests: [ForgeRequestRecord] { state.withLock { $0.requests } }

    // MARK: Requests

    /// Answers a request.
    func answer(_ request: ForgeRequest) async -> ForgeAnswer {
        let route = request.path.hasPrefix("/api/v3/") ? ForgeAPI.Route(request.method, request.path.dropFirst(7)) : nil
        let operation = route?.operation ?? (GitFront.split(request.path) == nil ? .unknown : .git)
        let fault = state.withLock { $0.takeFault(operation) }
        var answer: ForgeAnswer
        switch fault {
        case .answer(let status, let headers, let message):
            answer = .error(status, message)
            answer.headers.merge(headers) { _, new in new }
        case .slow(let pause):
            // A pause that is cut short by the server's end needs no answer.
            try? await Task.sleep(for: pause)
            answer = await perform(request, route)
        case .held(let gate):
            await gate.pass()
            answer = await perform(request, route)
        case .lostAnswer:
            answer = await perform(request, route)
            answer.breaks = true
        case .widerGrant: answer = await perform(request, route, wider: true)
        case nil: answer = await perform(request, route)
        }
        if answer.headers["Date"] == nil { answer.headers["Date"] = ForgeTime.http(options.now()) }
        record(request, operation, status: answer.status)
        return answer
    }

    private func perform(_ request: ForgeRequest, _ route: ForgeAPI.Route?, wider: Bool = false) async -> ForgeAnswer {
        if let route { return state.withLock { api.answer(request, route, wider: wider, in: &$0) } }
        switch state.withLock({ front.decide(request, in: &$0) }) {
        case .failure(let denial): return denial.answer
        case .success(let admission):
            do {
                return try await backend.serve(request, admission)
            } catch {
                return ForgeAnswer(status: 500, body: Array("\(error)\n".utf8))
            }
        }
    }

    private func record(_ request: ForgeRequest, _ operation: ForgeOperation, status: Int) {
        let scheme = request.header("authorization").map { $0.prefix { $0 != " " }.lowercased() }
        let record = ForgeRequestRecord(
            operation: operation,
            method: request.method,
            path: request.path,
            host: request.header("host") ?? "",
            credential: scheme.map { ForgeRequestRecord.Credential(rawValue: $0) ?? .other } ?? .none,
            status: status
        )
        state.withLock { $0.requests.append(record) }
    }
}
