// A loopback GitLab with a project and a group, and stores that mint there.

import LoopbackSources
import TokenStore
import TokenStoreTesting
import TokenStores

struct GitLabScene {
    static let file = "/etc/daypass/keys/gitlab"
    static let adminToken = "glpat-admin-0123456789"
    static let project = "our-org/sub/private"

    let gitLab: LoopbackGitLab
    let source: SourceScene
    let clock: any WallClock

    static func with<Result: Sendable>(
        clock: any WallClock = SystemClock(),
        git: @escaping @Sendable (SourceRequest, String) async -> SourceAnswer = { _, _ in SourceAnswer(404) },
        _ body: (GitLabScene) async throws -> Result
    ) async throws -> Result {
        let gitLab = LoopbackGitLab(clock: clock) { request, _, user in await git(request, user) }
        for path in [project, "our-org/other", "our-org/foreign"] { gitLab.add(project: path) }
        gitLab.add(group: "our-org")
        gitLab.add(
            adminToken,
            LoopbackGitLab.Caller(roles: [project: 40, "our-org/other": 30, "our-org": 50])
        )
        return try await SourceScene.with({ await gitLab.handle($0) }) { source in
            try await body(GitLabScene(gitLab: gitLab, source: source, clock: clock))
        }
    }

    func settings(
        _ type: GitLabSettings.TokenType? = nil,
        group: String? = nil,
        accessLevel: Int? = nil
    ) -> GitLabSettings {
        GitLabSettings(
            url: source.url,
            token: SecretReference(file: Self.file),
            tokenType: type,
            group: group,
            accessLevel: accessLevel
        )
    }

    var context: TokenStoreContext { source.context([Self.file: Self.adminToken + "\n"], clock: clock) }

    func store(
        _ type: GitLabSettings.TokenType? = nil,
        group: String? = nil,
        accessLevel: Int? = nil
    ) throws -> GitLabStore {
        try GitLabStore(settings: settings(type, group: group, accessLevel: accessLevel), context: context)
    }

    static func request(
        _ permissions: [String: AccessLevel] = ["repository": .read],
        actions: Set<RegistryAction> = [],
        repositories: [String] = [project],
        lifetime: Duration? = nil,
        name: String? = nil
    ) -> TokenRequest {
        SourceScene.request(repositories, permissions, actions: actions, lifetime: lifetime, name: name)
    }
}
