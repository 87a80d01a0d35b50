// `git-credentials`: the file of git's own `store` helper, for builders that copy it to a writable home.

import Refusals
import TokenStore

/// A line `https://user:token@host` for each token (<https://git-scm.com/docs/git-credential-store#_storage_format>).
struct GitCredentialsFormat: FileFormat {
    static let name = "git-credentials"

    private let entries: [(token: PlannedToken, server: GitServer)]

    init(_ input: FormatInput) throws(Refusal) {
        var entries: [(token: PlannedToken, server: GitServer)] = []
        for token in input.tokens { entries.append((token, try input.gitServer(of: token))) }
        let fix = "the first line would always win; ask for a file for each, or use gitconfig with scope: repository"
        try input.refuseDuplicates(entries.map(\.server.origin), of: "host", fix: fix)
        self.entries = entries
    }

    func contents(_ issued: [IssuedToken]) throws(Refusal) -> [UInt8] {
        var text = ""
        for (entry, issued) in zip(entries, issued) {
            let credential = try Credential(issued, of: entry.token, in: Self.name)
            let user = PercentEncoding.encode(credential.username)
            let password = PercentEncoding.encode(credential.password)
            // The port's colon is encoded too, as git's own store writes it.
            let host = PercentEncoding.encode(entry.server.host)
            text += "\(entry.server.scheme)://\(user):\(password)@\(host)\n"
        }
        return Array(text.utf8)
    }
}
