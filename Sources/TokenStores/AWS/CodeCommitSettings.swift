// What an operator writes for a store of kind `aws-codecommit`, and what follows from it.

import TokenStore

/// The settings of a ``CodeCommitStore``.
package struct CodeCommitSettings: Decodable, Sendable, AWSRoleSettings {
    /// The region of the repositories.
    package var region: String
    /// The IAM role that is assumed for each build; its account's repositories are served.
    package var roleARN: String
    /// The git server; that of the region unless given.
    package var gitURL: String?
    /// The audience of the Pods' tokens; `sts.amazonaws.com` unless given.
    package var audience: String?
    /// The node's own access key, where AWS can't verify the Pods' tokens.
    package var accessKey: AWSAccessKeyFiles?
    /// With `accessKey`: what the role's trust policy asks for.
    package var externalID: String?
    /// The address of STS; that of the region unless given.
    package var stsURL: String?

    /// Passwords live as long as the shortest session.
    package var sessionSeconds: Int? { 900 }

    package init(
        region: String,
        roleARN: String,
        gitURL: String? = nil,
        audience: String? = nil,
        accessKey: AWSAccessKeyFiles? = nil,
        externalID: String? = nil,
        stsURL: String? = nil
    ) {
        self.region = region
        self.roleARN = roleARN
        self.gitURL = gitURL
        self.audience = audience
        self.accessKey = accessKey
        self.externalID = externalID
        self.stsURL = stsURL
    }
}

/// One region's git server, checked.
struct CodeCommitServer: Sendable {
    let endpoints: AWSEndpoints
    let role: AWSRole
    let git: GitServer

    init(_ settings: CodeCommitSettings) throws(TokenStoreError) {
        endpoints = try AWSEndpoints(region: settings.region, kind: .classic)
        role = try AWSRole(settings, endpoints: endpoints)
        // Repositories are https://HOST/v1/repos/NAME, and that path is signed.
        git = try AskChecks.git("gitURL", settings.gitURL ?? endpoints.codeCommitGit, nameParts: 3...3)
    }

    var service: TokenService { TokenService(git: git) }

    /// The path of the one repository, `v1/repos/NAME`.
    func repository(_ scope: TokenScope) throws(TokenStoreError) -> String {
        let path = try AskChecks.onlyRepository(scope, source: "CodeCommit")
        let prefix = "v1/repos/"
        guard path.hasPrefix(prefix), (try? git.repository(path)) == path, path.utf8.count <= prefix.utf8.count + 100
        else {
            throw TokenStoreError(
                .refused,
                "the repository is not written as CodeCommit's URLs have it",
                fix: "write \(git.origin)/v1/repos/NAME, or v1/repos/NAME"
            )
        }
        return path
    }

    /// The session policy for a scope.
    func policy(_ path: String, _ scope: TokenScope) throws(TokenStoreError) -> String {
        guard scope.actions.isEmpty, scope.permissions.count == 1, let level = scope.permissions["contents"],
            level != .admin
        else {
            throw TokenStoreError(
                .refused,
                "a token of CodeCommit has the permission contents, read or write, and no other",
                fix: "ask for permissions: { contents: read }"
            )
        }
        let name = path.dropFirst("v1/repos/".count)
        let policy = SessionPolicy(
            actions: ["codecommit:GitPull"] + (level == .write ? ["codecommit:GitPush"] : []),
            resources: [
                "arn:\(endpoints.partition.name):codecommit:\(endpoints.region):\(role.arn.account):\(name)"
            ]
        )
        return try policy.json()
    }
}
