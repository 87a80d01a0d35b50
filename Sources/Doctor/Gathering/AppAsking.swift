// What a forge says of a GitHub App and its installations; nothing is minted.

import Policy
package import TokenStore
package import TokenStores

extension AppFacts {
    /// The most repositories that are asked for by name.
    private static let mostRepositories = 20

    /// Asks the forge of a store.
    ///
    /// - Parameter grants: The grants of this store; they name owners and repositories.
    package static func ask(_ store: GitHubAppStore, _ grants: [GrantedRepositories]) async -> AppFacts {
        let found: [AppInstallation]
        do throws(TokenStoreError) { found = try await store.installations() } catch {
            return AppFacts(complaints: [Complaint(message: error.message, fix: error.fix)])
        }
        var facts = AppFacts()
        for one in found { facts.installations[one.owner] = one.isSuspended }
        if let named = store.namedInstallation, !found.contains(where: { $0.id == named }) {
            let message = "App \(store.appID) has no installation \(named)"
            facts.complain(message, "correct installationID, or leave it out to have it looked up by owner")
        }
        var asked: Set<String> = []
        for grant in grants {
            for repository in grant.repositories where asked.insert(repository.lowercased()).inserted {
                await facts.look(
                    at: repository,
                    for: grant,
                    among: found,
                    store,
                    isLast: asked.count > mostRepositories
                )
            }
        }
        return facts
    }

    private mutating func look(
        at pattern: String,
        for grant: GrantedRepositories,
        among found: [AppInstallation],
        _ store: GitHubAppStore,
        isLast: Bool
    ) async {
        let owner = String(pattern.prefix { $0 != "/" })
        guard !owner.contains("*"), !owner.contains("?") else { return }
        let name = Printable.text(grant.grant)
        guard let installation = found.first(where: { $0.owner.lowercased() == owner.lowercased() }) else {
            let places = found.isEmpty ? "on nothing" : "on \(Printable.list(found.map(\.owner)))"
            let message =
                "grant \(name) names \(Printable.text(pattern)), and App \(Printable.text(store.appID)) is not installed on "
                + "\(Printable.text(owner)) (it is installed \(places))"
            let fix = "install the App on \(Printable.text(owner)), or correct the grant or appID"
            complain(message, fix)
            return
        }
        guard !installation.isSuspended else {
            let message = "the App's installation on \(Printable.text(owner)) is suspended"
            complain(message, "unsuspend it in the settings of \(Printable.text(owner))")
            return
        }
        let missing = grant.permissions.filter { wanted in
            installation.permissions[wanted.key].map { $0 < wanted.value } ?? (wanted.key != "metadata")
        }
        if !missing.isEmpty {
            let words = missing.map { "\($0.key):\($0.value.rawValue)" }.sorted()
            let message =
                "grant \(name) gives \(Printable.list(words)), and the App's installation on \(Printable.text(owner)) does not "
                + "have it"
            complain(
                message,
                "give the App the permission and accept it on \(Printable.text(owner)), or take it out of the grant"
            )
        }
        guard !isLast, !pattern.contains("*"), !pattern.contains("?") else { return }
        do throws(TokenStoreError) { try await store.checkInstallation(for: pattern) } catch {
            complain(error.message, error.fix)
        }
    }

    private mutating func complain(_ message: String, _ fix: String) {
        let complaint = Complaint(message: message, fix: fix)
        if !complaints.contains(complaint) { complaints.append(complaint) }
    }
}

/// What a grant needs of an App.
package struct GrantedRepositories: Sendable, Hashable {
    /// The grant's name.
    package var grant: String
    /// The patterns of its repositories.
    package var repositories: [String]
    package var permissions: [String: AccessLevel]

    package init(grant: String, repositories: [String], permissions: [String: AccessLevel]) {
        self.grant = grant
        self.repositories = repositories
        self.permissions = permissions
    }
}
