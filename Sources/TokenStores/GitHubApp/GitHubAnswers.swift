// What GitHub answers, read strictly, and whether it is what was asked for.

import TokenStore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// An installation of the App (<https://docs.github.com/en/rest/apps/apps#get-a-repository-installation-for-the-authenticated-app>).
struct InstallationAnswer: Decodable {
    let id: Int64
    let suspendedAt: String?

    private enum CodingKeys: String, CodingKey {
        case id
        case suspendedAt = "suspended_at"
    }

    /// Reads an answer's body; `nil` when it is no installation.
    static func read(_ body: [UInt8]) -> Self? {
        guard let answer = try? JSONDecoder().decode(Self.self, from: Data(body)), answer.id > 0 else { return nil }
        return answer
    }
}

/// GitHub's text about an error. It decides how an error is classed and is never shown.
struct ErrorAnswer: Decodable {
    let message: String

    /// The text in lower case; empty when there is none.
    static func message(_ body: [UInt8]) -> String {
        guard body.count <= 1 << 16 else { return "" }
        return (try? JSONDecoder().decode(Self.self, from: Data(body)))?.message.lowercased() ?? ""
    }
}

/// A new token (<https://docs.github.com/en/rest/apps/apps#create-an-installation-access-token-for-an-app>).
struct MintAnswer {
    let expiresAt: UTCInstant
    let permissions: [String: AccessLevel]
    /// The repositories as `owner/name`, as GitHub spells them.
    let repositories: [String]

    private struct Bearer: Decodable { let token: String }

    private struct Body: Decodable {
        struct Repository: Decodable {
            let fullName: String
            private enum CodingKeys: String, CodingKey { case fullName = "full_name" }
        }
        let expiresAt: String
        let permissions: [String: String]
        let repositorySelection: String
        let repositories: [Repository]?
        private enum CodingKeys: String, CodingKey {
            case expiresAt = "expires_at"
            case permissions
            case repositorySelection = "repository_selection"
            case repositories
        }
    }

    /// The token alone, so that it can be revoked when the rest can't be used. Nothing is assumed about its length or
    /// its inner form, only that it can stand in a header field and a file.
    static func token(_ body: [UInt8]) -> Secret? {
        guard let token = (try? JSONDecoder().decode(Bearer.self, from: Data(body)))?.token else { return nil }
        guard !token.isEmpty, token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
        return Secret(utf8: token)
    }

    /// Reads everything else.
    ///
    /// - Throws: ``TokenStoreError`` with code `malformedAnswer`.
    init(_ body: [UInt8], now: UTCInstant) throws(TokenStoreError) {
        guard let answer = try? JSONDecoder().decode(Body.self, from: Data(body)) else {
            throw TokenStoreError(.malformedAnswer, "GitHub's answer to the mint is not of the form that its API has")
        }
        guard let expiresAt = UTCInstant(rfc3339: answer.expiresAt) else {
            throw TokenStoreError(.malformedAnswer, "GitHub's answer to the mint has an expiry that is no time")
        }
        guard expiresAt > now else {
            throw TokenStoreError(
                .malformedAnswer,
                "GitHub's new token has already expired by this node's clock",
                fix: "set the node's clock"
            )
        }
        guard answer.repositorySelection == "selected", let repositories = answer.repositories else {
            throw TokenStoreError(
                .malformedAnswer,
                "GitHub's new token is not limited to the repositories that were asked for"
            )
        }
        var levels: [String: AccessLevel] = [:]
        for (name, level) in answer.permissions {
            guard let level = AccessLevel(rawValue: level) else {
                throw TokenStoreError(.malformedAnswer, "GitHub's new token has a permission of an unknown level")
            }
            levels[name] = level
        }
        self.expiresAt = expiresAt
        permissions = levels
        self.repositories = repositories.map(\.fullName)
    }

    /// Compares what was granted with what was asked.
    ///
    /// - Returns: The granted scope, its repositories spelled as they were asked for.
    /// - Throws: ``TokenStoreError``: `malformedAnswer` when it is wider, `refused` when it is narrower.
    func scope(for ask: GitHubAsk) throws(TokenStoreError) -> TokenScope {
        let asked = Set(ask.repositories.map { $0.lowercased() })
        let granted = Set(repositories.map { $0.lowercased() })
        guard granted.isSubset(of: asked) else {
            throw TokenStoreError(
                .malformedAnswer,
                "GitHub's new token reaches repositories that were not asked for",
                fix: "if the repository was renamed, write its new name"
            )
        }
        for (name, level) in permissions.sorted(by: { $0.key < $1.key }) {
            // Every token may read metadata, whether asked or not.
            let limit = ask.permissions[name] ?? (name == "metadata" ? .read : nil)
            guard let limit, level <= limit else {
                throw TokenStoreError(
                    .malformedAnswer,
                    "GitHub's new token has more permissions than were asked for",
                    fix: "if GitHub ties one of them to another, ask for that one too; look at the App's permissions"
                )
            }
        }
        let missingRepositories = ask.repositories.filter { !granted.contains($0.lowercased()) }
        let missingPermissions = ask.permissions.sorted { $0.key < $1.key }
            .filter { asked in permissions[asked.key].map { $0 < asked.value } ?? true }
            .map { "\($0.key):\($0.value.rawValue)" }
        let missing = missingRepositories + missingPermissions
        guard missing.isEmpty else {
            throw TokenStoreError(
                .refused,
                "GitHub granted less than was asked for; missing: \(missing.prefix(5).joined(separator: ", "))",
                fix: "give the App's installation on \(ask.owner) these, or ask for less"
            )
        }
        return TokenScope(repositories: ask.repositories, permissions: permissions)
    }
}
