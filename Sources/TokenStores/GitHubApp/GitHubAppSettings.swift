// What an operator writes for a store of kind `github-app`, and the addresses that follow from it.

package import TokenStore

/// The settings of a ``GitHubAppStore``.
package struct GitHubAppSettings: Decodable, Sendable {
    /// The App's client id or app id, as the App's settings page shows it.
    package var appID: String
    /// The App's RSA private key: the PEM file that GitHub generated. Exactly one of this, `transit` and `signer`.
    package var privateKey: SecretReference?
    /// A key of Vault's Transit that signs in place of a private key here.
    package var transit: TransitSettings?
    /// A program that signs in place of a private key here.
    package var signer: ProgramSignerSettings?
    /// The REST API's base URL: `https://api.github.com` unless given; `https://HOST/api/v3` on an Enterprise Server.
    package var apiURL: String?
    /// The base URL that git clones from. It follows from `apiURL` where that has one of GitHub's own forms.
    package var webURL: String?
    /// A registry that the tokens should open too, `ghcr.io` for example. Caution: GitHub's registry refuses App tokens
    /// for many private packages, whatever permissions they carry; try it before builds depend on it.
    package var registryHost: String?
    /// The installation to mint from, when it should not be looked up by owner.
    package var installationID: Int64?
    /// Whether a new token is tried once before it is handed out, because GitHub's replicas learn of it with a delay;
    /// on unless given.
    package var usabilityProbe: Bool?

    package init(
        appID: String,
        privateKey: SecretReference? = nil,
        transit: TransitSettings? = nil,
        signer: ProgramSignerSettings? = nil,
        apiURL: String? = nil,
        webURL: String? = nil,
        registryHost: String? = nil,
        installationID: Int64? = nil,
        usabilityProbe: Bool? = nil
    ) {
        self.appID = appID
        self.privateKey = privateKey
        self.transit = transit
        self.signer = signer
        self.apiURL = apiURL
        self.webURL = webURL
        self.registryHost = registryHost
        self.installationID = installationID
        self.usabilityProbe = usabilityProbe
    }
}

extension GitHubAppSettings {
    /// Checks what signs, without reading or calling anything.
    func checkSigner() throws(TokenStoreError) {
        let chosen = [privateKey != nil, transit != nil, signer != nil].filter(\.self).count
        guard chosen == 1 else {
            throw TokenStoreError(
                .misconfigured,
                chosen == 0 ? "nothing signs for the App" : "\(chosen) things sign for the App",
                fix: "set one of privateKey, transit and signer"
            )
        }
        if let transit { _ = try TransitSigner.check(transit) }
        if let signer { try ProgramSigner.check(signer) }
    }

    /// What signs for the App. Reads the key file where there is one.
    func signer(_ context: TokenStoreContext) throws(TokenStoreError) -> any AppSigner {
        if let transit { return try TransitSigner(transit, context: context) }
        if let signer { return try ProgramSigner(signer, context: context) }
        guard let privateKey else {
            throw TokenStoreError(.misconfigured, "nothing signs for the App", fix: "set privateKey")
        }
        let key = try AppKey.parse(try context.secrets.read(privateKey), file: privateKey.file)
        return KeySigner(key: key, file: privateKey.file)
    }
}

/// The addresses of one GitHub, checked.
struct GitHubEndpoints: Sendable {
    let api: ServiceURL
    let git: GitServer
    let registryHost: String?

    init(_ settings: GitHubAppSettings) throws(TokenStoreError) {
        try Self.check(settings)
        try settings.checkSigner()
        let api = try Self.reading("apiURL", settings.apiURL ?? "https://api.github.com") {
            text throws(RepositoryReferenceError) in try ServiceURL(text)
        }
        guard let webURL = settings.webURL ?? Self.webURL(for: api) else {
            throw TokenStoreError(
                .misconfigured,
                "webURL is missing, and it does not follow from apiURL \(api.text)",
                fix: "set webURL to the base URL that git clones from"
            )
        }
        self.api = api
        git = try Self.reading("webURL", webURL) { text throws(RepositoryReferenceError) in
            try GitServer(webURL: text, nameParts: 2...2, namesIgnoreCase: true)
        }
        guard settings.apiURL != nil || git.origin == "https://github.com" else {
            throw TokenStoreError(
                .misconfigured,
                "webURL is \(git.origin), but without apiURL the tokens come from github.com",
                fix: "set apiURL too, for example to \(git.origin)/api/v3"
            )
        }
        registryHost = settings.registryHost?.lowercased()
    }

    /// Where tokens are good.
    var service: TokenService { TokenService(git: git, registryHost: registryHost) }

    /// The git server that belongs to an API address of one of GitHub's own forms.
    private static func webURL(for api: ServiceURL) -> String? {
        if api.text == "https://api.github.com" { return "https://github.com" }
        if api.path.isEmpty, api.origin.hasPrefix("https://api."), api.origin.hasSuffix(".ghe.com") {
            return "https://" + api.origin.dropFirst("https://api.".count)
        }
        return api.path == "/api/v3" ? api.origin : nil
    }

    private static func check(_ settings: GitHubAppSettings) throws(TokenStoreError) {
        let id = settings.appID
        guard !id.isEmpty, id.utf8.count <= 100, id.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x22 }) else {
            throw TokenStoreError(
                .misconfigured,
                "appID is empty or holds characters that no id has",
                fix: "write the client id or the app id of the App's settings page"
            )
        }
        if let installation = settings.installationID, installation <= 0 {
            throw TokenStoreError(
                .misconfigured,
                "installationID is \(installation), and ids are positive",
                fix: "leave it out to have the installation looked up by owner"
            )
        }
        if let host = settings.registryHost, !isRegistryHost(host) {
            throw TokenStoreError(
                .misconfigured,
                "registryHost is no host name",
                fix: "write the host alone, with its port where it has one: ghcr.io"
            )
        }
    }

    private static func isRegistryHost(_ text: String) -> Bool {
        guard !text.contains("/"), let server = try? GitServer(webURL: "https://\(text)") else { return false }
        return server.host == text.lowercased()
    }

    private static func reading<Value>(
        _ key: String,
        _ text: String,
        _ read: (String) throws(RepositoryReferenceError) -> Value
    ) throws(TokenStoreError) -> Value {
        do throws(RepositoryReferenceError) {
            return try read(text)
        } catch {
            throw TokenStoreError(
                .misconfigured,
                "\(key) can't be used: \(error.message)",
                fix: "write it as https://HOST or https://HOST/PATH"
            )
        }
    }
}
