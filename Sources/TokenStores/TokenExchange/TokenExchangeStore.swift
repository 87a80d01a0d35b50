// Tokens of any endpoint that speaks OAuth 2.0 Token Exchange (RFC 8693).

package import TokenStore

/// Exchanges the Pod's service account token for a token of another service, at any RFC 8693 endpoint.
///
/// One `issue` is one call. What a token reaches is exact when `scope` names repositories and what may be done with them,
/// because the endpoint must say so when it grants anything else (section 2.2.1); the answer's scope is compared.
package final class TokenExchangeStore: TokenStore {
    package typealias Settings = TokenExchangeSettings

    package static let kind = "token-exchange"

    package static let capabilities = StoreCapabilities(
        credentials: [.podToken, .nodeCredential],
        reach: .exact,
        life: .fixed("as the endpoint is set"),
        revocation: .supported("at once, with revocationEndpoint")
    )

    /// What is said of tokens whose call names no scope.
    static let unknownReach = "whatever the endpoint grants, because the store's scope does not name what was asked for"

    private let settings: TokenExchangeSettings
    private let source: OAuthTokenSource

    package static func source(for settings: TokenExchangeSettings) -> String? {
        [settings.endpoint, settings.revocationEndpoint].compactMap(\.self).joined(separator: " ")
    }

    package static func service(for settings: TokenExchangeSettings) throws(TokenStoreError) -> TokenService {
        try TokenExchangePlan(settings).service
    }

    package static func reach(for settings: TokenExchangeSettings) -> StoreCapabilities.Reach {
        let scope = settings.scope.flatMap { try? RequestTemplate("scope", $0) }
        return scope?.isExact == true ? .exact : .wider(unknownReach)
    }

    package static func capabilities(for settings: TokenExchangeSettings) -> StoreCapabilities {
        var capabilities = capabilities
        capabilities.credentials = settings.clientSecret == nil ? [.podToken] : [.podToken, .nodeCredential]
        capabilities.reach = reach(for: settings)
        if settings.revocationEndpoint == nil { capabilities.revocation = .unsupported }
        return capabilities
    }

    package static func subjectTokenAudience(for settings: TokenExchangeSettings) -> String? { settings.audience }

    package init(settings: TokenExchangeSettings, context: TokenStoreContext) throws(TokenStoreError) {
        let plan = try TokenExchangePlan(settings)
        let trust =
            "check there that it trusts this cluster's issuer, the audience \(settings.audience) and the Pod's "
            + "service account"
        self.settings = settings
        source = OAuthTokenSource(
            endpoint: plan.endpoint,
            errors: OAuthErrors(
                source: SourceErrors(source: "the token endpoint", address: plan.endpoint.text, addressKey: "endpoint"),
                fixes: [
                    // RFC 8693 answers so to a subject token that it does not accept.
                    .invalidRequest: trust + ", and which other fields it wants",
                    .invalidGrant: trust,
                    .unauthorizedClient: trust + ", and that the client may exchange tokens",
                    .invalidClient: "check clientID and clientSecret",
                    .invalidTarget: "check requestAudience and resource",
                    .invalidScope: "check scope, and what the endpoint allows to this service account",
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
        let exchange = TokenExchange(
            subjectToken: try AskChecks.subjectToken(request, audience: settings.audience),
            subjectTokenType: settings.subjectTokenType ?? TokenExchange.TokenType.jwt,
            requestedTokenType: settings.requestedTokenType,
            audience: settings.requestAudience,
            resource: ask.resource,
            scope: ask.scope,
            parameters: ask.parameters
        )
        return try await source.issue(request, ask, exchange.form(), isAsAsked: exchange.isOfRequestedType)
    }

    package func revoke(_ handle: RevocationHandle) async throws(TokenStoreError) { try await source.revoke(handle) }
}
