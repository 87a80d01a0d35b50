// A Gitea or Forgejo for tests: accounts, and the tokens that its API makes, lists and deletes.

import Foundation
import Synchronization

/// A counterpart of the token API, after Gitea's own sources (`routers/api/v1/user/app.go`,
/// `models/auth/access_token_scope.go`) and Forgejo's API description.
package final class LoopbackGitea: Sendable {
    /// Which software it plays.
    package struct Version: Sendable {
        /// Whether tokens have scopes at all; those of old versions may do everything.
        package var hasScopes = true
        /// Whether the answer to a mint says the scopes.
        package var echoesScopes = false
        /// Whether tokens can be limited to repositories.
        package var limitsRepositories = false

        package static let oldGitea = Version(hasScopes: false)
        package static let gitea = Version()
        package static let forgejo15 = Version(echoesScopes: true, limitsRepositories: true)
    }

    /// A token that was made.
    package struct Token: Sendable {
        package let id: Int
        package let user: String
        package let name: String
        package let secret: String
        package let scopes: [String]
        package let repositories: [String]?
    }

    private struct State {
        var passwords: [String: String] = [:]
        var repositories: Set<String> = []
        var tokens: [Token] = []
        var made = 0
        var nextID = 1
        var requests: [String] = []
    }

    private let state = Mutex(State())
    private let version: Version
    private let pageSize: Int
    private let git: @Sendable (_ request: SourceRequest, _ user: String) async -> SourceAnswer

    /// - Parameter pageSize: the most entries of a page, `MAX_RESPONSE_ITEMS`.
    package init(
        _ version: Version,
        pageSize: Int = 50,
        git: @escaping @Sendable (SourceRequest, String) async -> SourceAnswer = { _, _ in SourceAnswer(404) }
    ) {
        self.version = version
        self.pageSize = pageSize
        self.git = git
    }

    package func add(account: String, password: String) { state.withLock { $0.passwords[account] = password } }
    package func add(repository: String) { state.withLock { _ = $0.repositories.insert(repository) } }
    package func addOthers(_ count: Int, user: String, name: (Int) -> String) {
        for number in 0..<count {
            state.withLock { state in
                let token = Token(
                    id: state.nextID,
                    user: user,
                    name: name(number),
                    secret: UUID().uuidString,
                    scopes: ["read:user"],
                    repositories: nil
                )
                state.nextID += 1
                state.tokens.append(token)
            }
        }
    }

    /// The tokens that live.
    package var tokens: [Token] { state.withLock { $0.tokens } }
    /// How many were ever made by the API.
    package var made: Int { state.withLock { $0.made } }
    package var requests: [String] { state.withLock { $0.requests } }

    package func handle(_ request: SourceRequest) async -> SourceAnswer {
        guard request.path.hasPrefix("/api/v1/") else { return await serveGit(request) }
        let query = request.query.isEmpty ? "" : "?\(request.query)"
        state.withLock { $0.requests.append("\(request.method) \(request.path)\(query)") }
        // A token, by whatever field, is refused here on purpose.
        guard let (account, password) = request.basic, state.withLock({ $0.passwords[account] }) == password else {
            return Self.message(401, "user's password is invalid, or a token was presented")
        }
        let parts = request.path.dropFirst("/api/v1/".count).split(separator: "/").map(String.init)
        guard parts.count >= 3, parts[0] == "users", parts[2] == "tokens" else {
            return Self.message(404, "The target couldn't be found.")
        }
        guard parts[1].removingPercentEncoding == account else { return Self.message(403, "marked: not yours") }
        switch (request.method, parts.count) {
        case ("POST", 3): return create(request, account)
        case ("GET", 3): return list(request, account)
        case ("DELETE", 4): return delete(parts[3], account)
        default: return Self.message(405, "Method Not Allowed")
        }
    }

    private struct Draft: Decodable {
        struct Repository: Decodable {
            let owner: String
            let name: String
        }
        let name: String?
        let scopes: [String]?
        let repositories: [Repository]?
    }

    private func create(_ request: SourceRequest, _ account: String) -> SourceAnswer {
        guard let draft = request.json(Draft.self), let name = draft.name, !name.isEmpty else {
            return Self.message(422, "[Name]: Required")
        }
        let categories = [
            "activitypub", "admin", "issue", "misc", "notification", "organization", "package", "repository", "user",
        ]
        let known = Set(categories.flatMap { ["read:\($0)", "write:\($0)"] } + ["all", "public-only"])
        let scopes = version.hasScopes ? draft.scopes ?? [] : []
        guard Set(scopes).isSubset(of: known) else {
            return Self.message(400, "marked: invalid access token scope provided")
        }
        return state.withLock { state in
            guard !state.tokens.contains(where: { $0.user == account && $0.name == name }) else {
                return Self.message(400, "access token name has been used already")
            }
            var repositories: [String]?
            if version.limitsRepositories, let wanted = draft.repositories, !wanted.isEmpty {
                let names = wanted.map { "\($0.owner)/\($0.name)" }
                guard Set(names).isSubset(of: state.repositories) else {
                    return Self.message(404, "The target couldn't be found.")
                }
                repositories = names
            }
            let token = Token(
                id: state.nextID,
                user: account,
                name: name,
                secret: UUID().uuidString.replacingOccurrences(of: "-", with: "").lowercased(),
                scopes: scopes,
                repositories: repositories
            )
            state.nextID += 1
            state.made += 1
            state.tokens.append(token)
            var value = shown(token)
            value["sha1"] = token.secret
            if !version.echoesScopes { value["scopes"] = NSNull() }
            return Self.json(201, value)
        }
    }

    private func list(_ request: SourceRequest, _ account: String) -> SourceAnswer {
        let items = Dictionary(request.queryItems.map { ($0.name, $0.value) }) { first, _ in first }
        let own = tokens.filter { $0.user == account }
        let limit = min(max(items["limit"].flatMap(Int.init) ?? 30, 1), pageSize)
        let page = max(items["page"].flatMap(Int.init) ?? 1, 1)
        var answer = Self.json(200, own.dropFirst((page - 1) * limit).prefix(limit).map(shown))
        answer.headers["X-Total-Count"] = "\(own.count)"
        return answer
    }

    private func delete(_ idOrName: String, _ account: String) -> SourceAnswer {
        state.withLock { state in
            // A name is looked at only where it is no number.
            let index = state.tokens.firstIndex { token in
                token.user == account && (Int(idOrName).map { $0 == token.id } ?? (token.name == idOrName))
            }
            guard let index else { return Self.message(404, "The target couldn't be found.") }
            state.tokens.remove(at: index)
            return SourceAnswer(204)
        }
    }

    private func shown(_ token: Token) -> [String: Any] {
        var value: [String: Any] = [
            "id": token.id, "name": token.name, "sha1": "", "token_last_eight": String(token.secret.suffix(8)),
        ]
        if version.hasScopes { value["scopes"] = token.scopes }
        if version.limitsRepositories {
            value["repositories"] =
                token.repositories.map { names in names.map { ["full_name": $0] } } as Any? ?? NSNull()
        }
        return value
    }

    /// Admits requests to git: a live token as the password, with any user name.
    private func serveGit(_ request: SourceRequest) async -> SourceAnswer {
        guard let access = GitAccess(request) else { return SourceAnswer(404) }
        guard let (username, password) = request.basic, let token = tokens.first(where: { $0.secret == password })
        else {
            return GitAccess.challenge("Gitea")
        }
        let mayAll = token.scopes.isEmpty
        let mayPush = mayAll || token.scopes.contains("write:repository")
        guard mayPush || token.scopes.contains("read:repository"),
            token.repositories.map({ $0.contains(access.repository) }) ?? true
        else { return GitAccess.denial(404, "Repository not found") }
        guard mayPush || !access.pushes else { return GitAccess.denial(403, "User permission denied for writing.") }
        return await git(request, username)
    }

    private static func message(_ status: Int, _ text: String) -> SourceAnswer {
        json(status, ["message": text, "url": "/api/swagger"])
    }

    private static func json(_ status: Int, _ value: Any) -> SourceAnswer {
        let body = (try? JSONSerialization.data(withJSONObject: value, options: [.sortedKeys])) ?? Data()
        return .json(status, String(decoding: body, as: UTF8.self))
    }
}
