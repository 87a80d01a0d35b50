// What an operator writes for a store of kind `token-exchange`.

package import TokenStore

/// The settings of a ``TokenExchangeStore``.
package struct TokenExchangeSettings: Decodable, Sendable {
    /// The token endpoint's URL.
    package var endpoint: String
    /// The audience of the Pod's service account token that is exchanged.
    package var audience: String
    /// The user name that goes with the tokens; may hold placeholders.
    package var username: String
    /// RFC 8693's `audience`: the name of the service that the new token is for.
    package var requestAudience: String?
    /// RFC 8693's `resource`: the URL of the service that the new token is for; may hold placeholders.
    package var resource: String?
    /// The scope to ask for, with placeholders. Without it the endpoint decides what a token reaches.
    package var scope: String?
    /// `urn:ietf:params:oauth:token-type:jwt` unless given.
    package var subjectTokenType: String?
    /// Not sent unless given.
    package var requestedTokenType: String?
    /// Fields that only this endpoint knows; values may hold placeholders.
    package var parameters: [String: String]?
    /// The client, where the endpoint wants one.
    package var clientID: String?
    /// The client's secret.
    package var clientSecret: SecretReference?
    /// Where the secret is sent: `basic` (unless given) or `post`.
    package var clientAuthentication: String?
    /// The revocation endpoint's URL (RFC 7009), where there is one.
    package var revocationEndpoint: String?
    /// Where the tokens are good: a git server's URL.
    package var gitURL: String?
    /// Whether the git server's repositories have names of more than two parts, as in nested groups.
    package var nestedNames: Bool?
    /// Whether `Owner/Name` and `owner/name` are one repository on the git server.
    package var namesIgnoreCase: Bool?
    /// Where the tokens are good: a registry's host.
    package var registryHost: String?
    /// Where the tokens are good: another host.
    package var otherHost: String?
    /// How registry clients present the tokens: `basic` unless given.
    package var registryCredential: String?

    package init(
        endpoint: String,
        audience: String,
        username: String,
        requestAudience: String? = nil,
        resource: String? = nil,
        scope: String? = nil,
        subjectTokenType: String? = nil,
        requestedTokenType: String? = nil,
        parameters: [String: String]? = nil,
        clientID: String? = nil,
        clientSecret: SecretReference? = nil,
        clientAuthentication: String? = nil,
        revocationEndpoint: String? = nil,
        gitURL: String? = nil,
        nestedNames: Bool? = nil,
        namesIgnoreCase: Bool? = nil,
        registryHost: String? = nil,
        otherHost: String? = nil,
        registryCredential: String? = nil
    ) {
        self.endpoint = endpoint
        self.audience = audience
        self.username = username
        self.requestAudience = requestAudience
        self.resource = resource
        self.scope = scope
        self.subjectTokenType = subjectTokenType
        self.requestedTokenType = requestedTokenType
        self.parameters = parameters
        self.clientID = clientID
        self.clientSecret = clientSecret
        self.clientAuthentication = clientAuthentication
        self.revocationEndpoint = revocationEndpoint
        self.gitURL = gitURL
        self.nestedNames = nestedNames
        self.namesIgnoreCase = namesIgnoreCase
        self.registryHost = registryHost
        self.otherHost = otherHost
        self.registryCredential = registryCredential
    }
}

/// The settings of an exchange, checked.
struct TokenExchangePlan: Sendable {
    let endpoint: ServiceURL
    let revocation: ServiceURL?
    let client: OAuthClient
    let username: RequestTemplate
    let scope: RequestTemplate?
    let resource: RequestTemplate?
    let parameters: [String: RequestTemplate]
    let service: TokenService

    init(_ settings: TokenExchangeSettings) throws(TokenStoreError) {
        service = try TokenPlaces(
            gitURL: settings.gitURL,
            nestedNames: settings.nestedNames,
            namesIgnoreCase: settings.namesIgnoreCase,
            registryHost: settings.registryHost,
            registryCredential: settings.registryCredential,
            otherHost: settings.otherHost
        ).service()
        endpoint = try AskChecks.url("endpoint", settings.endpoint)
        try SettingChecks.text("audience", settings.audience)
        for (key, value) in [
            ("requestAudience", settings.requestAudience), ("subjectTokenType", settings.subjectTokenType),
            ("requestedTokenType", settings.requestedTokenType),
        ] {
            if let value { try SettingChecks.text(key, value) }
        }
        if let url = settings.revocationEndpoint {
            revocation = try AskChecks.url("revocationEndpoint", url)
        } else {
            revocation = nil
        }
        client = try OAuthClient(
            id: settings.clientID,
            secret: settings.clientSecret,
            authentication: settings.clientAuthentication
        )
        username = try RequestTemplate.username(settings.username)
        scope = try RequestTemplate.optional("scope", settings.scope)
        resource = try RequestTemplate.optional("resource", settings.resource)
        parameters = try RequestTemplate.parameters(
            settings.parameters,
            reserved: [
                "grant_type", "audience", "resource", "scope", "requested_token_type", "subject_token",
                "subject_token_type", "actor_token", "actor_token_type", "client_id", "client_secret",
                "client_assertion", "client_assertion_type",
            ]
        )
    }
}
