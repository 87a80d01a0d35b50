// Passwords of Amazon's public registry, for builds that publish there.

package import TokenStore

/// Issues passwords for ECR Public: a session of the role with a session policy, as ``ECRStore`` does.
///
/// Everybody may pull what is there; a password lifts the limits that nameless clients have. So only pushing and deleting
/// is cut down to the scope. What is true of the life of ECR's passwords is true of these.
package final class ECRPublicStore: TokenStore {
    package typealias Settings = ECRPublicSettings

    package static let kind = "aws-ecr-public"

    package static let capabilities = StoreCapabilities(
        credentials: [.podToken, .nodeCredential],
        reach: .exact,
        life: ECRStore.capabilities.life,
        revocation: .unsupported
    )

    private let registry: ECRPublicRegistry
    private let context: TokenStoreContext

    package static func service(for settings: ECRPublicSettings) throws(TokenStoreError) -> TokenService {
        try ECRPublicRegistry(settings).service
    }

    package static func subjectTokenAudience(for settings: ECRPublicSettings) -> String? {
        settings.subjectTokenAudience
    }

    package init(settings: ECRPublicSettings, context: TokenStoreContext) throws(TokenStoreError) {
        registry = try ECRPublicRegistry(settings)
        self.context = context
    }

    package func issue(_ request: TokenRequest) async throws(TokenStoreError) -> IssuedToken {
        let policy = try registry.policy(request.scope)
        let session = try await STSSessions(role: registry.role, region: registry.endpoints.region, context: context)
            .assume(request, policy: policy)
        let call = AuthorizationTokenCall(
            service: "ecr-public",
            target: "SpencerFrontendService.GetAuthorizationToken",
            region: ECRPublicRegistry.region,
            api: registry.api,
            errors: AWSErrors(
                role: registry.role.arn,
                usesPodToken: registry.role.usesPodToken,
                source: SourceErrors(source: "ECR Public", address: registry.api.text, addressKey: "ecrURL")
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

    package func revoke(_ handle: RevocationHandle) async throws(TokenStoreError) { throw ECRStore.irrevocable }
}
