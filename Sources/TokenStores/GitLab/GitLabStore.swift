// Tokens of a GitLab project or group: deploy tokens, and access tokens where a git push is wanted.

package import TokenStore

/// Mints deploy tokens or access tokens of one project (or of one group) on gitlab.com or a GitLab of one's own.
///
/// One `issue` is one call. The token that mints is read from its file each time, so that it can be replaced.
package struct GitLabStore: TokenStore {
    package typealias Settings = GitLabSettings

    package static let kind = "gitlab"

    /// An access token's life is rounded up to a midnight; what it is good for ends by revocation.
    package static let capabilities = StoreCapabilities(
        credentials: [.nodeCredential],
        reach: .exact,
        life: .chosen(GitLabLife.limits),
        revocation: .supported("at once; a registry login that was made before lives up to 15 minutes on"),
        findsTokens: true
    )

    package static let knownPermissions = GitLabAsk.permissions
    package static let knownActions: Set<RegistryAction> = [.pull, .push]

    private let settings: GitLabSettings
    private let place: GitLabPlace
    private let api: RESTAPI
    private let errors: GitLabErrors
    private let context: TokenStoreContext

    package static func service(for settings: GitLabSettings) throws(TokenStoreError) -> TokenService {
        try GitLabPlace(settings).service
    }

    package static func reach(for settings: GitLabSettings) -> StoreCapabilities.Reach {
        settings.group == nil ? .exact : .wider("all projects of the group in its settings, and of the groups below")
    }

    package init(settings: GitLabSettings, context: TokenStoreContext) throws(TokenStoreError) {
        self.settings = settings
        self.context = context
        place = try GitLabPlace(settings)
        errors = GitLabErrors(
            errors: SourceErrors(source: "GitLab", address: place.git.origin, addressKey: "url"),
            tokenFile: settings.token.file
        )
        api = RESTAPI(base: place.git.origin + "/api/v4", errors: errors.errors, http: context.http)
    }

    private struct Body: Encodable {
        let name: String
        let scopes: [String]
        let expiresAt: String
        let accessLevel: Int?

        private enum CodingKeys: String, CodingKey {
            case name, scopes
            case expiresAt = "expires_at"
            case accessLevel = "access_level"
        }
    }

    package func issue(_ request: TokenRequest) async throws(TokenStoreError) -> IssuedToken {
        let ask = try GitLabAsk(request.scope, place, settings)
        let life = GitLabLife(ask.type, lifetime: request.lifetime, now: context.clock.now)
        let body = Body(
            name: request.tokenName,
            scopes: ask.scopes,
            expiresAt: life.text,
            accessLevel: ask.type == .access ? ask.accessLevel : nil
        )
        let step = errors.mint(ask)
        let answer = try await api.send(
            "POST",
            "/\(ask.owner.resource)/\(ask.type.collection)",
            authorization: try authorization(),
            body: try JSONBody.encode(body),
            step
        )
        guard answer.status == 201 else { throw errors.error(answer, step, now: context.clock.now) }
        guard let mint = GitLabMint(answer.body) else { throw errors.errors.unreadable(answer, step) }
        let handle = GitLabHandle(owner: ask.owner, type: ask.type, id: mint.id)
        do throws(TokenStoreError) {
            return try mint.issued(ask, life, handle: handle.revocation)
        } catch {
            throw await discarding(because: error) { () async throws(TokenStoreError) in try await end(handle) }
        }
    }

    package func revoke(_ handle: RevocationHandle) async throws(TokenStoreError) {
        guard let handle = GitLabHandle(handle) else {
            throw TokenStoreError(.refused, "the handle of a token is none of a GitLab store's")
        }
        try await end(handle)
    }

    private func end(_ handle: GitLabHandle) async throws(TokenStoreError) {
        let step = errors.revoke
        let answer = try await api.send("DELETE", "/" + handle.path, authorization: try authorization(), step)
        if answer.status == 204 { return }
        // 404 says that the token is gone, or that the project can't be seen: then the token may well be alive. A 404 of
        // anybody else, a proxy for example, says nothing.
        let text = answer.loweredText
        let isGitLab = text.contains("\"message\"") && text.contains("not found")
        let isHidden = text.contains("project not found") || text.contains("group not found")
        if answer.status == 404, isGitLab, !isHidden { return }
        throw errors.error(answer, step, now: context.clock.now)
    }

    package func find(
        _ tokenName: String,
        scope: TokenScope
    ) async throws(TokenStoreError) -> [RevocationHandle]? {
        let ask = try GitLabAsk(scope, place, settings)
        let step = errors.find(ask)
        var found: [RevocationHandle] = []
        var page = "1"
        for _ in 0..<mostPages {
            // Versions that do not know `search` ignore it.
            let filter = ask.type == .deploy ? [("active", "true")] : [("state", "active"), ("search", tokenName)]
            let answer = try await api.send(
                "GET",
                "/\(ask.owner.resource)/\(ask.type.collection)",
                query: filter + [("per_page", "100"), ("page", page)],
                authorization: try authorization(),
                step
            )
            guard answer.status == 200 else { throw errors.error(answer, step, now: context.clock.now) }
            guard let tokens = JSONBody.decode([GitLabListed].self, answer.body) else {
                throw errors.errors.unreadable(answer, step)
            }
            for token in tokens where token.name == tokenName && token.revoked != true {
                found.append(GitLabHandle(owner: ask.owner, type: ask.type, id: token.id).revocation)
            }
            // https://docs.gitlab.com/api/rest/#other-pagination-headers
            guard let next = answer.header("X-Next-Page"), Int(next) != nil else { return found }
            page = next
        }
        throw TokenStoreError(
            .unavailable,
            "\(ask.owner.words) has more than \(mostPages) pages of tokens, and no more are read",
            fix: "delete old tokens there"
        )
    }

    /// As a bearer token (<https://docs.gitlab.com/api/rest/authentication/>): kinds of token differ in nothing there.
    private func authorization() throws(TokenStoreError) -> Secret {
        Authorization.bearer(try context.secrets.credential(settings.token))
    }
}

/// What ends a token: its place in the API.
struct GitLabHandle: Sendable, Hashable {
    /// Below the API's base URL, without a slash before it: `projects/our-org%2Fapp/deploy_tokens/7`.
    let path: String

    init(owner: GitLabAsk.Owner, type: GitLabSettings.TokenType, id: Int64) {
        path = "\(owner.resource)/\(type.collection)/\(id)"
    }

    /// `nil` when the handle is none of ours.
    init?(_ handle: RevocationHandle) {
        let parts = handle.identifier.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 4, parts[0] == "projects" || parts[0] == "groups", !parts[1].isEmpty,
            parts[1].utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x3F && $0 != 0x23 }),
            GitLabSettings.TokenType.allCases.contains(where: { $0.collection == parts[2] }),
            let id = Int64(parts[3]), id > 0
        else { return nil }
        path = handle.identifier
    }

    var revocation: RevocationHandle { RevocationHandle(identifier: path) }
}
