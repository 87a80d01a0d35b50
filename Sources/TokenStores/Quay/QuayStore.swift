// Tokens of Quay's robot accounts, by robot federation.

package import TokenStore

/// The settings of a ``QuayStore``.
package struct QuaySettings: Decodable, Sendable {
    /// The robot account: `organisation+name`.
    package var robot: String
    /// The audience of the Pod's token, as the robot's federation names it.
    package var audience: String
    /// Quay's base URL; `https://quay.io` unless given.
    package var url: String?
    /// The registry's host, where it is not that of `url`.
    package var registryHost: String?

    package init(robot: String, audience: String, url: String? = nil, registryHost: String? = nil) {
        self.robot = robot
        self.audience = audience
        self.url = url
        self.registryHost = registryHost
    }
}

/// Exchanges the Pod's service account token for a robot's token of one hour.
///
/// Quay does not cut the token: it has all permissions of the robot. It can't be revoked, and it is a signed statement
/// without a serial number, so that two builds that ask in one second get the same one.
package final class QuayStore: TokenStore {
    package typealias Settings = QuaySettings

    package static let kind = "quay"

    package static let capabilities = StoreCapabilities(
        credentials: [.podToken],
        reach: .wider("every repository that the robot account may reach, with all of its permissions"),
        life: .fixed("1 hour"),
        revocation: .unsupported,
        sharesTokens: true
    )

    static let callTimeout: Duration = .seconds(10)

    private let settings: QuaySettings
    private let plan: Plan
    private let context: TokenStoreContext

    private struct Plan: Sendable {
        let base: ServiceURL
        let registryHost: String

        init(_ settings: QuaySettings) throws(TokenStoreError) {
            base = try AskChecks.url("url", settings.url ?? "https://quay.io")
            registryHost = try AskChecks.host("registryHost", settings.registryHost ?? base.host)
            try SettingChecks.text("audience", settings.audience)
            let parts = settings.robot.split(separator: "+", omittingEmptySubsequences: false)
            guard parts.count == 2, parts.allSatisfy(Self.isName) else {
                throw TokenStoreError(
                    .misconfigured,
                    "robot is no robot account's name",
                    fix: "write organisation+name, as Quay shows it"
                )
            }
        }

        private static func isName(_ name: Substring) -> Bool {
            !name.isEmpty && name.utf8.count <= 255
                && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) }
        }
    }

    package static func service(for settings: QuaySettings) throws(TokenStoreError) -> TokenService {
        TokenService(registryHost: try Plan(settings).registryHost)
    }

    package static func subjectTokenAudience(for settings: QuaySettings) -> String? { settings.audience }

    package init(settings: QuaySettings, context: TokenStoreContext) throws(TokenStoreError) {
        plan = try Plan(settings)
        self.settings = settings
        self.context = context
    }

    private struct Answer: Decodable { let token: String }

    package func issue(_ request: TokenRequest) async throws(TokenStoreError) -> IssuedToken {
        try ImageScope.check(request.scope, host: plan.registryHost)
        let subjectToken = try AskChecks.subjectToken(request, audience: settings.audience)
        let source = SourceErrors(source: "Quay", address: plan.base.text, addressKey: "url")
        let federation =
            "check the federation of \(settings.robot): this cluster's issuer, the subject system:serviceaccount:"
            + "\(request.subject.namespace):\(request.subject.serviceAccount), the audience \(settings.audience)"
        let step = SourceErrors.Step(
            "issue a token of \(settings.robot)",
            mints: true,
            onUnauthorised: federation,
            onForbidden: federation,
            onNotFound: "check url; robot federation needs Quay 3.13 or later"
        )
        var call = HTTPCall("GET", plan.base.text + "/oauth2/federation/robot/token", timeout: Self.callTimeout)
        call.headers = [HTTPField("Accept", "application/json")]
        call.authorization = Authorization.basic(settings.robot, subjectToken)
        let answer = try await source.send(call, step, over: context.http)
        let now = context.clock.now
        switch answer.status {
        case 200: break
        case 400, 401, 403:
            // Quay says 401 to some and 400 to most of what it does not like about the robot or the Pod's token.
            throw TokenStoreError(
                .refused,
                "Quay does not accept the Pod's token for \(settings.robot) (HTTP \(answer.status))",
                fix: federation
            )
        default: throw source.error(answer, step, now: now)
        }
        guard let text = JSONBody.decode(Answer.self, answer.body)?.token else {
            throw source.unreadable(answer, step)
        }
        let token = Secret(utf8: text)
        guard Authorization.isUsable(token) else { throw source.unreadable(answer, step) }
        let expiresAt = UnverifiedJWT(token)?.expiresAt
        if let expiresAt, expiresAt <= now {
            throw TokenStoreError(
                .malformedAnswer,
                "Quay's new token has already expired by this node's clock",
                fix: "set the node's clock",
                tokenMayExist: true
            )
        }
        return IssuedToken(
            username: settings.robot,
            secret: token,
            expiresAt: expiresAt,
            grantedScope: request.scope
        )
    }

    package func revoke(_ handle: RevocationHandle) async throws(TokenStoreError) {
        throw TokenStoreError(.refused, "Quay has no way to revoke such a token", fix: "it ends by itself in an hour")
    }
}
