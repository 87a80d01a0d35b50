// Passwords of Amazon's private container registry, each of a session that reaches one build's repositories only.

package import TokenStore

/// Issues passwords for ECR: assumes the role with the Pod's own token and a session policy that names the build's
/// repositories and actions, and has that session ask for a password.
///
/// ECR gives each password twelve hours, and neither shortens nor revokes one. Whether a password dies with its session is
/// not documented, so the token is said to end with whichever is first, and ``capabilities`` say what is certain.
package final class ECRStore: TokenStore {
    package typealias Settings = ECRSettings

    package static let kind = "aws-ecr"

    package static let capabilities = StoreCapabilities(
        credentials: [.podToken, .nodeCredential],
        reach: .exact,
        life: .fixed("up to 12 hours; renewed as if it ended with the role's session, which it may"),
        revocation: .unsupported
    )

    private let registry: ECRRegistry
    private let context: TokenStoreContext

    package static func service(for settings: ECRSettings) throws(TokenStoreError) -> TokenService {
        try ECRRegistry(settings).service
    }

    package static func subjectTokenAudience(for settings: ECRSettings) -> String? { settings.subjectTokenAudience }

    package init(settings: ECRSettings, context: TokenStoreContext) throws(TokenStoreError) {
        registry = try ECRRegistry(settings)
        self.context = context
    }

    package func issue(_ request: TokenRequest) async throws(TokenStoreError) -> IssuedToken {
        let policy = try registry.policy(request.scope)
        let region = registry.endpoints.region
        let session = try await STSSessions(role: registry.role, region: region, context: context)
            .assume(request, policy: policy)
        let call = AuthorizationTokenCall(
            service: "ecr",
            target: "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken",
            region: region,
            api: registry.api,
            errors: AWSErrors(
                role: registry.role.arn,
                usesPodToken: registry.role.usesPodToken,
                source: SourceErrors(source: "ECR", address: registry.api.text, addressKey: "ecrURL")
            ),
            context: context
        )
        let token = try await call.send(session)
        return IssuedToken(
            username: token.username,
            secret: token.secret,
            expiresAt: token.expiresAt,
            grantedScope: request.scope
        )
    }

    package func revoke(_ handle: RevocationHandle) async throws(TokenStoreError) { throw Self.irrevocable }

    /// The error of every revocation.
    static let irrevocable = TokenStoreError(
        .refused,
        "ECR has no call that revokes a password",
        fix: "to cut off all of a role's sessions, revoke its active sessions in IAM"
    )
}
