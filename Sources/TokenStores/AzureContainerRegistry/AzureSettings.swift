// What an operator writes for a store of kind `azure-container-registry`, and what follows from it.

import TokenStore

/// The settings of an ``AzureContainerRegistryStore``.
package struct AzureContainerRegistrySettings: Decodable, Sendable {
    /// The registry's login server: `NAME.azurecr.io`.
    package var registry: String
    /// The tenant: its id, or one of its domains.
    package var tenantID: String
    /// The application or managed identity that trusts the Pod's service account: its client id.
    package var clientID: String
    /// The audience of the Pod's token; it follows from the registry's cloud unless given.
    package var audience: String?
    /// Entra's base URL; it follows from the registry's cloud unless given.
    package var authorityURL: String?
    /// The scope that Entra is asked for; it follows from the registry's cloud unless given.
    package var entraScope: String?
    /// The registry's base URL, where it is not `https://` and `registry`.
    package var registryURL: String?

    package init(
        registry: String,
        tenantID: String,
        clientID: String,
        audience: String? = nil,
        authorityURL: String? = nil,
        entraScope: String? = nil,
        registryURL: String? = nil
    ) {
        self.registry = registry
        self.tenantID = tenantID
        self.clientID = clientID
        self.audience = audience
        self.authorityURL = authorityURL
        self.entraScope = entraScope
        self.registryURL = registryURL
    }

    /// The audience of the Pod's token.
    var subjectAudience: String { audience ?? AzureCloud(registry: registry).tokenExchangeAudience }
}

/// One of Azure's clouds. The registry's name tells which.
enum AzureCloud: Sendable {
    case global, china, usGovernment

    init(registry: String) {
        let host = registry.lowercased()
        self = host.hasSuffix(".azurecr.cn") ? .china : host.hasSuffix(".azurecr.us") ? .usGovernment : .global
    }

    /// <https://learn.microsoft.com/en-us/entra/identity-platform/authentication-national-cloud>
    var authorityURL: String {
        switch self {
        case .global: "https://login.microsoftonline.com"
        case .china: "https://login.partner.microsoftonline.cn"
        case .usGovernment: "https://login.microsoftonline.us"
        }
    }

    var entraScope: String {
        switch self {
        case .global: "https://containerregistry.azure.net/.default"
        case .china: "https://containerregistry.azure.cn/.default"
        case .usGovernment: "https://containerregistry.azure.us/.default"
        }
    }

    /// <https://learn.microsoft.com/en-us/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity>
    var tokenExchangeAudience: String {
        switch self {
        case .global: "api://AzureADTokenExchange"
        case .china: "api://AzureADTokenExchangeChina"
        case .usGovernment: "api://AzureADTokenExchangeUSGov"
        }
    }
}

/// The settings, checked.
struct AzurePlan: Sendable {
    /// The login server in lower case: `service` of the registry's calls.
    let host: String
    let registry: ServiceURL
    let authority: ServiceURL
    let entraScope: String

    init(_ settings: AzureContainerRegistrySettings) throws(TokenStoreError) {
        host = try AskChecks.host("registry", settings.registry)
        registry = try AskChecks.url("registryURL", settings.registryURL ?? "https://\(host)")
        let cloud = AzureCloud(registry: host)
        authority = try AskChecks.url("authorityURL", settings.authorityURL ?? cloud.authorityURL)
        entraScope = settings.entraScope ?? cloud.entraScope
        try SettingChecks.text("entraScope", entraScope)
        try SettingChecks.text("audience", settings.subjectAudience)
        for (key, value) in [("tenantID", settings.tenantID), ("clientID", settings.clientID)] {
            // Both stand in URLs or name one thing: an id, or for a tenant a domain.
            guard !value.isEmpty, value.utf8.count <= 253, !value.hasPrefix("."),
                value.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == ".") })
            else {
                throw TokenStoreError(
                    .misconfigured,
                    "\(key) is no id",
                    fix: "write the id that the Azure portal shows"
                )
            }
        }
    }
}
