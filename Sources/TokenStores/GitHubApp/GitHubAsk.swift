// A scope in GitHub's terms: one owner, its repositories, the permissions.

import TokenStore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A scope that can be asked for with one token: GitHub's tokens belong to an installation, and so to one owner.
struct GitHubAsk: Sendable {
    /// The most repositories that GitHub takes in one call.
    static let mostRepositories = 500

    /// The owner of all repositories, as it is written first.
    let owner: String
    /// The repositories as `owner/name`, without those that differ from another in case only.
    let repositories: [String]
    let permissions: [String: AccessLevel]

    /// Reads a scope.
    ///
    /// - Throws: ``TokenStoreError`` with code `refused` for a scope that is empty or that one token can't have.
    init(_ scope: TokenScope, git: GitServer) throws(TokenStoreError) {
        guard !scope.repositories.isEmpty, !scope.permissions.isEmpty else {
            let missing = scope.repositories.isEmpty ? "repositories" : "permissions"
            throw TokenStoreError(
                .refused,
                "the scope names no \(missing), and GitHub would read that as all of them",
                fix: "name the \(missing) that the build needs"
            )
        }
        guard scope.actions.isEmpty else {
            throw TokenStoreError(
                .refused,
                "a GitHub App token has permissions, not registry actions",
                fix: "ask for permissions, for example packages: read"
            )
        }
        var seen: Set<String> = []
        let repositories = scope.repositories.filter { seen.insert($0.lowercased()).inserted }
        for name in repositories {
            // Names are put into URL paths.
            guard (try? git.repository(name)) == name else {
                throw TokenStoreError(.refused, "a repository is not written as owner/name")
            }
        }
        guard repositories.count <= Self.mostRepositories else {
            throw TokenStoreError(
                .refused,
                "the scope names \(repositories.count) repositories, and GitHub takes \(Self.mostRepositories)",
                fix: "ask for several tokens"
            )
        }
        let owners = repositories.map { $0.prefix { $0 != "/" } }
        let owner = String(owners.first ?? "")
        if let other = owners.first(where: { $0.lowercased() != owner.lowercased() }) {
            throw TokenStoreError(
                .refused,
                "one GitHub token reaches the repositories of one owner, and these belong to \(owner) and \(other)",
                fix: "ask for one token for each owner"
            )
        }
        self.owner = owner
        self.repositories = repositories
        permissions = scope.permissions
    }

    /// The repository that stands for the owner in calls about one repository.
    var firstRepository: String { repositories[0] }

    /// The body of the call that mints: names without their owner, keys in a fixed order.
    func body() throws(TokenStoreError) -> [UInt8] {
        struct Body: Encodable {
            let repositories: [String]
            let permissions: [String: AccessLevel]
        }
        let names = repositories.map { String($0.drop { $0 != "/" }.dropFirst()) }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        do {
            return Array(try encoder.encode(Body(repositories: names, permissions: permissions)))
        } catch {
            throw TokenStoreError(.refused, "the scope can't be written as JSON", cause: error)
        }
    }
}
