// What an operator writes for a store of kind `octo-sts`, and what follows from it.

import TokenStore

/// The settings of an ``OctoSTSStore``.
package struct OctoSTSSettings: Decodable, Sendable {
    /// The trust policy's name: `NAME` of `.github/chainguard/NAME.sts.yaml`.
    package var identity: String
    /// Where the trust policy lies: `repository` (unless given), or `organization` for the `.github` repository.
    package var policy: Policy?
    /// The service's base URL; `https://octo-sts.dev` unless given.
    package var url: String?
    /// The audience of the Pod's token; the host of `url` unless given, as the service itself has it.
    package var audience: String?
    /// GitHub's REST API, for revocations; `https://api.github.com` unless given.
    package var githubAPIURL: String?
    /// The base URL that git clones from; it follows from `githubAPIURL` where that has one of GitHub's own forms.
    package var webURL: String?
    /// A registry that the tokens should open too.
    package var registryHost: String?
    /// Whether a new token is tried once before it is handed out, because GitHub's replicas learn of it with a delay;
    /// on unless given.
    package var usabilityProbe: Bool?

    /// Where a trust policy lies, and so what it can reach.
    package enum Policy: String, Decodable, Sendable, CaseIterable {
        /// In the repository itself: a token reaches that repository.
        case repository
        /// In the owner's `.github` repository: a token reaches the repositories that the policy lists, or all.
        case organization
    }

    package init(
        identity: String,
        policy: Policy? = nil,
        url: String? = nil,
        audience: String? = nil,
        githubAPIURL: String? = nil,
        webURL: String? = nil,
        registryHost: String? = nil,
        usabilityProbe: Bool? = nil
    ) {
        self.identity = identity
        self.policy = policy
        self.url = url
        self.audience = audience
        self.githubAPIURL = githubAPIURL
        self.webURL = webURL
        self.registryHost = registryHost
        self.usabilityProbe = usabilityProbe
    }

    /// The audience of the Pod's token.
    var subjectAudience: String {
        if let audience { return audience }
        return (try? ServiceURL(url ?? "https://octo-sts.dev"))?.host ?? ""
    }
}

/// The settings, checked.
struct OctoSTSPlan: Sendable {
    let base: ServiceURL
    let github: ServiceURL
    let service: TokenService

    init(_ settings: OctoSTSSettings) throws(TokenStoreError) {
        let name = settings.identity
        guard !name.isEmpty, name.utf8.count <= 100, !name.hasPrefix("."),
            name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) })
        else {
            throw TokenStoreError(
                .misconfigured,
                "identity is no name of a trust policy",
                fix: "write NAME of the file .github/chainguard/NAME.sts.yaml"
            )
        }
        base = try AskChecks.url("url", settings.url ?? "https://octo-sts.dev")
        try SettingChecks.text("audience", settings.subjectAudience)
        github = try AskChecks.url("githubAPIURL", settings.githubAPIURL ?? "https://api.github.com")
        guard let webURL = settings.webURL ?? Self.webURL(for: github) else {
            throw TokenStoreError(
                .misconfigured,
                "webURL is missing, and it does not follow from githubAPIURL \(github.text)",
                fix: "set webURL to the base URL that git clones from"
            )
        }
        service = TokenService(
            git: try AskChecks.git("webURL", webURL, namesIgnoreCase: true),
            registryHost: try Self.host(settings.registryHost)
        )
    }

    private static func host(_ text: String?) throws(TokenStoreError) -> String? {
        guard let text else { return nil }
        return try AskChecks.host("registryHost", text)
    }

    /// The git server that belongs to an API address of one of GitHub's own forms.
    private static func webURL(for api: ServiceURL) -> String? {
        if api.text == "https://api.github.com" { return "https://github.com" }
        if api.path.isEmpty, api.origin.hasPrefix("https://api."), api.origin.hasSuffix(".ghe.com") {
            return "https://" + api.origin.dropFirst("https://api.".count)
        }
        return api.path == "/api/v3" ? api.origin : nil
    }
}
