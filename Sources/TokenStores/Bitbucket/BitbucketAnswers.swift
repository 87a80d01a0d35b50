// What Bitbucket Data Center answers, read strictly.

import TokenStore

/// A token that Bitbucket made.
struct BitbucketToken {
    let id: String
    private let body: Body

    private struct Body: Decodable {
        let id: String
        let token: String
        let permissions: [String]?
        let expiryDays: Int64?
        /// Since 1970, in milliseconds as other times of this API, or in seconds: no description says it.
        let expiryDate: Int64?

        var expiresAt: UTCInstant? {
            expiryDate.map { UTCInstant(sinceEpoch: $0 > 100_000_000_000 ? .milliseconds($0) : .seconds($0)) }
        }
    }

    /// Reads an answer's body; `nil` when it holds no usable token.
    init?(_ bytes: [UInt8]) {
        guard let body = JSONBody.decode(Body.self, bytes), Self.isID(body.id),
            Authorization.isUsable(Secret(utf8: body.token))
        else { return nil }
        id = body.id
        self.body = body
    }

    /// Ids are numbers in quotes.
    static func isID(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 64 && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }

    /// How much later than asked a token may expire: rounding to the end of a day.
    private static let slack: Duration = .seconds(86400 + 60)

    /// The token to hand out. What the answer does not say was as it was asked: the API's description promises neither
    /// permissions nor expiry in it.
    ///
    /// - Throws: ``TokenStoreError`` when it is more than was asked for, or of no use.
    func issued(_ ask: BitbucketAsk, now: UTCInstant, handle: RevocationHandle) throws(TokenStoreError) -> IssuedToken {
        let permissions = Set(body.permissions ?? [ask.permission])
        guard permissions.isSubset(of: [ask.permission, "REPO_READ"]) else {
            throw Self.wrong("permissions that were not asked for")
        }
        guard permissions.contains(ask.permission) else { throw Self.wrong("less than was asked for") }
        guard (body.expiryDays ?? ask.days) == ask.days else { throw Self.wrong("another life than was asked for") }
        let asked = now + .seconds(ask.days * 86400)
        let expiresAt = body.expiresAt ?? asked
        guard expiresAt <= asked + Self.slack, expiresAt > now else {
            throw Self.wrong("another life than was asked for")
        }
        return IssuedToken(
            username: BitbucketDataCenterStore.username,
            secret: Secret(utf8: body.token),
            expiresAt: expiresAt,
            grantedScope: ask.scope,
            handle: handle
        )
    }

    private static func wrong(_ what: String) -> TokenStoreError {
        TokenStoreError(
            .malformedAnswer,
            "Bitbucket made a token with \(what), and it is not handed out",
            fix: "check that url is Bitbucket Data Center itself, of a version that is still maintained"
        )
    }
}

/// A page of a list.
struct BitbucketPage: Decodable {
    struct Token: Decodable {
        let id: String
        let name: String
    }
    let values: [Token]
    let isLastPage: Bool
    let nextPageStart: Int64?
}
