// GitHub tokens without a key on the node: octo-sts exchanges the Pod's token by a trust policy in the repository.

package import TokenStore

/// Exchanges the Pod's service account token for a GitHub installation token at an octo-sts service.
///
/// The trust policy in the repository decides which permissions a token has; the call can't narrow them. Tokens live for
/// one hour, which the answer does not say, and are revoked at GitHub by presenting them.
package final class OctoSTSStore: TokenStore {
    package typealias Settings = OctoSTSSettings

    package static let kind = "octo-sts"

    package static let capabilities = StoreCapabilities(
        credentials: [.podToken],
        reach: .wider("all that the trust policy in the repository grants, whichever permissions were asked for"),
        life: .fixed("1 hour"),
        revocation: .supported("at once")
    )

    package static var knownPermissions: Set<String> { GitHubAppStore.knownPermissions }
    package static let knownActions: Set<RegistryAction> = []

    /// How long a token is taken to live: GitHub's hour, less the time between the mint there and the answer here.
    static let life: Duration = .seconds(3600 - 60)
    static let callTimeout: Duration = .seconds(10)

    private let settings: OctoSTSSettings
    private let plan: OctoSTSPlan
    private let errors: SourceErrors
    private let context: TokenStoreContext

    package static func service(for settings: OctoSTSSettings) throws(TokenStoreError) -> TokenService {
        try OctoSTSPlan(settings).service
    }

    package static func reach(for settings: OctoSTSSettings) -> StoreCapabilities.Reach {
        guard settings.policy == .organization else { return capabilities.reach }
        return .wider("all repositories and permissions that the trust policy of the organisation grants")
    }

    package static func subjectTokenAudience(for settings: OctoSTSSettings) -> String? { settings.subjectAudience }

    package init(settings: OctoSTSSettings, context: TokenStoreContext) throws(TokenStoreError) {
        plan = try OctoSTSPlan(settings)
        errors = SourceErrors(source: "octo-sts", address: plan.base.text, addressKey: "url")
        self.settings = settings
        self.context = context
    }

    private struct Answer: Decodable { let token: String }

    package func issue(_ request: TokenRequest) async throws(TokenStoreError) -> IssuedToken {
        let place = try place(of: request.scope)
        let subjectToken = try AskChecks.subjectToken(request, audience: settings.subjectAudience)
        let query = "scope=\(PercentEncoded.text(place))&identity=\(PercentEncoded.text(settings.identity))"
        var call = HTTPCall("GET", "\(plan.base.text)/sts/exchange?\(query)", timeout: Self.callTimeout)
        call.headers = [HTTPField("Accept", "application/json")]
        call.authorization = Authorization.bearer(subjectToken)
        let step = SourceErrors.Step("issue a token for \(place)", mints: true)
        let asked = context.clock.now
        let answer = try await errors.send(call, step, over: context.http)
        guard answer.status == 200 else { throw error(answer, place, request, step) }
        guard let text = JSONBody.decode(Answer.self, answer.body)?.token else { throw errors.unreadable(answer, step) }
        let token = Secret(utf8: text)
        guard Authorization.isUsable(token) else { throw errors.unreadable(answer, step) }
        guard await isWantedStill(token, request.scope) else {
            let error = TokenStoreError(.cancelled, "the caller gave up")
            throw await discarding(because: error) { [self] () throws(TokenStoreError) in
                try await revoke(token, timeout: GitHubAPI.discardTimeout)
            }
        }
        return IssuedToken(
            username: GitHubAppStore.username,
            secret: token,
            expiresAt: asked + Self.life,
            grantedScope: request.scope,
            handle: RevocationHandle(identifier: TokenDigest.short(token), secret: token)
        )
    }

    package func revoke(_ handle: RevocationHandle) async throws(TokenStoreError) {
        guard let token = handle.secret else {
            throw TokenStoreError(.refused, "GitHub revokes a token only when it is presented, and it was not kept")
        }
        try await revoke(token, timeout: Self.callTimeout)
    }

    /// `owner/name`, or `owner` where the policy is the organisation's.
    private func place(of scope: TokenScope) throws(TokenStoreError) -> String {
        try AskChecks.notEmpty(scope)
        guard scope.actions.isEmpty else {
            throw TokenStoreError(
                .refused,
                "a GitHub token has permissions, not registry actions",
                fix: "ask for permissions, for example packages: read"
            )
        }
        for name in scope.repositories {
            guard (try? plan.service.git?.repository(name)) == name else {
                throw TokenStoreError(.refused, "a repository is not written as owner/name")
            }
        }
        guard settings.policy == .organization else {
            return try AskChecks.onlyRepository(scope, source: "octo-sts")
        }
        let owners = Set(scope.repositories.map { $0.prefix { $0 != "/" }.lowercased() })
        guard owners.count == 1, let first = scope.repositories.first else {
            throw TokenStoreError(
                .refused,
                "one token reaches the repositories of one owner, and the scope names \(owners.count)",
                fix: "ask for one token for each owner"
            )
        }
        return String(first.prefix { $0 != "/" })
    }

    /// <https://docs.github.com/en/rest/apps/installations#revoke-an-installation-access-token>
    private func revoke(_ token: Secret, timeout: Duration) async throws(TokenStoreError) {
        let github = SourceErrors(source: "GitHub", address: plan.github.text, addressKey: "githubAPIURL")
        let step = SourceErrors.Step("revoke a token")
        var call = HTTPCall("DELETE", plan.github.text + "/installation/token", timeout: timeout)
        call.headers = Self.githubHeaders
        call.authorization = Authorization.bearer(token)
        let answer = try await github.send(call, step, over: context.http)
        // 401: GitHub does not know the token any more, because it has expired or was revoked before.
        guard answer.status == 204 || answer.status == 401 else {
            let now = context.clock.now
            if let retryAt = GitHubErrors.rateLimit(answer, now: now) {
                let until = "until \(retryAt.rfc3339)"
                throw TokenStoreError(.rateLimited, "GitHub limits our calls \(until)", retryAt: retryAt)
            }
            throw github.error(answer, step, now: now)
        }
    }

    private static let githubHeaders = [
        HTTPField("Accept", "application/vnd.github+json"), HTTPField("X-GitHub-Api-Version", "2022-11-28"),
    ]

    /// Tries a new token until GitHub's replicas know it, for some seconds at most. False when the caller gave up.
    private func isWantedStill(_ token: Secret, _ scope: TokenScope) async -> Bool {
        guard settings.usabilityProbe ?? true, let repository = scope.repositories.first else { return true }
        let probe = UsabilityProbe(clock: context.clock) { [plan, context] token, name throws(HTTPTransportError) in
            var call = HTTPCall("GET", "\(plan.github.text)/repos/\(name)", timeout: GitHubAPI.probeTimeout)
            call.headers = Self.githubHeaders
            call.authorization = Authorization.bearer(token)
            return try await context.http.send(call)
        }
        return await probe.run(token, repository: repository) != .cancelled
    }

    /// The service answers gRPC's codes as HTTP statuses
    /// (<https://github.com/octo-sts/app/blob/main/pkg/octosts/octosts.go>).
    private func error(
        _ answer: HTTPAnswer,
        _ place: String,
        _ request: TokenRequest,
        _ step: SourceErrors.Step
    ) -> TokenStoreError {
        let what = "(HTTP \(answer.status))"
        let account = "system:serviceaccount:\(request.subject.namespace):\(request.subject.serviceAccount)"
        let file = ".github/chainguard/\(settings.identity).sts.yaml"
        return switch answer.status {
        case 400:
            TokenStoreError(
                .refused,
                "octo-sts does not take the Pod's token or its issuer \(what)",
                fix: "the cluster's issuer must be an https URL whose keys octo-sts can read"
            )
        case 401:
            TokenStoreError(
                .refused,
                "octo-sts can't verify the Pod's token \(what)",
                fix: "check that octo-sts can read the keys of the cluster's issuer, and the node's clock"
            )
        case 403:
            TokenStoreError(
                .refused,
                "the trust policy \(settings.identity) of \(place) does not match the Pod's token, or grants what the App "
                    + "does not have \(what)",
                fix: "let \(file) name this cluster's issuer, the subject \(account) and the audience "
                    + settings.subjectAudience
            )
        case 404:
            TokenStoreError(
                .refused,
                "octo-sts finds no trust policy \(settings.identity) for \(place), or its App is not installed there "
                    + what,
                fix: "install the App and add \(file); a new policy counts after five minutes at the latest"
            )
        default: errors.error(answer, step, now: context.clock.now)
        }
    }
}
