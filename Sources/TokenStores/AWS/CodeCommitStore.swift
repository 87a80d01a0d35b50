// Passwords of AWS CodeCommit's git server: signatures that are good for one repository and a quarter of an hour.

package import TokenStore

/// Issues git passwords for CodeCommit.
///
/// A password is no secret that CodeCommit keeps: it is a signature by a session's keys, of a time and of the path of one
/// repository, as AWS's own helpers make it (<https://github.com/aws/git-remote-codecommit>). The session's keys are
/// dropped when it is made. The session policy says whether it may push. So a build holds nothing that reaches another
/// repository, and nothing that lives longer than about 15 minutes.
package final class CodeCommitStore: TokenStore {
    package typealias Settings = CodeCommitSettings

    package static let kind = "aws-codecommit"

    package static let capabilities = StoreCapabilities(
        credentials: [.podToken, .nodeCredential],
        reach: .exact,
        life: .fixed("about 15 minutes"),
        revocation: .unsupported
    )

    /// How long CodeCommit takes a signature
    /// (<https://docs.aws.amazon.com/codecommit/latest/userguide/troubleshooting-ch.html>).
    static let life: Duration = .seconds(900)

    package static let knownPermissions: Set<String> = ["contents"]
    package static let knownActions: Set<RegistryAction> = []

    private let server: CodeCommitServer
    private let context: TokenStoreContext

    package static func service(for settings: CodeCommitSettings) throws(TokenStoreError) -> TokenService {
        try CodeCommitServer(settings).service
    }

    package static func subjectTokenAudience(for settings: CodeCommitSettings) -> String? {
        settings.subjectTokenAudience
    }

    package init(settings: CodeCommitSettings, context: TokenStoreContext) throws(TokenStoreError) {
        server = try CodeCommitServer(settings)
        self.context = context
    }

    package func issue(_ request: TokenRequest) async throws(TokenStoreError) -> IssuedToken {
        let repository = try server.repository(request.scope)
        let policy = try server.policy(repository, request.scope)
        let region = server.endpoints.region
        // The shortest session: only the signature leaves it.
        var shortest = request
        shortest.lifetime = nil
        let session = try await STSSessions(role: server.role, region: region, context: context)
            .assume(shortest, policy: policy)
        let now = context.clock.now
        let signer = SigV4(keys: session.keys, region: region, service: "codecommit")
        let time = SigV4.time(now)
        // The canonical request of git's own: no body, no query, and a time that is signed without its Z.
        let signature = signer.signature(
            of: "GIT\n/\(repository)\n\nhost:\(server.git.host)\n\nhost\n",
            time: String(time.dropLast())
        )
        return IssuedToken(
            username: session.keys.accessKeyID + (session.keys.sessionToken.map { "%" + $0.revealText() } ?? ""),
            secret: Secret(utf8: time + signature),
            expiresAt: min(now + Self.life, session.expiresAt),
            grantedScope: request.scope
        )
    }

    package func revoke(_ handle: RevocationHandle) async throws(TokenStoreError) {
        throw TokenStoreError(
            .refused,
            "CodeCommit has no call that revokes a password",
            fix: "wait: it ends by itself after about 15 minutes"
        )
    }
}
