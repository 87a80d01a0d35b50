// Access tokens of an OAuth consumer at Bitbucket Cloud.

package import TokenStore

/// The settings of a ``BitbucketCloudStore``.
package struct BitbucketCloudSettings: Decodable, Sendable {
    /// The workspace that the consumer belongs to: the first part of its repositories' names.
    package var workspace: String
    /// The consumer's key.
    package var key: String
    /// The consumer's secret, read at each use.
    package var secret: SecretReference
    /// Bitbucket's address: `https://bitbucket.org` unless given.
    package var url: String?

    package init(workspace: String, key: String, secret: SecretReference, url: String? = nil) {
        self.workspace = workspace
        self.key = key
        self.secret = secret
        self.url = url
    }
}

/// Fetches access tokens by the client credentials grant
/// (<https://developer.atlassian.com/cloud/bitbucket/oauth-2/>).
///
/// Bitbucket fixes what they may do on the consumer, takes no scope in the call, and has no call to end them. A token
/// that lets its holder write where only reading was granted is not handed out: make a consumer for each level.
package struct BitbucketCloudStore: TokenStore {
    package typealias Settings = BitbucketCloudSettings

    package static let kind = "bitbucket-cloud"

    package static let capabilities = StoreCapabilities(
        credentials: [.nodeCredential],
        reach: .wider("all repositories of the workspace that the OAuth consumer belongs to"),
        life: .fixed("as Bitbucket says: 2 hours"),
        revocation: .unsupported
    )

    /// The user name that Bitbucket documents for these tokens.
    package static let username = "x-token-auth"
    package static let knownPermissions: Set<String> = ["repository"]
    package static let knownActions: Set<RegistryAction> = []

    private let settings: BitbucketCloudSettings
    private let git: GitServer
    private let errors: SourceErrors
    private let context: TokenStoreContext

    package static func service(for settings: BitbucketCloudSettings) throws(TokenStoreError) -> TokenService {
        let url = settings.url ?? "https://bitbucket.org"
        let git = try AskChecks.git("url", url, namesIgnoreCase: true)
        guard (try? git.repository("\(settings.workspace)/x")) == "\(settings.workspace)/x" else {
            throw TokenStoreError(
                .misconfigured,
                "workspace is no name of a workspace",
                fix: "write it as it stands in the workspace's address"
            )
        }
        guard !settings.key.isEmpty, settings.key.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x3A }) else {
            throw TokenStoreError(
                .misconfigured,
                "key is empty or holds characters that no key has",
                fix: "write the key of the OAuth consumer"
            )
        }
        return TokenService(git: git)
    }

    package init(settings: BitbucketCloudSettings, context: TokenStoreContext) throws(TokenStoreError) {
        guard let git = try Self.service(for: settings).git else {
            throw TokenStoreError(.misconfigured, "url names no git server")
        }
        self.settings = settings
        self.git = git
        self.context = context
        errors = SourceErrors(source: "Bitbucket", address: git.origin, addressKey: "url")
    }

    private struct Answer: Decodable {
        let token: String
        let scopes: String?
        let expiresIn: Int64?

        private enum CodingKeys: String, CodingKey {
            case token = "access_token"
            case scopes
            case expiresIn = "expires_in"
        }
    }

    package func issue(_ request: TokenRequest) async throws(TokenStoreError) -> IssuedToken {
        let level = try level(request.scope)
        let secret = try context.secrets.credential(settings.secret)
        var form = FormBody()
        form.add("grant_type", "client_credentials")
        var call = HTTPCall("POST", git.origin + "/site/oauth2/access_token", headers: [FormBody.contentType])
        call.headers.append(HTTPField("Accept", "application/json"))
        call.authorization = Authorization.basic(settings.key, secret)
        call.body = form.bytes
        let step = SourceErrors.Step(
            "fetch a token of the consumer \(settings.key)",
            mints: true,
            onUnauthorised: "check key, and the secret in \(settings.secret.file)",
            onForbidden: "check that the consumer and its workspace are active"
        )
        let now = context.clock.now
        let answer = try await errors.send(call, step, over: context.http)
        guard answer.status == 200 else { throw error(answer, step, now: now) }
        guard let body = JSONBody.decode(Answer.self, answer.body), Authorization.isUsable(Secret(utf8: body.token)),
            let seconds = body.expiresIn, seconds > 0, seconds <= 86400 * 366
        else { throw errors.unreadable(answer, step) }
        let granted = try granted(body.scopes ?? "", level)
        return IssuedToken(
            username: Self.username,
            secret: Secret(utf8: body.token),
            expiresAt: now + .seconds(seconds),
            grantedScope: TokenScope(repositories: request.scope.repositories, permissions: ["repository": granted])
        )
    }

    package func revoke(_ handle: RevocationHandle) async throws(TokenStoreError) {
        throw TokenStoreError(
            .refused,
            "Bitbucket Cloud has no call to end a token of an OAuth consumer",
            fix: "wait until it expires, or delete the consumer there"
        )
    }

    private func level(_ scope: TokenScope) throws(TokenStoreError) -> AccessLevel {
        try AskChecks.notEmpty(scope)
        guard scope.actions.isEmpty, scope.permissions.count == 1, let level = scope.permissions["repository"],
            level < .admin
        else {
            throw TokenStoreError(
                .refused,
                "a token of Bitbucket's is asked for with the permission repository only",
                fix: "ask for repository, to read or write"
            )
        }
        for repository in scope.repositories {
            let name = (try? git.repository(repository)) ?? ""
            guard name == repository, name.lowercased().hasPrefix(settings.workspace.lowercased() + "/") else {
                throw TokenStoreError(
                    .refused,
                    "the scope names a repository outside of the workspace \(settings.workspace)",
                    fix: "use a store whose consumer belongs to that workspace"
                )
            }
        }
        return level
    }

    /// What the consumer's scopes give (<https://developer.atlassian.com/cloud/bitbucket/rest/intro/#scopes>). A token
    /// that is refused here lives on.
    private func granted(_ text: String, _ asked: AccessLevel) throws(TokenStoreError) -> AccessLevel {
        let scopes = Set(text.split(whereSeparator: { $0 == " " || $0 == "," }).map(String.init))
        // Scopes without a colon read; "webhook" is the exception.
        let writing = scopes.filter { $0.contains(":") || $0 == "webhook" }
        guard writing.isSubset(of: asked == .write ? ["repository:write"] : []) else {
            throw TokenStoreError(
                .misconfigured,
                "the consumer \(settings.key) may do more than \(asked.rawValue) repositories, and so could each build",
                fix: "make a consumer of its own for this store, with no more than Repositories: "
                    + (asked == .write ? "Write" : "Read"),
                tokenMayExist: true
            )
        }
        if asked == .write, writing.contains("repository:write") { return .write }
        guard scopes.contains("repository"), asked == .read else {
            throw TokenStoreError(
                .refused,
                "the consumer \(settings.key) may not \(asked.rawValue) repositories",
                fix: "give it Repositories: \(asked == .write ? "Write" : "Read") there",
                tokenMayExist: true
            )
        }
        return .read
    }

    /// RFC 6749's errors; Bitbucket's texts are not shown.
    private func error(_ answer: HTTPAnswer, _ step: SourceErrors.Step, now: UTCInstant) -> TokenStoreError {
        guard answer.status == 400 else { return errors.error(answer, step, now: now) }
        return TokenStoreError(
            .misconfigured,
            "Bitbucket does not let the consumer \(settings.key) fetch tokens by itself (HTTP 400)",
            fix: "mark it as a private consumer there, give it a callback URL, and check key and secret"
        )
    }
}
