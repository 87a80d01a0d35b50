// What is asked of Harbor for a scope: a robot of one project, for some days.

import TokenStore

/// One robot to ask for.
struct HarborAsk: Sendable {
    /// The lives that are asked for: Harbor counts whole days.
    static let limits: ClosedRange<Duration> = .seconds(86400)...(.seconds(365 * 86400))

    /// The Harbor project: the first part of each repository's name.
    let project: String
    /// The actions on the resource `repository`, in order.
    let actions: [String]
    let days: Int64
    let scope: TokenScope

    init(_ request: TokenRequest) throws(TokenStoreError) {
        try self.init(request.scope, lifetime: request.lifetime)
    }

    init(_ scope: TokenScope, lifetime: Duration? = nil) throws(TokenStoreError) {
        try AskChecks.notEmpty(scope)
        guard scope.permissions.isEmpty, !scope.actions.contains(.delete) else {
            throw TokenStoreError(
                .refused,
                "a robot of Harbor's is asked for with the actions pull and push only",
                fix: "leave permissions and delete out"
            )
        }
        let projects = Set(scope.repositories.map { String($0.prefix { $0 != "/" }) })
        guard let project = projects.first, projects.count == 1 else {
            throw TokenStoreError(
                .refused,
                "a robot reaches one Harbor project, and the scope names \(projects.count)",
                fix: "ask for one token for each project"
            )
        }
        guard Self.isProject(project), scope.repositories.allSatisfy({ $0.utf8.count > project.utf8.count + 1 }) else {
            throw TokenStoreError(
                .refused,
                "a repository of the scope is no name of a Harbor repository",
                fix: "write it as project/repository"
            )
        }
        self.project = project
        self.scope = scope
        actions = scope.actions.sorted().map(\.rawValue)
        let life = min(max(lifetime ?? Self.limits.lowerBound, Self.limits.lowerBound), Self.limits.upperBound)
        let seconds = life.components.seconds + (life.components.attoseconds > 0 ? 1 : 0)
        days = (seconds + 86399) / 86400
    }

    /// Harbor's rule for the names of projects: it also keeps them out of the way in URLs and queries.
    private static func isProject(_ name: String) -> Bool {
        func isWord(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte) }
        guard let first = name.utf8.first, isWord(first), name.utf8.count <= 255 else { return false }
        return name.utf8.allSatisfy { isWord($0) || [0x2D, 0x2E, 0x5F].contains($0) }
    }
}
