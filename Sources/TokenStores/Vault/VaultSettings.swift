// What an operator writes for a store of kind `vault`.

import TokenStore

/// The settings of a ``VaultStore``.
package struct VaultSettings: Decodable, Sendable {
    /// What is read at Vault, and what it holds.
    package struct SecretSettings: Decodable, Sendable {
        /// The engine's path, with its mount: `github/token`. May hold placeholders.
        package var path: String
        /// How the path is asked; `GET` unless given.
        package var method: VaultMethod?
        /// What is sent with it; the values may be, or hold, placeholders.
        package var parameters: [String: VaultParameter]?
        /// The user name of all tokens, or the key of the answer that holds it.
        package var username: String?
        package var usernameKey: String?
        /// The key of the answer that holds the token.
        package var passwordKey: String
        /// The key of the answer that holds the token's own end, where the lease does not say it all.
        package var expiryKey: String?
        /// How the answer is wrapped; not at all unless given.
        package var wrapped: VaultWrappingSettings?
        /// The operator's word that the engine cuts each token to what the parameters ask.
        package var reach: VaultReach?
        /// Keys of the answer that say what was granted.
        package var echo: VaultEchoSettings?

        package init(
            path: String,
            method: VaultMethod? = nil,
            parameters: [String: VaultParameter]? = nil,
            username: String? = nil,
            usernameKey: String? = nil,
            passwordKey: String,
            expiryKey: String? = nil,
            wrapped: VaultWrappingSettings? = nil,
            reach: VaultReach? = nil,
            echo: VaultEchoSettings? = nil
        ) {
            self.path = path
            self.method = method
            self.parameters = parameters
            self.username = username
            self.usernameKey = usernameKey
            self.passwordKey = passwordKey
            self.expiryKey = expiryKey
            self.wrapped = wrapped
            self.reach = reach
            self.echo = echo
        }
    }

    /// Vault's base URL.
    package var address: String
    /// The namespace of all calls.
    package var namespace: String?
    package var auth: VaultAuthSettings
    package var secret: SecretSettings
    /// The life to renew leases to, in seconds; 3600 unless given.
    package var leaseSeconds: Int?
    /// Where the tokens are good.
    package var gitURL: String?
    package var namesIgnoreCase: Bool?
    package var registryHost: String?
    package var registryCredential: String?
    package var otherHost: String?

    package init(
        address: String,
        namespace: String? = nil,
        auth: VaultAuthSettings,
        secret: SecretSettings,
        leaseSeconds: Int? = nil,
        places: VaultPlacesSettings
    ) {
        self.address = address
        self.namespace = namespace
        self.auth = auth
        self.secret = secret
        self.leaseSeconds = leaseSeconds
        gitURL = places.gitURL
        namesIgnoreCase = places.namesIgnoreCase
        registryHost = places.registryHost
        registryCredential = places.registryCredential
        otherHost = places.otherHost
    }
}

/// How close tokens come to the scope, in the operator's word.
package enum VaultReach: String, Decodable, Sendable, CaseIterable { case exact, wider }

/// The settings of a ``VaultStore``, checked.
struct VaultPlan: Sendable {
    let server: VaultServer
    let service: TokenService
    let read: VaultRead
    let keys: VaultCredentialKeys
    let wrapping: VaultWrapping
    let isExact: Bool
    let echo: VaultEcho?
    let life: Duration

    init(_ settings: VaultSettings) throws(TokenStoreError) {
        let secret = settings.secret
        server = try VaultServer(address: settings.address, namespace: settings.namespace, auth: settings.auth)
        service = try VaultPlacesSettings(
            gitURL: settings.gitURL,
            namesIgnoreCase: settings.namesIgnoreCase,
            registryHost: settings.registryHost,
            registryCredential: settings.registryCredential,
            otherHost: settings.otherHost
        ).service()
        read = try VaultRead(path: secret.path, method: secret.method, parameters: secret.parameters)
        keys = try VaultCredentialKeys(
            username: secret.username,
            usernameKey: secret.usernameKey,
            passwordKey: secret.passwordKey,
            expiryKey: secret.expiryKey
        )
        wrapping = try VaultWrapping(secret.wrapped)
        if case .field = wrapping {
            throw TokenStoreError(
                .misconfigured,
                "secret.wrapped.tokenKey is for what somebody deposited, and a store of kind vault mints",
                fix: "use the kind vault-kv, or wrapped: { ttlSeconds: 60 }"
            )
        }
        isExact = secret.reach == .exact
        echo = try secret.echo.map { settings throws(TokenStoreError) in try VaultEcho(settings) }
        if isExact { try Self.checkNarrowing(read.placeholders) }
        let seconds = settings.leaseSeconds ?? 3600
        guard (60...2_764_800).contains(seconds) else {
            throw TokenStoreError(
                .misconfigured,
                "leaseSeconds is \(seconds)",
                fix: "write 60 (a minute) to 2764800 (32 days)"
            )
        }
        life = .seconds(seconds)
    }

    /// A token can only be exact when the engine is told both what it is for and what may be done.
    private static func checkNarrowing(_ used: Set<VaultPlaceholder>) throws(TokenStoreError) {
        let namesWhole = !used.isDisjoint(with: [.repository, .repositories])
        let namesInParts = !used.isDisjoint(with: [.name, .names]) && used.contains(.owner)
        guard namesWhole || namesInParts else {
            throw TokenStoreError(
                .misconfigured,
                "secret.reach is exact, and neither path nor parameters tell Vault the repositories",
                fix: "use {repository} or {repositories}, or {owner} with {name} or {names}; else remove secret.reach"
            )
        }
        guard !used.isDisjoint(with: [.permissions, .actions]) else {
            throw TokenStoreError(
                .misconfigured,
                "secret.reach is exact, and no parameter tells Vault the permissions or actions",
                fix: "use {permissions} or {actions}; else remove secret.reach"
            )
        }
    }
}
