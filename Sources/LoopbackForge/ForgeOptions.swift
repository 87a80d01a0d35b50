// How a loopback forge is set up, and what can be made to go wrong with it.

/// The set-up of a ``LoopbackForge``.
package struct ForgeOptions: Sendable {
    /// The App's id, which its tokens must name as `iss`.
    package var appID: String
    /// The permissions that owners grant when they install the App.
    package var permissions: [String: String]
    /// How many uses of a new token fail, as on replicas that do not know it yet.
    package var replicationLag: Int
    /// The status of those failures: 401, 403 or 404.
    package var replicationLagStatus: Int
    /// Tokens of about 520 characters with dots, the form that GitHub began to issue in 2026, instead of 40.
    package var longTokens: Bool
    /// The time of day in seconds since 1970.
    package var now: @Sendable () -> Int

    package init(
        appID: String = "Iv23liLoopback",
        permissions: [String: String] = ["contents": "write", "metadata": "read", "packages": "read"],
        replicationLag: Int = 0,
        replicationLagStatus: Int = 404,
        longTokens: Bool = false,
        now: @escaping @Sendable () -> Int = ForgeTime.now
    ) {
        self.appID = appID
        self.permissions = permissions
        self.replicationLag = replicationLag
        self.replicationLagStatus = replicationLagStatus
        self.longTokens = longTokens
        self.now = now
    }
}

/// What a request to a forge is for.
package enum ForgeOperation: String, Sendable, Hashable {
    /// `GET /repos/{owner}/{repo}/installation`
    case findInstallation
    /// `GET /app/installations`
    case listInstallations
    /// `POST /app/installations/{id}/access_tokens`
    case mint
    /// `GET /repos/{owner}/{repo}`
    case repository
    /// `DELETE /installation/token`
    case revoke
    /// git's smart HTTP protocol
    case git
    /// anything else
    case unknown
}

/// Something that goes wrong on purpose.
package enum ForgeFault: Sendable {
    /// An answer instead of the operation, which does not happen.
    case answer(status: Int, headers: [String: String] = [:], message: String = "")
    /// The operation happens, and the connection breaks before its answer is complete.
    case lostAnswer
    /// The operation happens after a pause.
    case slow(Duration)
    /// The operation happens when the gate is opened.
    case held(ForgeGate)
    /// A mint whose token reaches everything that the installation has.
    case widerGrant

    /// 429 with a `Retry-After` field.
    package static func rateLimited(retryAfter: String) -> Self {
        .answer(status: 429, headers: ["Retry-After": retryAfter], message: "API rate limit exceeded")
    }

    /// 403 of a secondary limit, without a hint when to come back.
    package static var secondaryLimit: Self {
        .answer(status: 403, message: "You have exceeded a secondary rate limit.")
    }
}
