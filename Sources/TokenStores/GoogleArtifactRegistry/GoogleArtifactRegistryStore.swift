// Tokens for Google Artifact Registry: workload identity federation, with or without impersonation.

package import TokenStore

/// Exchanges the Pod's service account token for a Google access token, and that for one of a service account where one
/// is to be impersonated.
///
/// Google can't cut an access token to a registry repository (credential access boundaries are for Cloud Storage only), so
/// a token reaches what IAM grants to its principal. There is no way to revoke one; impersonation makes shorter ones.
package final class GoogleArtifactRegistryStore: TokenStore {
    package typealias Settings = GoogleArtifactRegistrySettings

    package static let kind = "google-artifact-registry"

    package static let capabilities = StoreCapabilities(
        credentials: [.podToken],
        reach: .wider("all repositories and Google APIs that IAM grants to its principal"),
        life: .chosen(.seconds(600) ... .seconds(3600)),
        revocation: .unsupported
    )

    /// The user name that Google documents
    /// (<https://cloud.google.com/artifact-registry/docs/docker/authentication#token>).
    package static let username = "oauth2accesstoken"

    static let scope = "https://www.googleapis.com/auth/cloud-platform"
    static let callTimeout: Duration = .seconds(10)
    /// How far a life may go beyond the one asked for: by the call itself, and by clocks that differ.
    static let clockTolerance: Duration = .seconds(60)

    private let settings: GoogleArtifactRegistrySettings
    private let plan: GooglePlan
    private let sts: OAuthErrors
    private let iam: GoogleIAMErrors
    private let context: TokenStoreContext

    package static func service(for settings: GoogleArtifactRegistrySettings) throws(TokenStoreError) -> TokenService {
        TokenService(registryHost: try GooglePlan(settings).registryHost)
    }

    package static func subjectTokenAudience(for settings: GoogleArtifactRegistrySettings) -> String? {
        settings.subjectAudience
    }

    package static func capabilities(for settings: GoogleArtifactRegistrySettings) -> StoreCapabilities {
        var capabilities = capabilities
        capabilities.life = settings.serviceAccount == nil ? .fixed("1 hour") : .chosen(settings.lifetimes)
        return capabilities
    }

    package init(settings: GoogleArtifactRegistrySettings, context: TokenStoreContext) throws(TokenStoreError) {
        plan = try GooglePlan(settings)
        let trust =
            "check the provider's issuer, its allowed audiences (\(settings.subjectAudience)), that Google can read the "
            + "issuer's keys, and the node's clock"
        let provider =
            "check workloadIdentityProvider (the project's number, not its id), or gkeWorkloadPool and gkeCluster"
        sts = OAuthErrors(
            source: SourceErrors(source: "Google's token service", address: plan.sts.text, addressKey: "stsURL"),
            fixes: [
                .invalidGrant: trust, .invalidTarget: provider, .invalidRequest: provider,
                .unauthorizedClient: "check the provider's attribute condition for this namespace and service account",
            ]
        )
        iam = GoogleIAMErrors(
            source: SourceErrors(
                source: "Google's IAM",
                address: plan.iamCredentials.text,
                addressKey: "iamCredentialsURL"
            ),
            serviceAccount: plan.serviceAccount ?? ""
        )
        self.settings = settings
        self.context = context
    }

    package func issue(_ request: TokenRequest) async throws(TokenStoreError) -> IssuedToken {
        try ImageScope.check(request.scope, host: plan.registryHost)
        let subjectToken = try AskChecks.subjectToken(request, audience: settings.subjectAudience)
        let federated = try await exchange(subjectToken)
        let (token, expiresAt) =
            if let account = plan.serviceAccount {
                try await impersonate(account, with: federated.token, lifetime: request.lifetime)
            } else {
                federated
            }
        guard expiresAt > context.clock.now else {
            throw TokenStoreError(
                .malformedAnswer,
                "Google's new token has already expired by this node's clock",
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
        throw TokenStoreError(.refused, "Google has no way to revoke such a token", fix: "it ends by itself")
    }

    /// <https://cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token>. No Authorization field: the call fails
    /// with one.
    private func exchange(
        _ subjectToken: Secret
    ) async throws(TokenStoreError) -> (token: Secret, expiresAt: UTCInstant) {
        let step = SourceErrors.Step(
            "exchange the Pod's token",
            mints: plan.serviceAccount == nil,
            onUnauthorised: "check the provider's issuer and allowed audiences",
            onNotFound: "check stsURL"
        )
        let exchange = TokenExchange(
            subjectToken: subjectToken,
            requestedTokenType: TokenExchange.TokenType.accessToken,
            audience: plan.stsAudience,
            scope: [Self.scope]
        )
        var call = HTTPCall("POST", plan.sts.text + "/v1/token", timeout: Self.callTimeout)
        call.headers = [HTTPField("Accept", "application/json"), FormBody.contentType]
        call.body = exchange.form().bytes
        let asked = context.clock.now
        let answer = try await sts.source.send(call, step, over: context.http)
        guard answer.status == 200 else { throw sts.error(answer, step, now: context.clock.now) }
        guard let granted = OAuthTokenAnswer(answer.body), granted.isBearer, exchange.isOfRequestedType(granted) else {
            throw sts.source.unreadable(answer, step)
        }
        // A federated token lives for an hour at most, also where the answer does not say so.
        return (granted.token, granted.expiresAt(asked: asked) ?? asked + .seconds(3600))
    }

    private struct ImpersonationBody: Encodable {
        let scope: [String]
        let lifetime: String
    }

    /// <https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateAccessToken>
    private func impersonate(
        _ account: String,
        with federated: Secret,
        lifetime: Duration?
    ) async throws(TokenStoreError) -> (token: Secret, expiresAt: UTCInstant) {
        let limits = settings.lifetimes
        let wished = lifetime ?? .seconds(3600)
        let life = min(max(wished, limits.lowerBound), limits.upperBound)
        // The project is always "-": the account's address names it.
        let path = "/v1/projects/-/serviceAccounts/\(PercentEncoded.text(account)):generateAccessToken"
        var call = HTTPCall("POST", plan.iamCredentials.text + path, timeout: Self.callTimeout)
        call.headers = [HTTPField("Accept", "application/json"), JSONBody.contentType]
        call.authorization = Authorization.bearer(federated)
        call.body = try JSONBody.encode(
            ImpersonationBody(scope: [Self.scope], lifetime: "\(life.components.seconds)s")
        )
        let asked = context.clock.now
        let answer = try await iam.source.send(call, iam.step, over: context.http)
        guard answer.status == 200 else { throw iam.error(answer, now: context.clock.now) }
        guard let granted = GoogleImpersonationAnswer(answer.body) else {
            throw iam.source.unreadable(answer, iam.step)
        }
        guard granted.expiresAt <= asked + life + Self.clockTolerance else {
            throw TokenStoreError(
                .malformedAnswer,
                "Google's new token lives longer than was asked for, by this node's clock",
                fix: "set the node's clock, and check that iamCredentialsURL is Google's",
                tokenMayExist: true
            )
        }
        return (granted.token, granted.expiresAt)
    }
}
