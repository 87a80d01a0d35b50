// What Gitea and Forgejo answer, read strictly.

import TokenStore

/// A token as it is listed, and, with its secret, as it was made
/// (<https://codeberg.org/api/swagger#/user/userCreateToken>).
struct GiteaToken: Decodable {
    struct Repository: Decodable {
        let fullName: String
        private enum CodingKeys: String, CodingKey { case fullName = "full_name" }
    }
    let id: Int64
    let name: String
    /// Older versions leave it empty in the answer to a mint.
    let scopes: [String]?
    /// Forgejo 15 and newer: `nil` when the token is not limited to repositories.
    let repositories: [Repository]?
    /// The token itself: only once.
    private let sha1: String?

    /// The token, if it is usable.
    var secret: Secret? {
        let secret = Secret(utf8: sha1 ?? "")
        return Authorization.isUsable(secret) ? secret : nil
    }

    /// What is more in this token than was asked for, or what it lacks to be of use; `nil` when it is right.
    func fault(_ ask: GiteaAsk) -> String? {
        let names = Set(scopes ?? [])
        guard names.isSubset(of: ask.scopes) else { return "scopes that were not asked for" }
        guard !ask.granted(names).isEmpty else { return "none of the scopes that were asked for" }
        guard ask.repositories != nil else { return nil }
        let reached = Set((repositories ?? []).map { $0.fullName.lowercased() })
        guard !reached.isEmpty else { return "a reach of all repositories, where only some were asked for" }
        guard reached == Set(ask.scope.repositories.map { $0.lowercased() }) else {
            return "other repositories than were asked for"
        }
        return nil
    }
}
