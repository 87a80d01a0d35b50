// `token`, `username` and `password`: one value, no line end.

import Refusals
import TokenStore

/// The token's bytes and nothing else, for BuildKit's `GIT_AUTH_TOKEN` and for scripts. It carries any token.
struct TokenFormat: FileFormat {
    static let name = "token"

    private let token: PlannedToken

    init(_ input: FormatInput) throws(Refusal) { token = try input.onlyToken() }

    func contents(_ issued: [IssuedToken]) throws(Refusal) -> [UInt8] {
        guard !issued[0].secret.isEmpty else { throw Credential.unusable(token, Self.name, "token is empty") }
        return issued[0].secret.reveal()
    }
}

/// The same as ``TokenFormat``, under the name that Secrets of type `kubernetes.io/basic-auth` use.
struct PasswordFormat: FileFormat {
    static let name = "password"

    private let token: TokenFormat

    init(_ input: FormatInput) throws(Refusal) { token = try TokenFormat(input) }

    func contents(_ issued: [IssuedToken]) throws(Refusal) -> [UInt8] { try token.contents(issued) }
}

/// The user name that goes with the token.
struct UsernameFormat: FileFormat {
    static let name = "username"

    private let token: PlannedToken

    init(_ input: FormatInput) throws(Refusal) { token = try input.onlyToken() }

    func contents(_ issued: [IssuedToken]) throws(Refusal) -> [UInt8] {
        Array(try Credential.username(issued[0], of: token, in: Self.name).utf8)
    }
}
