// What an operator writes for a store of kind `harbor`, and the addresses that follow from it.

package import TokenStore

/// The settings of a ``HarborStore``.
package struct HarborSettings: Decodable, Sendable {
    /// Harbor's base URL: `https://harbor.example.com`.
    package var url: String
    /// The account that makes robots: a project's administrator, or a robot that may create robots.
    package var username: String
    /// Its password, read at each use.
    package var password: SecretReference
    /// The registry's host, where it is not the one of `url`.
    package var registryHost: String?

    package init(url: String, username: String, password: SecretReference, registryHost: String? = nil) {
        self.url = url
        self.username = username
        self.password = password
        self.registryHost = registryHost
    }
}

/// One Harbor, checked.
struct HarborPlace: Sendable {
    let api: ServiceURL
    let registryHost: String

    init(_ settings: HarborSettings) throws(TokenStoreError) {
        api = try AskChecks.url("url", settings.url)
        guard api.path.isEmpty else {
            throw TokenStoreError(
                .misconfigured,
                "url has a path, and Harbor lies at the top of its host",
                fix: "write it as https://HOST"
            )
        }
        try AskChecks.username(settings.username)
        if let host = settings.registryHost {
            registryHost = try AskChecks.host("registryHost", host)
        } else {
            registryHost = String(api.origin.drop { $0 != ":" }.dropFirst(3))
        }
    }

    /// Where tokens are good.
    var service: TokenService { TokenService(registryHost: registryHost) }
}

extension AskChecks {
    /// Checks the name of an account that goes into HTTP Basic credentials.
    static func username(_ name: String) throws(TokenStoreError) {
        let isPlain = name.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F && $0 != ":" }
        guard isPlain, !name.isEmpty else {
            throw TokenStoreError(
                .misconfigured,
                "username is empty, or holds a colon or a control character",
                fix: "write the account's name as it logs in"
            )
        }
    }
}
