// What GitLab answers, read strictly, and whether it is what was asked for.

import TokenStore

/// A token that GitLab made (<https://docs.gitlab.com/api/deploy_tokens/>,
/// <https://docs.gitlab.com/api/project_access_tokens/>).
struct GitLabMint {
    let id: Int64
    let token: Secret
    private let body: Body

    private struct Body: Decodable {
        let id: Int64
        let token: String
        let username: String?
        let scopes: [String]?
        let expiresAt: String?
        let accessLevel: Int?
        let revoked: Bool?

        private enum CodingKeys: String, CodingKey {
            case id, token, username, scopes, revoked
            case expiresAt = "expires_at"
            case accessLevel = "access_level"
        }
    }

    /// Reads an answer's body; `nil` when it holds no usable token.
    init?(_ bytes: [UInt8]) {
        guard let body = JSONBody.decode(Body.self, bytes), body.id > 0 else { return nil }
        let token = Secret(utf8: body.token)
        guard Authorization.isUsable(token) else { return nil }
        id = body.id
        self.token = token
        self.body = body
    }

    /// How much later than asked a token may expire: clocks and rounding.
    private static let slack: Duration = .seconds(60)

    /// The token to hand out.
    ///
    /// - Throws: ``TokenStoreError`` when it is more than was asked for, or of no use.
    func issued(_ ask: GitLabAsk, _ life: GitLabLife, handle: RevocationHandle) throws(TokenStoreError) -> IssuedToken {
        let names = Set(body.scopes ?? [])
        guard names.isSubset(of: ask.scopes) else { throw Self.wrong("scopes that were not asked for") }
        guard let expiresAt = GitLabLife.instant(body.expiresAt) else { throw Self.wrong("no expiry") }
        guard expiresAt <= life.expiresAt + Self.slack else { throw Self.wrong("a longer life than was asked for") }
        if ask.type == .access, let level = body.accessLevel, level > ask.accessLevel {
            throw Self.wrong("a higher role than was asked for")
        }
        guard body.revoked != true else { throw Self.wrong("an end already") }
        let granted = ask.granted(names)
        guard !granted.isEmpty else { throw Self.wrong("none of the scopes that were asked for") }
        return IssuedToken(
            username: try username(ask.type),
            secret: token,
            expiresAt: expiresAt,
            grantedScope: granted,
            handle: handle
        )
    }

    /// A deploy token is good with its own user name only; an access token with any.
    private func username(_ type: GitLabSettings.TokenType) throws(TokenStoreError) -> String {
        guard type == .deploy else { return "oauth2" }
        let name = body.username ?? ""
        // GitLab's own rule for the names of deploy tokens.
        let isUsable = name.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || [0x2B, 0x2D, 0x2E, 0x5F].contains(byte)
        }
        guard !name.isEmpty, isUsable else { throw Self.wrong("no user name") }
        return name
    }

    private static func wrong(_ what: String) -> TokenStoreError {
        TokenStoreError(
            .malformedAnswer,
            "GitLab made a token with \(what), and it is not handed out",
            fix: "check that url is GitLab itself, and of a version that is still maintained"
        )
    }
}

/// A token in one of GitLab's lists.
struct GitLabListed: Decodable {
    let id: Int64
    let name: String
    let revoked: Bool?
}
