// What Harbor answers, read strictly.

import TokenStore

/// A robot that Harbor made (`RobotCreated` of <https://github.com/goharbor/harbor/blob/main/api/v2.0/swagger.yaml>).
struct HarborRobot {
    let id: Int64
    private let body: Body

    private struct Body: Decodable {
        let id: Int64
        let name: String
        let secret: String
        let expiresAt: Int64?

        private enum CodingKeys: String, CodingKey {
            case id, name, secret
            case expiresAt = "expires_at"
        }
    }

    /// Reads an answer's body; `nil` when it holds no robot.
    init?(_ bytes: [UInt8]) {
        guard let body = JSONBody.decode(Body.self, bytes), body.id > 0,
            Authorization.isUsable(Secret(utf8: body.secret))
        else { return nil }
        id = body.id
        self.body = body
    }

    /// How much later than asked a robot may expire. Harbor adds calendar days in its own time zone.
    private static let slack: Duration = .seconds(2 * 3600)

    /// The token to hand out.
    ///
    /// - Throws: ``TokenStoreError`` when it is more than was asked for, or of no use.
    func issued(_ ask: HarborAsk, name: String, now: UTCInstant) throws(TokenStoreError) -> IssuedToken {
        // Harbor writes -1 for a robot that never expires.
        guard let seconds = body.expiresAt, seconds > 0 else { throw Self.wrong("no expiry") }
        let expiresAt = UTCInstant(epochSeconds: seconds)
        guard expiresAt <= now + .seconds(ask.days * 86400) + Self.slack else {
            throw Self.wrong("a longer life than was asked for")
        }
        guard Self.isName(body.name, of: name, in: ask.project) else { throw Self.wrong("another name") }
        return IssuedToken(
            username: body.name,
            secret: Secret(utf8: body.secret),
            expiresAt: expiresAt,
            grantedScope: ask.scope,
            handle: RevocationHandle(identifier: "\(id)")
        )
    }

    /// Whether `full` is a robot's whole name, `robot$PROJECT+NAME`; what stands before it is set by an operator.
    static func isName(_ full: String, of name: String, in project: String) -> Bool {
        full.hasSuffix("\(project)+\(name)") && Authorization.isUsable(Secret(utf8: full)) && !full.contains(":")
    }

    private static func wrong(_ what: String) -> TokenStoreError {
        TokenStoreError(
            .malformedAnswer,
            "Harbor made a robot with \(what), and it is not handed out",
            fix: "check that url is Harbor itself, of version 2.2 or newer"
        )
    }
}

/// A robot in Harbor's list.
struct HarborListed: Decodable {
    let id: Int64
    let name: String
}

/// A project, of which only the number is of use.
struct HarborProject: Decodable {
    let id: Int64

    private enum CodingKeys: String, CodingKey { case id = "project_id" }
}
