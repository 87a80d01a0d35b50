// What an operator writes for a store of kind `oauth-client-credentials`, and what follows from it.

package import TokenStore

/// The settings of an ``OAuthClientCredentialsStore``.
package struct ClientCredentialsSettings: Decodable, Sendable {
    /// The token endpoint's URL.
    package var endpoint: String
    /// The client's id.
    package var clientID: String
    /// The user name that goes with the tokens; may hold placeholders.
    package var username: String
    /// How the client proves itself: a secret...
    package var clientSecret: SecretReference?
    /// ... which is sent as `basic` (unless given) or `post`...
    package var clientAuthentication: String?
    /// ... or a private key that signs assertions (`private_key_jwt`)...
    package var clientKey: SecretReference?
    /// ... with the key's id, where the endpoint wants one...
    package var clientKeyID: String?
    /// ... for this audience: the endpoint's URL unless given...
    package var assertionAudience: String?
    /// ... or the Pod's service account token of this audience, as the assertion.
    package var audience: String?
    /// The service that the token is for, where the endpoint takes an `audience`.
    package var requestAudience: String?
    /// The service that the token is for, where the endpoint takes a `resource` (RFC 8707); may hold placeholders.
    package var resource: String?
    /// The scope to ask for, with placeholders. Without it the endpoint decides what a token reaches.
    package var scope: String?
    /// Fields that only this endpoint knows; values may hold placeholders.
    package var parameters: [String: String]?
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
        clientID: String,
        username: String,
        clientSecret: SecretReference? = nil,
        clientAuthentication: String? = nil,
        clientKey: SecretReference? = nil,
        clientKeyID: String? = nil,
        assertionAudience: String? = nil,
        audience: String? = nil,
        requestAudience: String? = nil,
        resource: String? = nil,
        scope: String? = nil,
        parameters: [String: String]? = nil,
        revocationEndpoint: String? = nil,
        gitURL: String? = nil,
        nestedNames: Bool? = nil,
        namesIgnoreCase: Bool? = nil,
        registryHost: String? = nil,
        otherHost: String? = nil,
        registryCredential: String? = nil
    ) {
        self.endpoint = endpoint
        self.clientID = clientID
        self.username = username
        self.clientSecret = clientSecret
        self.clientAuthentication = clientAuthentication
        self.clientKey = clientKey
        self.clientKeyID = clientKeyID
        self.assertionAudience = assertionAudience
        self.audience = audience
        self.requestAudience = requestAudience
        self.resource = resource
        self.scope = scope
        self.parameters = parameters
        self.revocationEndpoint = revocationEndpoint
        self.gitURL = gitURL
        self.nestedNames = nestedNames
        self.namesIgnoreCase = namesIgnoreCase
        self.registryHost = registryHost
        self.otherHost = otherHost
        self.registryCredential = registryCredential
    }
}

/// The settings of client credentials, checked.
struct ClientCredentialsPlan: Sendable {
    let endpoint: ServiceURL
    let revocation: ServiceURL?
    let client: OAuthClient
    let username: RequestTemplate
    let scope: RequestTemplate?
    let resource: RequestTemplate?
    let parameters: [String: RequestTemplate]
    let service: TokenService

    init(_ settings: ClientCredentialsSettings) throws(TokenStoreError) {
        service = try TokenPlaces(
            gitURL: settings.gitURL,
            nestedNames: settings.nestedNames,
            namesIgnoreCase: settings.namesIgnoreCase,
            registryHost: settings.registryHost,
            registryCredential: settings.registryCredential,
            otherHost: settings.otherHost
        ).service()
        endpoint = try AskChecks.url("endpoint", settings.endpoint)
        client = try Self.client(settings, endpoint)
        if let text = settings.requestAudience { try SettingChecks.text("requestAudience", text) }
        if let url = settings.revocationEndpoint {
            guard settings.audience == nil else {
                throw TokenStoreError(
                    .misconfigured,
                    "revocationEndpoint needs a credential when the Pod is gone, and the Pod's token is the only one",
                    fix: "remove revocationEndpoint, or use clientSecret or clientKey"
                )
            }
            revocation = try AskChecks.url("revocationEndpoint", url)
        } else {
            revocation = nil
        }
        username = try RequestTemplate.username(settings.username)
        scope = try RequestTemplate.optional("scope", settings.scope)
        resource = try RequestTemplate.optional("resource", settings.resource)
        parameters = try RequestTemplate.parameters(
            settings.parameters,
            reserved: [
                "grant_type", "audience", "resource", "scope", "client_id", "client_secret", "client_assertion",
                "client_assertion_type",
            ]
        )
    }

    private static func client(
        _ settings: ClientCredentialsSettings,
        _ endpoint: ServiceURL
    ) throws(TokenStoreError) -> OAuthClient {
        let ways = [settings.clientSecret != nil, settings.clientKey != nil, settings.audience != nil].filter { $0 }
        guard ways.count == 1 else {
            throw TokenStoreError(
                .misconfigured,
                "a client proves itself in one way, and the settings have \(ways.count)",
                fix: "set one of clientSecret, clientKey and audience (for the Pod's token)"
            )
        }
        let isKey = settings.clientKey != nil
        guard isKey || (settings.clientKeyID == nil && settings.assertionAudience == nil) else {
            throw TokenStoreError(
                .misconfigured,
                "clientKeyID and assertionAudience are for clientKey, which is missing",
                fix: "set clientKey, or remove them"
            )
        }
        if let secret = settings.clientSecret {
            return try OAuthClient(
                id: settings.clientID,
                secret: secret,
                authentication: settings.clientAuthentication
            )
        }
        guard settings.clientAuthentication == nil else {
            throw TokenStoreError(
                .misconfigured,
                "clientAuthentication says how a secret is sent, and there is no clientSecret",
                fix: "remove clientAuthentication"
            )
        }
        try SettingChecks.text("clientID", settings.clientID)
        if let audience = settings.audience {
            try SettingChecks.text("audience", audience)
            return .podToken(id: settings.clientID)
        }
        for (key, text) in [("clientKeyID", settings.clientKeyID), ("assertionAudience", settings.assertionAudience)] {
            if let text { try SettingChecks.text(key, text) }
        }
        return .key(
            id: settings.clientID,
            key: settings.clientKey ?? SecretReference(file: ""),
            keyID: settings.clientKeyID,
            audience: settings.assertionAudience ?? endpoint.text
        )
    }
}
