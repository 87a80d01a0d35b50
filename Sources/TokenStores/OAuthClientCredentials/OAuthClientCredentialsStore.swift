// Tokens by OAuth 2.0 client credentials (RFC 6749, section 4.4).

package import TokenStore

/// Asks a token endpoint for tokens as a client: with a secret, a signed assertion, or the Pod's own token as one.
package final class OAuthClientCredentialsStore: TokenStore {
    package typealias Settings = ClientCredentialsSettings

    package static let kind = "oauth-client-credentials"

    package static let capabilities = StoreCapabilities(
        credentials: [.podToken, .nodeCredential],
        reach: .exact,
        life: .fixed("as the endpoint is set"),
        revocation: .supported("at once, with revocationEndpoint")
    )

    private let settings: ClientCredentialsSettings
    private let source: OAuthTokenSource

    package static func source(for settings: ClientCredentialsSettings) -> String? {
        [settings.endpoint, settings.revocationEndpoint].compactMap(\.self).joined(separator: " ")
    }

    package static func service(for settings: ClientCredentialsSettings) throws(TokenStoreError) -> TokenService {
        try ClientCredentialsPlan(settings).service
    }

    package static func reach(for settings: ClientCredentialsSettings) -> StoreCapabilities.Reach {
        let scope = settings.scope.flatMap { try? RequestTemplate("scope", $0) }
        return scope?.isExact == true ? .exact : .wider(TokenExchangeStore.unknownReach)
    }

    package static func capabilities(for settings: ClientCredentialsSettings) -> StoreCapabilities {
        var capabilities = capabilities
        capabilities.credentials = settings.audience == nil ? [.nodeCredential] : [.podToken]
        capabilities.reach = reach(for: settings)
        if settings.revocationEndpoint == nil { capabilities.revocation = .unsupported }
        return capabilities
    }

    package static func subjectTokenAudience(for settings: ClientCredentialsSettings) -> String? { settings.audience }

    package init(settings: ClientCredentialsSettings, context: TokenStoreContext) throws(TokenStoreError) {
        let plan = try ClientCredentialsPlan(settings)
        let credential =
            settings.audience.map { "check there that \(settings.clientID) trusts the Pod's token of audience \($0)" }
            ?? (settings.clientKey == nil
                ? "check clientID and clientSecret"
                : "check clientID, clientKey and assertionAudience, and the node's clock")
        self.settings = settings
        source = OAuthTokenSource(
            endpoint: plan.endpoint,
            errors: OAuthErrors(
                source: SourceErrors(source: "the token endpoint", address: plan.endpoint.text, addressKey: "endpoint"),
                fixes: [
                    .invalidClient: credential, .invalidGrant: credential,
                    .unauthorizedClient: "allow \(settings.clientID) the client credentials grant there",
                    .invalidTarget: "check requestAudience and resource",
                    .invalidScope: "check scope, and what the endpoint allows to \(settings.clientID)",
                    .invalidRequest: "check which fields it wants, and set them in parameters",
                ]
            ),
            client: plan.client,
            revocation: plan.revocation,
            username: plan.username,
            scope: plan.scope,
            resource: plan.resource,
            parameters: plan.parameters,
            context: context
        )
    }

    package func issue(_ request: TokenRequest) async throws(TokenStoreError) -> IssuedToken {
        let ask = try source.ask(request)
        if let audience = settings.audience { _ = try AskChecks.subjectToken(request, audience: audience) }
        var form = FormBody()
        form.add("grant_type", "client_credentials")
        if let audience = settings.requestAudience { form.add("audience", audience) }
        if let resource = ask.resource { form.add("resource", resource) }
        if !ask.scope.isEmpty { form.add("scope", ask.scope.joined(separator: " ")) }
        for (name, value) in ask.parameters.sorted(by: { $0.key < $1.key }) { form.add(name, value) }
        return try await source.issue(request, ask, form)
    }

    package func revoke(_ handle: RevocationHandle) async throws(TokenStoreError) { try await source.revoke(handle) }
}
