// A Harbor for tests: projects, accounts, and the robots that its API makes, lists and deletes.

import Foundation
import Synchronization
package import TokenStore

/// A counterpart of Harbor's robot API, after Harbor's own sources (`src/server/v2.0/handler/robot.go`,
/// `src/controller/robot/controller.go`, `src/lib/q/builder.go`).
package final class LoopbackHarbor: Sendable {
    /// A robot that was made.
    package struct Robot: Sendable {
        package let id: Int
        package let projectID: Int
        /// As the database has it: `library+build`.
        package let name: String
        package let secret: String
        package let actions: [String]
        package let expiresAt: Int64
    }

    private struct State {
        var passwords: [String: String] = [:]
        /// Administrators by project.
        var projects: [String: (id: Int, administrators: Set<String>)] = [:]
        var robots: [Robot] = []
        var deleted = 0
        var nextID = 11
        var requests: [String] = []
    }

    private let state = Mutex(State())
    private let clock: any WallClock
    /// What stands before the names of robots; set by an operator there.
    package let prefix: String

    package init(clock: any WallClock = SystemClock(), prefix: String = "robot$") {
        self.clock = clock
        self.prefix = prefix
    }

    package func add(account: String, password: String) { state.withLock { $0.passwords[account] = password } }
    package func add(project: String, administrators: Set<String>) {
        state.withLock { $0.projects[project] = ($0.projects.count + 1, administrators) }
    }

    package var robots: [Robot] { state.withLock { $0.robots } }
    package var deleted: Int { state.withLock { $0.deleted } }
    package var requests: [String] { state.withLock { $0.requests } }

    /// The actions that a robot has in a project, as the token service finds out; `nil` when it can't log in.
    package func actions(of username: String, _ password: String, in project: String) -> [String]? {
        state.withLock { state in
            guard username.hasPrefix(prefix) else { return nil }
            let name = username.dropFirst(prefix.count)
            let robot = state.robots.first { $0.name == name }
            guard let robot, robot.secret == password, robot.expiresAt > clock.now.epochSeconds else { return nil }
            return state.projects[project]?.id == robot.projectID ? robot.actions : []
        }
    }

    /// Adds robots of others to a project.
    package func addOthers(_ count: Int, project: String, name: (Int) -> String) {
        for number in 0..<count {
            state.withLock { state in
                let robot = Robot(
                    id: state.nextID,
                    projectID: state.projects[project]?.id ?? 0,
                    name: "\(project)+\(name(number))",
                    secret: UUID().uuidString,
                    actions: ["pull"],
                    expiresAt: clock.now.epochSeconds + 86400
                )
                state.nextID += 1
                state.robots.append(robot)
            }
        }
    }

    package func handle(_ request: SourceRequest) -> SourceAnswer {
        let query = request.query.isEmpty ? "" : "?\(request.query)"
        state.withLock { $0.requests.append("\(request.method) \(request.path)\(query)") }
        guard let (account, password) = request.basic, state.withLock({ $0.passwords[account] }) == password else {
            return Self.error(401, "UNAUTHORIZED", "unauthorized")
        }
        let parts = request.path.split(separator: "/").map(String.init)
        guard parts.count >= 3, parts[0] == "api", parts[1] == "v2.0" else {
            return Self.error(404, "NOT_FOUND", "path not found")
        }
        switch (request.method, parts[2], parts.count) {
        case ("POST", "robots", 3): return create(request, account)
        case ("GET", "robots", 3): return list(request, account)
        case ("DELETE", "robots", 4): return delete(parts[3], account)
        case ("GET", "projects", 4): return project(parts[3], request, account)
        default: return Self.error(404, "NOT_FOUND", "path \(request.path) was not found")
        }
    }

    private struct Draft: Decodable {
        struct Access: Decodable {
            let resource: String
            let action: String
        }
        struct Permission: Decodable {
            let kind: String
            let namespace: String
            let access: [Access]
        }
        let name: String
        let level: String
        let duration: Int64
        let permissions: [Permission]
    }

    private func create(_ request: SourceRequest, _ account: String) -> SourceAnswer {
        guard let draft = request.json(Draft.self) else { return Self.bad("parsing the body failed") }
        guard draft.name.wholeMatch(of: /[a-z0-9]+(?:[._-][a-z0-9]+)*/) != nil else {
            return Self.bad("robot name is not in lower case or contains illegal characters")
        }
        guard draft.duration == -1 || draft.duration > 0 && draft.duration < Int32.max else {
            return Self.bad("bad request error duration input: \(draft.duration)")
        }
        guard draft.level == "project" || draft.level == "system" else {
            return Self.bad("bad request error level input: \(draft.level)")
        }
        guard let permission = draft.permissions.first, !permission.access.isEmpty else {
            return Self.bad("bad request empty permission")
        }
        guard draft.level == "project", draft.permissions.count == 1, permission.kind == "project" else {
            return Self.bad("bad request permission")
        }
        for access in permission.access
        where access.resource != "repository"
            || !["pull", "push", "delete", "list", "read", "update"].contains(access.action)
        {
            return Self.bad("bad request permission: \(access.resource):\(access.action)")
        }
        return state.withLock { state in
            // A project that there is not looks like one that is forbidden.
            guard let project = state.projects[permission.namespace], project.administrators.contains(account) else {
                return Self.error(403, "FORBIDDEN", "forbidden")
            }
            let name = "\(permission.namespace)+\(draft.name)"
            guard !state.robots.contains(where: { $0.name == name }) else {
                return Self.error(409, "CONFLICT", "robot account already exists")
            }
            let expiresAt = draft.duration == -1 ? -1 : clock.now.epochSeconds + draft.duration * 86400
            let robot = Robot(
                id: state.nextID,
                projectID: project.id,
                name: name,
                secret: "Aa1" + UUID().uuidString.replacingOccurrences(of: "-", with: ""),
                actions: permission.access.map(\.action),
                expiresAt: expiresAt
            )
            state.nextID += 1
            state.robots.append(robot)
            return .json(
                201,
                #"{"id":\#(robot.id),"name":"\#(prefix)\#(name)","secret":"\#(robot.secret)","#
                    + #""creation_time":"\#(clock.now.rfc3339)","expires_at":\#(expiresAt)}"#,
                headers: ["Location": "/api/v2.0/robots/\(robot.id)"]
            )
        }
    }

    private func list(_ request: SourceRequest, _ account: String) -> SourceAnswer {
        let items = Dictionary(request.queryItems.map { ($0.name, $0.value) }) { first, _ in first }
        // Harbor unescapes the query once more: a plus sign becomes a space.
        let text = (items["q"] ?? "").replacingOccurrences(of: "+", with: " ").removingPercentEncoding ?? ""
        var keywords: [String: String] = [:]
        for pair in text.split(separator: ",") {
            let parts = pair.split(separator: "=", maxSplits: 1)
            guard parts.count == 2 else { return Self.bad("the query string must contain \"=\"") }
            keywords[String(parts[0])] = String(parts[1])
        }
        guard keywords["Level"] == "project" else {
            // Without a level it is the system's robots, of which there are none here.
            return Self.error(403, "FORBIDDEN", "forbidden")
        }
        guard let text = keywords["ProjectID"] else {
            return Self.bad("must with project ID when to query project robots")
        }
        guard let projectID = Int(text) else { return Self.bad("Project ID must be int type.") }
        return state.withLock { state in
            let project = state.projects.values.first { $0.id == projectID }
            guard project?.administrators.contains(account) == true else {
                return Self.error(403, "FORBIDDEN", "forbidden")
            }
            let wanted = state.robots.filter { robot in
                guard robot.projectID == projectID else { return false }
                guard let name = keywords["name"] else { return true }
                return name.hasPrefix("~") ? robot.name.contains(name.dropFirst()) : robot.name == name
            }
            let size = min(max(items["page_size"].flatMap(Int.init) ?? 10, 1), 100)
            let page = max(items["page"].flatMap(Int.init) ?? 1, 1)
            let shown = wanted.dropFirst((page - 1) * size).prefix(size)
            let list = shown.map { robot in
                #"{"id":\#(robot.id),"name":"\#(prefix)\#(robot.name)","level":"project","editable":true,"#
                    + #""disable":false,"expires_at":\#(robot.expiresAt)}"#
            }
            let body = list.isEmpty ? "null" : "[\(list.joined(separator: ","))]"
            return .json(200, body, headers: ["X-Total-Count": "\(wanted.count)"])
        }
    }

    private func delete(_ id: String, _ account: String) -> SourceAnswer {
        state.withLock { state in
            guard let index = state.robots.firstIndex(where: { "\($0.id)" == id }) else {
                return Self.error(404, "NOT_FOUND", "robot with ID \(id) not found")
            }
            let project = state.projects.values.first { $0.id == state.robots[index].projectID }
            guard project?.administrators.contains(account) == true else {
                return Self.error(403, "FORBIDDEN", "forbidden")
            }
            state.robots.remove(at: index)
            state.deleted += 1
            return SourceAnswer(200)
        }
    }

    private func project(_ name: String, _ request: SourceRequest, _ account: String) -> SourceAnswer {
        let isName = request.headers["x-is-resource-name"] == "true" || Int(name) == nil
        return state.withLock { state in
            let found = isName ? state.projects[name] : state.projects.values.first { "\($0.id)" == name }
            guard let found else { return Self.error(404, "NOT_FOUND", "project \(name) not found") }
            guard found.administrators.contains(account) else { return Self.error(403, "FORBIDDEN", "forbidden") }
            return .json(200, #"{"project_id":\#(found.id),"name":"\#(name)"}"#)
        }
    }

    private static func bad(_ message: String) -> SourceAnswer { error(400, "BAD_REQUEST", "marked: \(message)") }

    private static func error(_ status: Int, _ code: String, _ message: String) -> SourceAnswer {
        let text = message.replacingOccurrences(of: "\"", with: "'")
        return .json(status, #"{"errors":[{"code":"\#(code)","message":"\#(text)"}]}"#)
    }
}
