// Tokens for Azure Container Registry: the Pod's token becomes an Entra token, and that an access token for repositories.

package import TokenStore

/// Mints access tokens of a registry, cut to repositories and actions.
///
/// One `issue` is three calls: Entra takes the Pod's token as a client assertion; the registry exchanges Entra's token for
/// a refresh token with all rights of the identity, which is not handed out; and that for an access token with the scope.
/// What was granted is read from the access token and compared. None of these tokens can be revoked.
package final class AzureContainerRegistryStore: TokenStore {
    package typealias Settings = AzureContainerRegistrySettings

    package static let kind = "azure-container-registry"

    package static let capabilities = StoreCapabilities(
        credentials: [.podToken],
        reach: .exact,
        life: .fixed("about 75 minutes, as the registry sets it"),
        revocation: .unsupported
    )

    /// The user name that goes with tokens
    /// (<https://learn.microsoft.com/en-us/azure/container-registry/container-registry-authentication>).
    package static let username = "00000000-0000-0000-0000-000000000000"

    static let callTimeout: Duration = .seconds(10)

    private let settings: AzureContainerRegistrySettings
    private let plan: AzurePlan
    private let errors: AzureErrors
    private let context: TokenStoreContext

    package static func service(for settings: AzureContainerRegistrySettings) throws(TokenStoreError) -> TokenService {
        TokenService(registryHost: try AzurePlan(settings).host)
    }

    package static func subjectTokenAudience(for settings: AzureContainerRegistrySettings) -> String? {
        settings.subjectAudience
    }

    package init(settings: AzureContainerRegistrySettings, context: TokenStoreContext) throws(TokenStoreError) {
        plan = try AzurePlan(settings)
        errors = AzureErrors(plan: plan, settings: settings)
        self.settings = settings
        self.context = context
    }

    package func issue(_ request: TokenRequest) async throws(TokenStoreError) -> IssuedToken {
        try ImageScope.check(request.scope, host: plan.host)
        let subjectToken = try AskChecks.subjectToken(request, audience: settings.subjectAudience)
        let entra = try await entraToken(subjectToken, request.subject)
        let refresh = try await refreshToken(entra)
        let step = errors.mint(request.scope)
        let answer = try await post("/oauth2/token", accessForm(refresh, request.scope), step)
        guard answer.status == 200 else { throw errors.registry(answer, step, now: context.clock.now) }
        guard let token = OAuthTokenAnswer.token(answer.body), let expiresAt = UnverifiedJWT(token)?.expiresAt,
            let access = RegistryScope.access(of: token)
        else {
            throw errors.source.unreadable(answer, step)
        }
        try compare(access, with: request.scope)
        guard expiresAt > context.clock.now else {
            throw TokenStoreError(
                .malformedAnswer,
                "the new token of \(plan.host) has already expired by this node's clock",
                fix: "set the node's clock",
                tokenMayExist: true
            )
        }
        return IssuedToken(
            username: Self.username,
            secret: token,
            expiresAt: expiresAt,
            grantedScope: request.scope
        )
    }

    package func revoke(_ handle: RevocationHandle) async throws(TokenStoreError) {
        throw TokenStoreError(.refused, "a registry's access token can't be revoked", fix: "it ends by itself")
    }

    /// <https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-client-creds-grant-flow#third-case-access-token-request-with-a-federated-credential>
    private func entraToken(_ subjectToken: Secret, _ subject: Subject) async throws(TokenStoreError) -> Secret {
        var form = FormBody()
        form.add("client_id", settings.clientID)
        form.add("scope", plan.entraScope)
        form.add("grant_type", "client_credentials")
        ClientAssertion.add(subjectToken, to: &form)
        let url = "\(plan.authority.text)/\(settings.tenantID)/oauth2/v2.0/token"
        var call = HTTPCall("POST", url, timeout: Self.callTimeout)
        call.headers = [HTTPField("Accept", "application/json"), FormBody.contentType]
        call.body = form.bytes
        let step = AzureErrors.entraStep
        let answer = try await errors.entraSource.send(call, step, over: context.http)
        guard answer.status == 200 else { throw errors.entra(answer, subject, now: context.clock.now) }
        guard let token = OAuthTokenAnswer.token(answer.body) else { throw errors.entraSource.unreadable(answer, step) }
        return token
    }

    private struct RefreshAnswer: Decodable { let refresh_token: String }

    /// <https://learn.microsoft.com/en-us/rest/api/containerregistry/refresh-tokens/get-from-exchange>
    private func refreshToken(_ entra: Secret) async throws(TokenStoreError) -> Secret {
        var form = FormBody()
        form.add("grant_type", "access_token")
        form.add("service", plan.host)
        form.add("tenant", settings.tenantID)
        form.add("access_token", entra)
        let step = errors.exchange
        let answer = try await post("/oauth2/exchange", form, step)
        guard answer.status == 200 else { throw errors.registry(answer, step, now: context.clock.now) }
        guard let text = JSONBody.decode(RefreshAnswer.self, answer.body)?.refresh_token, !text.isEmpty else {
            throw errors.source.unreadable(answer, step)
        }
        return Secret(utf8: text)
    }

    /// <https://learn.microsoft.com/en-us/rest/api/containerregistry/access-tokens/get>: one `scope` a repository.
    private func accessForm(_ refresh: Secret, _ scope: TokenScope) -> FormBody {
        var form = FormBody()
        form.add("grant_type", "refresh_token")
        form.add("service", plan.host)
        for text in RegistryScope.texts(scope) { form.add("scope", text) }
        form.add("refresh_token", refresh)
        return form
    }

    /// What is missing is refused by name: a build that can't push would find out at its end.
    private func compare(
        _ access: [RegistryScope.Access],
        with scope: TokenScope
    ) throws(TokenStoreError) {
        let difference = RegistryScope.compare(access, with: scope)
        guard !difference.isWider else {
            throw TokenStoreError(
                .malformedAnswer,
                "the new token of \(plan.host) reaches more than was asked for",
                tokenMayExist: true
            )
        }
        guard difference.missing.isEmpty else {
            let missing = difference.missing.prefix(5).joined(separator: " ")
            throw TokenStoreError(
                .refused,
                "\(plan.host) granted less than was asked for; missing: \(missing)",
                fix: "give the identity AcrPull, AcrPush or AcrDelete there (with ABAC, Container Registry Repository "
                    + "Reader, Writer or Contributor), or ask for less",
                tokenMayExist: true
            )
        }
    }

    private func post(
        _ path: String,
        _ form: FormBody,
        _ step: SourceErrors.Step
    ) async throws(TokenStoreError) -> HTTPAnswer {
        var call = HTTPCall("POST", plan.registry.text + path, timeout: Self.callTimeout)
        call.headers = [HTTPField("Accept", "application/json"), FormBody.contentType]
        call.body = form.bytes
        return try await errors.source.send(call, step, over: context.http)
    }
}
