// HTTP access tokens of repositories at Bitbucket Data Center.

package import TokenStore

/// Makes an HTTP access token of one repository
/// (<https://developer.atlassian.com/server/bitbucket/rest/latest/api-group-authentication/>).
package struct BitbucketDataCenterStore: TokenStore {
    package typealias Settings = BitbucketDataCenterSettings

    package static let kind = "bitbucket-data-center"

    package static let capabilities = StoreCapabilities(
        credentials: [.nodeCredential],
        reach: .exact,
        life: .chosen(BitbucketAsk.limits),
        revocation: .supported("at once"),
        findsTokens: true
    )

    package static let username = "x-token-auth"
    package static let knownPermissions: Set<String> = ["repository"]
    package static let knownActions: Set<RegistryAction> = []

    private let settings: BitbucketDataCenterSettings
    private let git: GitServer
    private let api: RESTAPI
    private let context: TokenStoreContext

    package static func service(for settings: BitbucketDataCenterSettings) throws(TokenStoreError) -> TokenService {
        TokenService(git: try git(settings))
    }

    /// Clone addresses are `https://HOST/scm/PROJECT/repository.git`.
    private static func git(_ settings: BitbucketDataCenterSettings) throws(TokenStoreError) -> GitServer {
        try AskChecks.username(settings.username)
        return try AskChecks.git("url", settings.url, nameParts: 3...3, namesIgnoreCase: true)
    }

    package init(settings: BitbucketDataCenterSettings, context: TokenStoreContext) throws(TokenStoreError) {
        self.settings = settings
        self.context = context
        git = try Self.git(settings)
        let errors = SourceErrors(source: "Bitbucket", address: git.origin, addressKey: "url")
        api = RESTAPI(base: git.origin + "/rest/access-tokens/latest", errors: errors, http: context.http)
    }

    private struct Body: Encodable {
        let name: String
        let permissions: [String]
        let expiryDays: Int64
    }

    package func issue(_ request: TokenRequest) async throws(TokenStoreError) -> IssuedToken {
        let ask = try BitbucketAsk(request.scope, git, lifetime: request.lifetime)
        let step = step("create a token of \(ask.repository.words)", mints: true)
        let body = Body(name: request.tokenName, permissions: [ask.permission], expiryDays: ask.days)
        let now = context.clock.now
        let answer = try await api.send(
            "PUT",
            "/" + ask.repository.resource,
            authorization: try authorization(),
            body: try JSONBody.encode(body),
            step
        )
        guard answer.status == 200 else { throw error(answer, step) }
        guard let token = BitbucketToken(answer.body) else { throw api.errors.unreadable(answer, step) }
        let resource = "\(ask.repository.resource)/\(token.id)"
        do throws(TokenStoreError) {
            return try token.issued(ask, now: now, handle: RevocationHandle(identifier: resource))
        } catch {
            throw await discarding(because: error) { () async throws(TokenStoreError) in try await end(resource) }
        }
    }

    package func revoke(_ handle: RevocationHandle) async throws(TokenStoreError) {
        let parts = handle.identifier.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 5, parts[0] == "projects", parts[2] == "repos", BitbucketToken.isID(parts[4]),
            BitbucketRepository("scm/\(parts[1])/\(parts[3])", git) != nil
        else { throw TokenStoreError(.refused, "the handle of a token is none of a Bitbucket store's") }
        try await end(handle.identifier)
    }

    private func end(_ resource: String) async throws(TokenStoreError) {
        let step = step("delete a token")
        let answer = try await api.send(
            "DELETE",
            "/" + resource,
            headers: [HTTPField("X-Atlassian-Token", "no-check")],
            authorization: try authorization(),
            step
        )
        // Bitbucket's own 404s list errors; one for the repository says nothing of the token.
        let text = answer.loweredText
        let isHidden = text.contains("nosuchrepository") || text.contains("nosuchproject")
        if answer.status == 204 || answer.status == 404 && text.contains("\"errors\"") && !isHidden { return }
        throw error(answer, step)
    }

    package func find(
        _ tokenName: String,
        scope: TokenScope
    ) async throws(TokenStoreError) -> [RevocationHandle]? {
        let repository = try BitbucketAsk(scope, git).repository
        let step = step("list the tokens of \(repository.words)")
        var found: [RevocationHandle] = []
        var start: Int64 = 0
        for _ in 0..<mostPages {
            let answer = try await api.send(
                "GET",
                "/" + repository.resource,
                query: [("start", "\(start)"), ("limit", "100")],
                authorization: try authorization(),
                step
            )
            guard answer.status == 200 else { throw error(answer, step) }
            guard let page = JSONBody.decode(BitbucketPage.self, answer.body) else {
                throw api.errors.unreadable(answer, step)
            }
            for token in page.values where token.name == tokenName && BitbucketToken.isID(token.id) {
                found.append(RevocationHandle(identifier: "\(repository.resource)/\(token.id)"))
            }
            guard !page.isLastPage, let next = page.nextPageStart, next > start else { return found }
            start = next
        }
        throw TokenStoreError(
            .unavailable,
            "\(repository.words) has more than \(mostPages) pages of tokens, and no more are read",
            fix: "delete old tokens there"
        )
    }

    private func authorization() throws(TokenStoreError) -> Secret {
        try context.secrets.basic(settings.username, settings.password)
    }

    private func step(_ words: String, mints: Bool = false) -> SourceErrors.Step {
        SourceErrors.Step(
            words,
            mints: mints,
            // Bitbucket says 401 to an account without the right, too.
            onUnauthorised:
                "check username and the password in \(settings.password.file), and that \(settings.username) "
                + "administers the repository",
            onForbidden:
                "Bitbucket may want \(settings.username) to solve a CAPTCHA after failed logins: log in there once",
            onNotFound: "check the names of the project and the repository, and that \(settings.username) can see them"
        )
    }

    private func error(_ answer: HTTPAnswer, _ step: SourceErrors.Step) -> TokenStoreError {
        guard answer.status == 400, step.mints else { return api.errors.error(answer, step, now: context.clock.now) }
        return TokenStoreError(
            .refused,
            "Bitbucket does not \(step.words) (HTTP 400)",
            fix: "delete old tokens of the repository if it has reached its limit; check that tokens may live this long"
        )
    }
}
