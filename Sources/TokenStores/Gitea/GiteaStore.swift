// Access tokens of a bot account at Gitea or Forgejo.

package import TokenStore

/// Mints access tokens of one account. They have no expiry: Daypass revokes them when the build ends.
///
/// With Gitea a token reaches whatever its account reaches, in the categories of its scopes; Forgejo 15 limits it to
/// repositories.
package struct GiteaStore: TokenStore {
    package typealias Settings = GiteaSettings

    package static let kind = "gitea"

    package static let capabilities = StoreCapabilities(
        credentials: [.nodeCredential],
        reach: .exact,
        life: .untilRevoked,
        revocation: .supported("at once"),
        findsTokens: true
    )

    package static let knownPermissions = GiteaAsk.permissions
    package static let knownActions: Set<RegistryAction> = [.pull, .push]

    private let settings: GiteaSettings
    private let place: GiteaPlace
    private let api: RESTAPI
    private let context: TokenStoreContext

    package static func source(for settings: GiteaSettings) -> String? {
        "\(settings.url) \(settings.username)"
    }

    package static func service(for settings: GiteaSettings) throws(TokenStoreError) -> TokenService {
        try GiteaPlace(settings).service
    }

    package static func reach(for settings: GiteaSettings) -> StoreCapabilities.Reach {
        settings.repositoryTokens == true
            ? .exact : .wider("all that the bot account may see, in the categories of its permissions")
    }

    package init(settings: GiteaSettings, context: TokenStoreContext) throws(TokenStoreError) {
        self.settings = settings
        self.context = context
        place = try GiteaPlace(settings)
        let errors = SourceErrors(source: "the forge", address: place.git.origin, addressKey: "url")
        api = RESTAPI(base: place.git.origin + "/api/v1", errors: errors, http: context.http)
    }

    private struct Body: Encodable {
        let name: String
        let scopes: [String]
        let repositories: [GiteaAsk.Repository]?
    }

    package func issue(_ request: TokenRequest) async throws(TokenStoreError) -> IssuedToken {
        let ask = try ask(request.scope)
        let body = Body(name: request.tokenName, scopes: ask.scopes, repositories: ask.repositories)
        let step = step("create a token of \(settings.username)", mints: true)
        let answer = try await api.send(
            "POST",
            tokens,
            authorization: try authorization(),
            body: try JSONBody.encode(body),
            step
        )
        guard answer.status == 201 else { throw mintError(answer, step) }
        guard let token = JSONBody.decode(GiteaToken.self, answer.body), token.id > 0, let secret = token.secret else {
            throw api.errors.unreadable(answer, step)
        }
        do throws(TokenStoreError) {
            let proved = (token.scopes ?? []).isEmpty ? try await listed(token, named: request.tokenName) : token
            if let fault = proved.fault(ask) { throw Self.wrong(fault) }
            return IssuedToken(
                username: settings.username,
                secret: secret,
                expiresAt: nil,
                grantedScope: ask.granted(Set(proved.scopes ?? [])),
                handle: RevocationHandle(identifier: "\(token.id)")
            )
        } catch {
            throw await discarding(because: error) { () async throws(TokenStoreError) in try await end(token.id) }
        }
    }

    /// The token as the list shows it. Versions that do not say the scopes in the answer to a mint say them there; one
    /// that says them nowhere (Gitea before 1.20) makes tokens that may do everything.
    private func listed(_ token: GiteaToken, named name: String) async throws(TokenStoreError) -> GiteaToken {
        guard let listed = try await all(named: name).first(where: { $0.id == token.id }) else {
            throw Self.wrong("a number that is not in the list")
        }
        return listed
    }

    package func revoke(_ handle: RevocationHandle) async throws(TokenStoreError) {
        // By number only: a name of digits would be read as one.
        guard let id = Int64(handle.identifier), id > 0 else {
            throw TokenStoreError(.refused, "the handle of a token is none of a Gitea store's")
        }
        try await end(id)
    }

    private func end(_ id: Int64) async throws(TokenStoreError) {
        let step = step("delete a token of \(settings.username)")
        let answer = try await api.send("DELETE", "\(tokens)/\(id)", authorization: try authorization(), step)
        // A 404 of anybody else, a proxy for example, says nothing of the token.
        if answer.status == 204 || answer.status == 404 && answer.loweredText.contains("\"message\"") { return }
        throw api.errors.error(answer, step, now: context.clock.now)
    }

    package func find(
        _ tokenName: String,
        scope: TokenScope
    ) async throws(TokenStoreError) -> [RevocationHandle]? {
        try await all(named: tokenName).map { RevocationHandle(identifier: "\($0.id)") }
    }

    private func all(named name: String) async throws(TokenStoreError) -> [GiteaToken] {
        let step = step("list the tokens of \(settings.username)")
        var found: [GiteaToken] = []
        for page in 1...mostPages {
            let answer = try await api.send(
                "GET",
                tokens,
                query: [("page", "\(page)"), ("limit", "50")],
                authorization: try authorization(),
                step
            )
            guard answer.status == 200 else { throw api.errors.error(answer, step, now: context.clock.now) }
            guard let tokens = JSONBody.decode([GiteaToken]?.self, answer.body) else {
                throw api.errors.unreadable(answer, step)
            }
            // Servers are set to shorter pages too, so only an empty one is the last.
            guard let tokens, !tokens.isEmpty else { return found }
            found += tokens.filter { $0.name == name }
        }
        throw TokenStoreError(
            .unavailable,
            "\(settings.username) has more than \(mostPages) pages of tokens, and no more are read",
            fix: "delete old tokens there"
        )
    }

    private func ask(_ scope: TokenScope) throws(TokenStoreError) -> GiteaAsk {
        try GiteaAsk(scope, place, limitsRepositories: settings.repositoryTokens == true)
    }

    private var tokens: String { "/users/\(PercentEncoded.text(settings.username))/tokens" }

    private func authorization() throws(TokenStoreError) -> Secret {
        try context.secrets.basic(settings.username, settings.password)
    }

    private func step(_ words: String, mints: Bool = false) -> SourceErrors.Step {
        SourceErrors.Step(
            words,
            mints: mints,
            onUnauthorised:
                "check username and the password in \(settings.password.file); the account may have no second "
                + "factor, and the forge must allow Basic authentication",
            onForbidden: "check that the account is active and may make tokens",
            onNotFound: "check username, the repositories of the scope, and that url is a Gitea or Forgejo"
        )
    }

    private func mintError(_ answer: HTTPAnswer, _ step: SourceErrors.Step) -> TokenStoreError {
        guard answer.status == 400 || answer.status == 422 else {
            return api.errors.error(answer, step, now: context.clock.now)
        }
        if answer.loweredText.contains("name has been used") {
            return TokenStoreError(
                .refused,
                "\(settings.username) has a token of this name already (HTTP \(answer.status))",
                tokenMayExist: true
            )
        }
        return TokenStoreError(
            .refused,
            "the forge does not take the call to \(step.words) (HTTP \(answer.status))",
            fix: "check that it is Gitea 1.20, Forgejo 1.20 or newer (with repositoryTokens Forgejo 15), and that the "
                + "repositories exist"
        )
    }

    private static func wrong(_ what: String) -> TokenStoreError {
        TokenStoreError(
            .malformedAnswer,
            "the forge made a token with \(what), and it is not handed out",
            fix: "use Gitea 1.20, Forgejo 1.20 or newer; repositoryTokens needs Forgejo 15"
        )
    }
}
