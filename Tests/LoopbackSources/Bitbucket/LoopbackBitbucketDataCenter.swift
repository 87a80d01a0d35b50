// A Bitbucket Data Center for tests: repositories, and the HTTP access tokens that its API makes, lists and deletes.

import Foundation
import Synchronization
package import TokenStore

/// A counterpart of `/rest/access-tokens/latest`
/// (<https://developer.atlassian.com/server/bitbucket/rest/latest/api-group-authentication/>), and of git there.
package final class LoopbackBitbucketDataCenter: Sendable {
    package struct Token: Sendable {
        package let id: String
        package let repository: String
        package let name: String
        package let secret: String
        package let permissions: [String]
        package let expiresAt: UTCInstant
    }

    private struct State {
        var passwords: [String: String] = [:]
        /// Administrators by `PROJ/app`.
        var repositories: [String: Set<String>] = [:]
        var tokens: [Token] = []
        var made = 0
        var nextID = 252_973_515_069
        var requests: [String] = []
    }

    private let state = Mutex(State())
    private let clock: any WallClock
    private let acceptsBasic: Bool
    private let git: @Sendable (_ request: SourceRequest, _ user: String) async -> SourceAnswer

    /// - Parameter acceptsBasic: whether git's requests may show a repository's token in Basic credentials; the
    ///   documentation of some versions says that they must be bearer tokens.
    package init(
        clock: any WallClock = SystemClock(),
        acceptsBasic: Bool = true,
        git: @escaping @Sendable (SourceRequest, String) async -> SourceAnswer = { _, _ in SourceAnswer(404) }
    ) {
        self.clock = clock
        self.acceptsBasic = acceptsBasic
        self.git = git
    }

    package func add(account: String, password: String) { state.withLock { $0.passwords[account] = password } }
    package func add(repository: String, administrators: Set<String>) {
        state.withLock { $0.repositories[repository] = administrators }
    }
    package func addOthers(_ count: Int, repository: String, name: (Int) -> String) {
        for number in 0..<count { _ = add(repository, name(number), ["REPO_READ"], days: 1) }
    }

    package var tokens: [Token] { state.withLock { $0.tokens } }
    package var made: Int { state.withLock { $0.made } }
    package var requests: [String] { state.withLock { $0.requests } }

    private func add(_ repository: String, _ name: String, _ permissions: [String], days: Int64) -> Token {
        state.withLock { state in
            let token = Token(
                id: "\(state.nextID)",
                repository: repository,
                name: name,
                secret: "BBDC-" + UUID().uuidString.replacingOccurrences(of: "-", with: ""),
                permissions: permissions,
                expiresAt: clock.now.advanced(by: .seconds(days * 86400))
            )
            state.nextID += 1
            state.tokens.append(token)
            return token
        }
    }

    package func handle(_ request: SourceRequest) async -> SourceAnswer {
        guard request.path.hasPrefix("/rest/access-tokens/latest/") else { return await serveGit(request) }
        let query = request.query.isEmpty ? "" : "?\(request.query)"
        state.withLock { $0.requests.append("\(request.method) \(request.path)\(query)") }
        guard let (account, password) = request.basic, state.withLock({ $0.passwords[account] }) == password else {
            return Self.error(401, "Authentication failed.", "auth.IncorrectPasswordAuthenticationException")
        }
        let parts = request.path.split(separator: "/").dropFirst(3).map(String.init)
        guard parts.count == 4 || parts.count == 5, parts[0] == "projects", parts[2] == "repos" else {
            return .json(404, #"{"message":"HTTP 404 Not Found","status-code":404,"sub-code":-1}"#)
        }
        let repository = "\(parts[1])/\(parts[3])"
        guard let administrators = state.withLock({ $0.repositories[repository] }) else {
            return Self.error(404, "Repository \(repository) does not exist.", "repository.NoSuchRepositoryException")
        }
        guard administrators.contains(account) else {
            return Self.error(401, "You are not permitted to do this.", "AuthorisationException")
        }
        switch (request.method, parts.count) {
        case ("PUT", 4): return create(request, repository)
        case ("GET", 4): return list(request, repository)
        case ("DELETE", 5): return delete(parts[4], repository, request)
        default: return Self.error(405, "Method Not Allowed", "NotAllowed")
        }
    }

    private struct Draft: Decodable {
        let name: String?
        let permissions: [String]?
        let expiryDays: Int64?
    }

    private func create(_ request: SourceRequest, _ repository: String) -> SourceAnswer {
        guard request.headers["content-type"] == "application/json" else {
            return Self.error(415, "Unsupported Media Type", "UnsupportedMediaType")
        }
        guard let draft = request.json(Draft.self), let name = draft.name, !name.isEmpty,
            let permissions = draft.permissions, !permissions.isEmpty
        else {
            return Self.error(400, "The name or the permissions are missing.", "validation.ArgumentValidationException")
        }
        // A repository's token can have no permission on the project.
        guard Set(permissions).isSubset(of: ["REPO_READ", "REPO_WRITE", "REPO_ADMIN"]) else {
            return Self.error(400, "A permission is unknown.", "validation.ArgumentValidationException")
        }
        guard let days = draft.expiryDays, days > 0 else {
            return Self.error(400, "An expiry is required here.", "validation.ArgumentValidationException")
        }
        let token = add(repository, name, permissions, days: days)
        state.withLock { $0.made += 1 }
        let quoted = permissions.map { "\"\($0)\"" }.joined(separator: ",")
        return .json(
            200,
            #"{"id":"\#(token.id)","createdDate":\#(clock.now.epochSeconds)000,"name":"\#(name)","#
                + #""permissions":[\#(quoted)],"expiryDays":\#(days),"token":"\#(token.secret)"}"#
        )
    }

    private func list(_ request: SourceRequest, _ repository: String) -> SourceAnswer {
        let items = Dictionary(request.queryItems.map { ($0.name, $0.value) }) { first, _ in first }
        let start = max(items["start"].flatMap(Int.init) ?? 0, 0)
        let limit = min(max(items["limit"].flatMap(Int.init) ?? 25, 1), 100)
        let own = tokens.filter { $0.repository == repository }
        let shown = own.dropFirst(start).prefix(limit).map { #"{"id":"\#($0.id)","name":"\#($0.name)"}"# }
        let isLast = start + limit >= own.count
        return .json(
            200,
            #"{"values":[\#(shown.joined(separator: ","))],"size":\#(shown.count),"limit":\#(limit),"start":\#(start),"#
                + #""isLastPage":\#(isLast),"nextPageStart":\#(isLast ? "null" : "\(start + limit)")}"#
        )
    }

    private func delete(_ id: String, _ repository: String, _ request: SourceRequest) -> SourceAnswer {
        guard request.headers["x-atlassian-token"] == "no-check" else {
            return Self.error(403, "XSRF check failed", "XsrfException")
        }
        return state.withLock { state in
            guard let index = state.tokens.firstIndex(where: { $0.id == id && $0.repository == repository }) else {
                return Self.error(404, "The token does not exist.", "NoSuchEntityException")
            }
            state.tokens.remove(at: index)
            return SourceAnswer(204)
        }
    }

    /// Admits a live token of the repository.
    private func serveGit(_ request: SourceRequest) async -> SourceAnswer {
        guard let access = GitAccess(request) else { return SourceAnswer(404) }
        let basic = acceptsBasic ? request.basic.flatMap { $0.username == "x-token-auth" ? $0.password : nil } : nil
        guard let presented = request.bearer ?? basic, let token = tokens.first(where: { $0.secret == presented }),
            token.expiresAt > clock.now
        else { return GitAccess.challenge("Atlassian Bitbucket") }
        let path = access.repository.split(separator: "/")
        guard path.first == "scm", path.dropFirst().joined(separator: "/") == token.repository else {
            return GitAccess.denial(404, "Repository not found")
        }
        guard !access.pushes || token.permissions.contains("REPO_WRITE") else {
            return GitAccess.denial(403, "You are not permitted to push.")
        }
        return await git(request, "access-token-user")
    }

    private static func error(_ status: Int, _ message: String, _ exception: String) -> SourceAnswer {
        .json(
            status,
            #"{"errors":[{"context":null,"message":"marked: \#(message)","#
                + #""exceptionName":"com.atlassian.bitbucket.\#(exception)"}]}"#
        )
    }
}
