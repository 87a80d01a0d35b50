// Where an App is installed, for an operator's diagnosis: reads, and mints nothing.

package import TokenStore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// An installation of an App, as GitHub lists it.
package struct AppInstallation: Sendable, Hashable {
    package var id: Int64
    /// The login of the organisation or the user.
    package var owner: String
    package var isSuspended: Bool
    /// What the owner granted.
    package var permissions: [String: AccessLevel]
}

extension GitHubAppStore {
    /// The most pages of installations that are read, of 100 each.
    private static let mostPages = 10

    /// The App's id.
    package var appID: String { errors.appID }
    /// The installation that the settings name.
    package var namedInstallation: Int64? { fixedInstallation }

    /// All installations of the App, the first thousand of them
    /// (<https://docs.github.com/en/rest/apps/apps#list-installations-for-the-authenticated-app>). It also proves that
    /// the key is the App's.
    package func installations() async throws(TokenStoreError) -> [AppInstallation] {
        var all: [AppInstallation] = []
        for page in 1...Self.mostPages {
            let answer = try await looked(.listInstallations) { api throws(GitHubAPI.Failure) in
                try await api.installations(page: page)
            }
            guard answer.status == 200 else { throw errors.error(answer, .listInstallations, now: context.clock.now) }
            guard let list = try? JSONDecoder().decode([Listed].self, from: Data(answer.body)) else {
                throw TokenStoreError(
                    .malformedAnswer,
                    "GitHub's list of installations is not of the form that its API has",
                    fix: "check that apiURL \(errors.api) is GitHub's REST API"
                )
            }
            all += list.map(\.installation)
            if list.count < 100 { break }
        }
        return all
    }

    /// Whether the App reaches a repository.
    ///
    /// - Throws: ``TokenStoreError`` that says what is in the way.
    package func checkInstallation(for repository: String) async throws(TokenStoreError) {
        let step = GitHubErrors.Step.findInstallation(repository: repository)
        let answer = try await looked(step) { api throws(GitHubAPI.Failure) in
            try await api.findInstallation(repository: repository)
        }
        guard answer.status == 200, let found = InstallationAnswer.read(answer.body) else {
            throw errors.error(answer, step, now: context.clock.now)
        }
        guard found.suspendedAt == nil else { throw GitHubErrors.suspended(String(repository.prefix { $0 != "/" })) }
    }

    private func looked(
        _ step: GitHubErrors.Step,
        _ call: (GitHubAPI) async throws(GitHubAPI.Failure) -> HTTPAnswer
    ) async throws(TokenStoreError) -> HTTPAnswer {
        do throws(GitHubAPI.Failure) { return try await call(api) } catch {
            switch error {
            case .transport(let failure): throw errors.error(failure, step)
            case .own(let failure): throw failure
            }
        }
    }

    private struct Listed: Decodable {
        struct Account: Decodable { let login: String? }
        let id: Int64
        let account: Account?
        let suspended_at: String?
        let permissions: [String: String]?

        var installation: AppInstallation {
            AppInstallation(
                id: id,
                owner: account?.login ?? "",
                isSuspended: suspended_at != nil,
                permissions: (permissions ?? [:]).compactMapValues(AccessLevel.init(rawValue:))
            )
        }
    }
}
