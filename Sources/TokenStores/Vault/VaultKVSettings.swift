// What an operator writes for a store of kind `vault-kv`.

import TokenStore

/// The settings of a ``VaultKVStore``.
package struct VaultKVSettings: Decodable, Sendable {
    /// How the path is read.
    package enum Engine: String, Decodable, Sendable, CaseIterable {
        case kv1, kv2
        /// A path of another engine that answers without a lease.
        case unleased
    }

    /// What is read at Vault, and what it holds.
    package struct SecretSettings: Decodable, Sendable {
        /// The engine; `kv2` unless given.
        package var engine: Engine?
        /// Where the engine is mounted; `secret` unless given.
        package var mount: String?
        /// The path below the mount; with KV version 2 without `data/`. May hold placeholders.
        package var path: String
        /// With KV version 2: the version; the newest unless given.
        package var version: Int?
        /// With `unleased`: how the path is asked (`GET` unless given), and with what.
        package var method: VaultMethod?
        package var parameters: [String: VaultParameter]?
        /// The user name of all tokens, or the key that holds it.
        package var username: String?
        package var usernameKey: String?
        /// The key that holds the token.
        package var passwordKey: String
        /// The key that holds the token's end.
        package var expiryKey: String?
        /// How the values come wrapped; not at all unless given.
        package var wrapped: VaultWrappingSettings?

        package init(
            engine: Engine? = nil,
            mount: String? = nil,
            path: String,
            version: Int? = nil,
            method: VaultMethod? = nil,
            parameters: [String: VaultParameter]? = nil,
            username: String? = nil,
            usernameKey: String? = nil,
            passwordKey: String,
            expiryKey: String? = nil,
            wrapped: VaultWrappingSettings? = nil
        ) {
            self.engine = engine
            self.mount = mount
            self.path = path
            self.version = version
            self.method = method
            self.parameters = parameters
            self.username = username
            self.usernameKey = usernameKey
            self.passwordKey = passwordKey
            self.expiryKey = expiryKey
            self.wrapped = wrapped
        }
    }

    /// Vault's base URL.
    package var address: String
    /// The namespace of all calls.
    package var namespace: String?
    package var auth: VaultAuthSettings
    package var secret: SecretSettings
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
        places: VaultPlacesSettings
    ) {
        self.address = address
        self.namespace = namespace
        self.auth = auth
        self.secret = secret
        gitURL = places.gitURL
        namesIgnoreCase = places.namesIgnoreCase
        registryHost = places.registryHost
        registryCredential = places.registryCredential
        otherHost = places.otherHost
    }
}

/// The settings of a ``VaultKVStore``, checked.
struct VaultKVPlan: Sendable {
    let server: VaultServer
    let service: TokenService
    let engine: VaultKVSettings.Engine
    let version: Int?
    let read: VaultRead
    let keys: VaultCredentialKeys
    let wrapping: VaultWrapping

    init(_ settings: VaultKVSettings) throws(TokenStoreError) {
        let secret = settings.secret
        server = try VaultServer(address: settings.address, namespace: settings.namespace, auth: settings.auth)
        service = try VaultPlacesSettings(
            gitURL: settings.gitURL,
            namesIgnoreCase: settings.namesIgnoreCase,
            registryHost: settings.registryHost,
            registryCredential: settings.registryCredential,
            otherHost: settings.otherHost
        ).service()
        engine = secret.engine ?? .kv2
        version = secret.version
        guard version == nil || (engine == .kv2 && version ?? 0 > 0) else {
            throw TokenStoreError(
                .misconfigured,
                "secret.version is for KV version 2, and counts from 1",
                fix: "leave it out for the newest version"
            )
        }
        guard engine == .unleased || (secret.method == nil && secret.parameters == nil) else {
            throw TokenStoreError(
                .misconfigured,
                "secret.method and secret.parameters are for engine: unleased",
                fix: "remove them: KV is read with a GET"
            )
        }
        let mount = try VaultPath.check("secret.mount", secret.mount ?? "secret")
        let path =
            switch engine {
            case .kv1: "\(mount)/\(secret.path)"
            case .kv2: "\(mount)/data/\(secret.path)"
            case .unleased: secret.mount == nil ? secret.path : "\(mount)/\(secret.path)"
            }
        read = try VaultRead(path: path, method: secret.method, parameters: secret.parameters)
        keys = try VaultCredentialKeys(
            username: secret.username,
            usernameKey: secret.usernameKey,
            passwordKey: secret.passwordKey,
            expiryKey: secret.expiryKey
        )
        wrapping = try VaultWrapping(secret.wrapped)
    }
}
