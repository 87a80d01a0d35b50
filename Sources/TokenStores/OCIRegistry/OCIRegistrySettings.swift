// What an operator writes for a store of kind `oci-registry`, and the addresses that follow from it.

package import TokenStore

/// The settings of an ``OCIRegistryStore``.
package struct OCIRegistrySettings: Decodable, Sendable {
    /// The account at the token server that tokens are asked for with.
    package struct Account: Decodable, Sendable {
        /// The user name. With `<token>`, as docker's helpers write it, the file holds a refresh token.
        package var username: String
        /// The file with the password.
        package var password: SecretReference

        package init(username: String, password: SecretReference) {
            self.username = username
            self.password = password
        }
    }

    /// The registry's URL: `https://registry.example.com`. Docker Hub is `https://docker.io`.
    package var registry: String
    /// The token server's URL, where the registry names one on another host than its own.
    package var tokenServer: String?
    /// What the registry is called at the token server; it says so by itself unless this is given.
    package var service: String?
    /// The account.
    package var credential: Account
    /// What a build gets: `registry-token` (unless given) or `identity-token`.
    package var hand: String?

    package init(
        registry: String,
        tokenServer: String? = nil,
        service: String? = nil,
        credential: Account,
        hand: String? = nil
    ) {
        self.registry = registry
        self.tokenServer = tokenServer
        self.service = service
        self.credential = credential
        self.hand = hand
    }

    /// What a build gets.
    package enum Hand: String, Sendable, CaseIterable {
        /// The bearer token of the scope itself: exact, and short.
        case registryToken = "registry-token"
        /// A refresh token, with which clients get bearer tokens by themselves: of any scope that the account has.
        case identityToken = "identity-token"
    }
}

/// The addresses of one registry, checked.
struct OCIRegistryEndpoints: Sendable {
    /// Where its API answers: `https://registry.example.com:5000`.
    let origin: String
    /// How image references name it.
    let host: String
    let tokenServer: ServiceURL?
    let service: String?
    let hand: OCIRegistrySettings.Hand

    init(_ settings: OCIRegistrySettings) throws(TokenStoreError) {
        let server = try AskChecks.git("registry", settings.registry)
        let isHub = server.scheme == "https" && DockerHub.isName(server.host)
        origin = isHub ? DockerHub.origin : server.origin
        host = isHub ? DockerHub.host : server.host
        if let text = settings.tokenServer {
            tokenServer = try AskChecks.url("tokenServer", text)
        } else {
            tokenServer = nil
        }
        let word = settings.hand ?? OCIRegistrySettings.Hand.registryToken.rawValue
        guard let hand = OCIRegistrySettings.Hand(rawValue: word) else {
            throw TokenStoreError(
                .misconfigured,
                "hand is neither registry-token nor identity-token",
                fix: "leave it out for the narrowest tokens"
            )
        }
        self.hand = hand
        service = settings.service
        try Self.check(settings)
    }

    var tokenService: TokenService {
        TokenService(registryHost: host, registryCredential: hand == .registryToken ? .registryToken : .identityToken)
    }

    /// What a repository is called in scopes and paths: Docker Hub's official images have a namespace that references
    /// leave out.
    func name(_ repository: String) -> String {
        host == DockerHub.host && !repository.contains("/") ? "library/\(repository)" : repository
    }

    private static func check(_ settings: OCIRegistrySettings) throws(TokenStoreError) {
        let name = settings.credential.username
        guard !name.isEmpty, name.utf8.count <= 256, isPrintable(name), !name.contains(":") else {
            throw TokenStoreError(
                .misconfigured,
                "credential.username is empty, too long, or holds a colon or characters that no user name has",
                fix: "write the account's name at the token server"
            )
        }
        if let service = settings.service, service.isEmpty || service.utf8.count > 256 || !isPrintable(service) {
            throw TokenStoreError(
                .misconfigured,
                "service is empty, too long, or holds characters that no service name has",
                fix: "leave it out, or write what the registry's WWW-Authenticate field calls service"
            )
        }
    }

    private static func isPrintable(_ text: String) -> Bool { text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F } }
}
