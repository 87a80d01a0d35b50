// `git-credential`: one credential in git's own helper protocol, which the `gitconfig` format prints to git.

import Refusals
import TokenStore

/// `username=...` and `password=...`, a line each (<https://git-scm.com/docs/git-credential#IOFMT>).
///
/// `password_expiry_utc` follows when the store told the expiry: git 2.40 and later then drop an expired token instead
/// of sending it; older ones ignore the line.
struct GitCredentialFormat: FileFormat {
    static let name = "git-credential"

    private let token: PlannedToken

    init(_ input: FormatInput) throws(Refusal) {
        token = try input.onlyToken()
        _ = try input.gitServer(of: token)
    }

    func contents(_ issued: [IssuedToken]) throws(Refusal) -> [UInt8] {
        let credential = try Credential(issued[0], of: token, in: Self.name)
        var lines = ["username=\(credential.username)", "password=\(credential.password)"]
        if let expiry = issued[0].expiresAt { lines.append("password_expiry_utc=\(expiry.epochSeconds)") }
        // The protocol's own limit: <https://git-scm.com/docs/git-credential#IOFMT>.
        guard lines.allSatisfy({ $0.utf8.count < 65_535 }) else {
            throw Credential.unusable(token, Self.name, "user name or token is longer than a line may be")
        }
        return Array((lines.joined(separator: "\n") + "\n").utf8)
    }
}
