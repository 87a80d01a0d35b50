// What an operator writes for a store of kind `google-artifact-registry`, and what follows from it.

import TokenStore

/// The settings of a ``GoogleArtifactRegistryStore``.
package struct GoogleArtifactRegistrySettings: Decodable, Sendable {
    /// The registry's host: `europe-west3-docker.pkg.dev`, `gcr.io`.
    package var registryHost: String
    /// The provider of a workload identity pool:
    /// `projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER`.
    package var workloadIdentityProvider: String?
    /// On GKE, instead of a provider: the cluster's pool, `PROJECT.svc.id.goog`.
    package var gkeWorkloadPool: String?
    /// On GKE: the cluster's URL, `https://container.googleapis.com/v1/projects/P/locations/L/clusters/C`.
    package var gkeCluster: String?
    /// The audience of the Pod's token, where the provider allows another than its own name.
    package var audience: String?
    /// The service account to impersonate. Without it the token is the Pod's own identity's.
    package var serviceAccount: String?
    /// The longest life that impersonation may ask for: 3600 unless given; up to 43200 where the organisation allows it.
    package var maxLifetimeSeconds: Int?
    /// `https://sts.googleapis.com` unless given.
    package var stsURL: String?
    /// `https://iamcredentials.googleapis.com` unless given.
    package var iamCredentialsURL: String?

    package init(
        registryHost: String,
        workloadIdentityProvider: String? = nil,
        gkeWorkloadPool: String? = nil,
        gkeCluster: String? = nil,
        audience: String? = nil,
        serviceAccount: String? = nil,
        maxLifetimeSeconds: Int? = nil,
        stsURL: String? = nil,
        iamCredentialsURL: String? = nil
    ) {
        self.registryHost = registryHost
        self.workloadIdentityProvider = workloadIdentityProvider
        self.gkeWorkloadPool = gkeWorkloadPool
        self.gkeCluster = gkeCluster
        self.audience = audience
        self.serviceAccount = serviceAccount
        self.maxLifetimeSeconds = maxLifetimeSeconds
        self.stsURL = stsURL
        self.iamCredentialsURL = iamCredentialsURL
    }

    /// The audience of the Pod's token: what the operator wrote, or the provider's own, or GKE's pool.
    var subjectAudience: String {
        if let audience { return audience }
        if let provider = workloadIdentityProvider { return "https://iam.googleapis.com/" + provider }
        return gkeWorkloadPool ?? ""
    }

    /// The lives that impersonation may ask for, from ten minutes on.
    var lifetimes: ClosedRange<Duration> {
        let most = min(max(maxLifetimeSeconds ?? 3600, 600), 43_200)
        return .seconds(600) ... .seconds(most)
    }
}

/// The settings, checked.
struct GooglePlan: Sendable {
    let registryHost: String
    /// The audience of the exchange: which provider is to look at the Pod's token.
    let stsAudience: String
    let serviceAccount: String?
    let sts: ServiceURL
    let iamCredentials: ServiceURL

    init(_ settings: GoogleArtifactRegistrySettings) throws(TokenStoreError) {
        registryHost = try AskChecks.host("registryHost", settings.registryHost)
        switch (settings.workloadIdentityProvider, settings.gkeWorkloadPool, settings.gkeCluster) {
        case (let provider?, nil, nil):
            guard Self.isProvider(provider) else {
                throw TokenStoreError(
                    .misconfigured,
                    "workloadIdentityProvider is no provider's full name",
                    fix: "write projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER, "
                        + "with the project's number, not its id"
                )
            }
            stsAudience = "//iam.googleapis.com/" + provider
        case (nil, let pool?, let cluster?):
            try SettingChecks.text("gkeWorkloadPool", pool, most: 255)
            _ = try AskChecks.url("gkeCluster", cluster)
            stsAudience = "identitynamespace:\(pool):\(cluster)"
        default:
            throw TokenStoreError(
                .misconfigured,
                "it is not said which provider looks at the Pod's token",
                fix: "set workloadIdentityProvider, or on GKE gkeWorkloadPool and gkeCluster"
            )
        }
        try SettingChecks.text("audience", settings.subjectAudience)
        if let account = settings.serviceAccount {
            guard Self.isEmail(account) else {
                throw TokenStoreError(
                    .misconfigured,
                    "serviceAccount is no service account's e-mail address",
                    fix: "write NAME@PROJECT.iam.gserviceaccount.com"
                )
            }
        }
        serviceAccount = settings.serviceAccount
        if let most = settings.maxLifetimeSeconds {
            guard (600...43_200).contains(most), settings.serviceAccount != nil else {
                throw TokenStoreError(
                    .misconfigured,
                    "maxLifetimeSeconds is not from 600 to 43200, or there is no serviceAccount to impersonate",
                    fix: "3600 is the most without an organisation policy; set serviceAccount too"
                )
            }
        }
        sts = try AskChecks.url("stsURL", settings.stsURL ?? "https://sts.googleapis.com")
        iamCredentials = try AskChecks.url(
            "iamCredentialsURL",
            settings.iamCredentialsURL ?? "https://iamcredentials.googleapis.com"
        )
    }

    private static func isProvider(_ name: String) -> Bool {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 8, parts[0] == "projects", parts[2] == "locations", parts[3] == "global",
            parts[4] == "workloadIdentityPools", parts[6] == "providers"
        else { return false }
        let isNumber = !parts[1].isEmpty && parts[1].utf8.allSatisfy { (0x30...0x39).contains($0) }
        return isNumber && isName(parts[5]) && isName(parts[7])
    }

    private static func isName(_ name: Substring) -> Bool {
        !name.isEmpty && name.utf8.count <= 64
            && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }
    }

    private static func isEmail(_ text: String) -> Bool {
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, text.utf8.count <= 255 else { return false }
        return parts.allSatisfy { part in
            !part.isEmpty && part.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == ".") }
        }
    }
}
