// A GitLab for tests: projects, groups, and the tokens that its API mints, lists and revokes.

import Foundation
import Synchronization
package import TokenStore

/// A counterpart of GitLab's REST API for deploy tokens and access tokens, after GitLab's own sources
/// (`lib/api/deploy_tokens.rb`, `lib/api/resource_access_tokens.rb`, `lib/gitlab/auth.rb`): it checks what they check,
/// answers errors in their forms, and knows which tokens live.
package final class LoopbackGitLab: Sendable {
    /// A token that may call the API.
    package struct Caller: Sendable {
        /// Its scopes; `api` mints.
        package var scopes: Set<String> = ["api"]
        /// The role by project or group path.
        package var roles: [String: Int]
        /// Whether it is a project's own token: such a one makes no access tokens.
        package var isBot = false

        package init(scopes: Set<String> = ["api"], roles: [String: Int], isBot: Bool = false) {
            self.scopes = scopes
            self.roles = roles
            self.isBot = isBot
        }
    }

    /// A token that was minted.
    package struct Token: Sendable {
        package enum Kind: String, Sendable { case deploy = "deploy_tokens", access = "access_tokens" }
        package let id: Int
        package let kind: Kind
        /// `projects/our-org/app`, `groups/our-org`.
        package let owner: String
        package let name: String
        package let username: String
        package let secret: String
        package let scopes: [String]
        package let expiresAt: UTCInstant
        package let accessLevel: Int?
        package var isRevoked = false

        package func isLive(_ now: UTCInstant) -> Bool { !isRevoked && now < expiresAt }
    }

    private struct State {
        var callers: [String: Caller] = [:]
        var projects: Set<String> = []
        var groups: Set<String> = []
        var tokens: [Token] = []
        var nextID = 1
        var requests: [String] = []
        var isBanned = false
        var limitedUntil: UTCInstant?
    }

    private let state = Mutex(State())
    let clock: any WallClock
    let git: @Sendable (_ request: SourceRequest, _ project: String, _ user: String) async -> SourceAnswer

    /// - Parameter git: answers requests to git that are admitted.
    package init(
        clock: any WallClock = SystemClock(),
        git: @escaping @Sendable (SourceRequest, String, String) async -> SourceAnswer = { _, _, _ in SourceAnswer(404)
        }
    ) {
        self.clock = clock
        self.git = git
    }

    package func add(_ token: String, _ caller: Caller) { state.withLock { $0.callers[token] = caller } }
    package func remove(caller token: String) { state.withLock { $0.callers[token] = nil } }
    package func add(project: String) { state.withLock { _ = $0.projects.insert(project) } }
    package func add(group: String) { state.withLock { _ = $0.groups.insert(group) } }
    /// Adds live tokens that others made: `other-1-lost` and so on.
    package func addOthers(_ count: Int, _ kind: Token.Kind, project: String) {
        state.withLock { state in
            for number in 1...count {
                state.tokens.append(
                    Token(
                        id: state.nextID,
                        kind: kind,
                        owner: "projects/\(project)",
                        name: "other-\(number)-lost",
                        username: "other",
                        secret: UUID().uuidString,
                        scopes: ["read_repository"],
                        expiresAt: clock.now.advanced(by: .seconds(86400)),
                        accessLevel: nil
                    )
                )
                state.nextID += 1
            }
        }
    }
    /// Answers as to an address that failed to log in too often.
    package func ban() { state.withLock { $0.isBanned = true } }
    /// Limits calls to the API, with the fields that GitLab sends.
    package func limit(until instant: UTCInstant) { state.withLock { $0.limitedUntil = instant } }

    /// Every token that was minted.
    package var tokens: [Token] { state.withLock { $0.tokens } }
    package var live: [Token] { tokens.filter { $0.isLive(clock.now) } }
    /// The requests to the API: method, path and query.
    package var requests: [String] { state.withLock { $0.requests } }

    /// The live token that these credentials are: a deploy token with its own user name, an access token with any.
    package func authenticate(_ username: String, _ password: String) -> Token? {
        live.first { token in
            guard token.secret == password, !username.isEmpty else { return false }
            return token.kind == .access || token.username == username
        }
    }

    package func handle(_ request: SourceRequest) async -> SourceAnswer {
        if state.withLock({ $0.isBanned }) {
            return SourceAnswer(403, headers: ["Content-Type": "text/plain"], body: Array("Forbidden\n".utf8))
        }
        guard request.path.hasPrefix("/api/v4/") else { return await serveGit(request) }
        let query = request.query.isEmpty ? "" : "?\(request.query)"
        let limit = state.withLock { state in
            state.requests.append("\(request.method) \(request.path)\(query)")
            return state.limitedUntil
        }
        if let limit, limit > clock.now {
            return SourceAnswer(
                429,
                headers: ["Content-Type": "text/plain", "RateLimit-Reset": "\(limit.epochSeconds)"],
                body: Array("Retry later\n".utf8)
            )
        }
        return serveAPI(request)
    }

    private func serveAPI(_ request: SourceRequest) -> SourceAnswer {
        let presented = request.headers["private-token"] ?? request.bearer
        guard let presented, let caller = state.withLock({ $0.callers[presented] }) else {
            return Self.message(401, "401 Unauthorized")
        }
        guard caller.scopes.contains("api") else {
            return .json(
                403,
                #"{"error":"insufficient_scope","error_description":"The request requires higher privileges than "#
                    + #"provided by the access token.","scope":"api"}"#
            )
        }
        let parts = request.path.dropFirst("/api/v4/".count).split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 3 || parts.count == 4, let kind = Token.Kind(rawValue: String(parts[2])),
            ["projects", "groups"].contains(parts[0]), let path = parts[1].removingPercentEncoding
        else { return .json(404, #"{"error":"404 Not Found"}"#) }
        let isProject = parts[0] == "projects"
        let exists = state.withLock { (isProject ? $0.projects : $0.groups).contains(path) }
        guard exists, let role = caller.roles[path] else {
            return Self.message(404, isProject ? "404 Project Not Found" : "404 Group Not Found")
        }
        let place = Place(owner: "\(parts[0])/\(path)", isProject: isProject, kind: kind, role: role, caller: caller)
        switch (request.method, parts.count) {
        case ("POST", 3): return create(request, place)
        case ("GET", 3): return list(request, place)
        case ("DELETE", 4): return delete(String(parts[3]), place)
        default: return .json(405, #"{"error":"405 Not Allowed"}"#)
        }
    }

    /// What a call is about, and who makes it.
    struct Place {
        let owner: String
        let isProject: Bool
        let kind: Token.Kind
        let role: Int
        let caller: Caller

        /// Whether the role is enough for the tokens of the place.
        var mayManage: Bool { role >= (isProject ? 40 : 50) }
        var type: String { isProject ? "project" : "group" }
    }

    private func create(_ request: SourceRequest, _ place: Place) -> SourceAnswer {
        let draft: GitLabDraft
        switch GitLabDraft.read(request, place, now: clock.now) {
        case .failure(let denial): return denial.answer
        case .success(let read): draft = read
        }
        let token = state.withLock { state in
            defer { state.nextID += 1 }
            let prefix = place.kind == .deploy ? "gldt-" : "glpat-"
            let token = Token(
                id: state.nextID,
                kind: place.kind,
                owner: place.owner,
                name: draft.name,
                username: place.kind == .deploy ? "gitlab+deploy-token-\(state.nextID)" : "",
                secret: prefix + UUID().uuidString.lowercased(),
                scopes: draft.scopes,
                expiresAt: draft.expiresAt,
                accessLevel: draft.accessLevel
            )
            state.tokens.append(token)
            return token
        }
        return Self.json(201, Self.shown(token, withSecret: true, now: clock.now))
    }

    private func list(_ request: SourceRequest, _ place: Place) -> SourceAnswer {
        guard place.mayManage else {
            return place.kind == .deploy ? Self.message(403, "403 Forbidden") : Self.message(401, "401 Unauthorized")
        }
        let query = Dictionary(request.queryItems.map { ($0.name, $0.value) }) { first, _ in first }
        let now = clock.now
        let wanted = tokens.filter { token in
            guard token.owner == place.owner, token.kind == place.kind else { return false }
            if place.kind == .deploy { return query["active"] != "true" || token.isLive(now) }
            guard query["state"] != "active" || token.isLive(now) else { return false }
            return query["search"].map(token.name.contains) ?? true
        }
        let perPage = min(max(query["per_page"].flatMap(Int.init) ?? 20, 1), 100)
        let page = max(query["page"].flatMap(Int.init) ?? 1, 1)
        let shown = wanted.dropFirst((page - 1) * perPage).prefix(perPage)
        var answer = Self.json(200, shown.map { Self.shown($0, withSecret: false, now: now) })
        answer.headers["X-Page"] = "\(page)"
        answer.headers["X-Next-Page"] = page * perPage < wanted.count ? "\(page + 1)" : ""
        return answer
    }

    private func delete(_ id: String, _ place: Place) -> SourceAnswer {
        guard place.mayManage else { return Self.message(403, "403 Forbidden") }
        let isFound = state.withLock { state in
            let index = state.tokens.firstIndex { token in
                "\(token.id)" == id && token.owner == place.owner && token.kind == place.kind && !token.isRevoked
            }
            guard let index else { return false }
            state.tokens[index].isRevoked = true
            return true
        }
        if isFound { return SourceAnswer(204) }
        return Self.message(404, place.kind == .deploy ? "404 Not found" : "404 \(place.type) Access Token Not Found")
    }

    static func message(_ status: Int, _ text: String) -> SourceAnswer {
        json(status, ["message": text])
    }

    private static func json(_ status: Int, _ value: Any) -> SourceAnswer {
        let body = (try? JSONSerialization.data(withJSONObject: value, options: [.sortedKeys])) ?? Data()
        return .json(status, String(decoding: body, as: UTF8.self))
    }

    private static func shown(_ token: Token, withSecret: Bool, now: UTCInstant) -> [String: Any] {
        var value: [String: Any] = [
            "id": token.id, "name": token.name, "scopes": token.scopes, "revoked": token.isRevoked,
        ]
        switch token.kind {
        case .deploy:
            value["username"] = token.username
            value["expired"] = false
            value["expires_at"] = token.expiresAt.rfc3339.replacingOccurrences(of: "Z", with: ".000Z")
        case .access:
            value["active"] = token.isLive(now)
            value["user_id"] = 1000 + token.id
            value["access_level"] = token.accessLevel
            value["expires_at"] = String(token.expiresAt.rfc3339.prefix(10))
        }
        if withSecret { value["token"] = token.secret }
        return value
    }
}
