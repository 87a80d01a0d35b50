// What the forge knows: repositories, installations, tokens. A value; the forge keeps it behind a lock.

/// A token that a forge minted, for inspection.
package struct ForgeToken: Sendable, CustomStringConvertible {
    /// The token itself.
    package let value: String
    package let installation: Int
    package let permissions: [String: String]
    /// The repositories as `owner/name`.
    package let repositories: [String]
    /// In seconds since 1970.
    package let expiresAt: Int
    package internal(set) var isRevoked = false
    /// How often it was presented.
    package internal(set) var uses = 0

    package var description: String {
        "token of installation \(installation) for \(repositories.joined(separator: ","))\(isRevoked ? ", revoked" : "")"
    }
}

struct ForgeState: Sendable {
    struct Repository: Sendable {
        let id: Int
        let fullName: String
        let isPrivate: Bool

        var owner: String { String(fullName.prefix { $0 != "/" }) }
        var name: String { String(fullName.drop { $0 != "/" }.dropFirst()) }
    }

    struct Installation: Sendable {
        let id: Int
        let owner: String
        var permissions: [String: String]
        /// In lower case.
        var repositories: Set<String> = []
        var isSuspended = false
    }

    var repositories: [String: Repository] = [:]
    var installations: [Int: Installation] = [:]
    var tokens: [ForgeToken] = []
    var faults: [ForgeOperation: [ForgeFault]] = [:]
    var requests: [ForgeRequestRecord] = []
    var mintCount = 0
    var revocationCount = 0
    private var nextID = 1000

    mutating func newID() -> Int {
        nextID += 1
        return nextID
    }

    func repository(_ fullName: String) -> Repository? { repositories[fullName.lowercased()] }

    func installation(owner: String) -> Installation? {
        installations.values.first { $0.owner.lowercased() == owner.lowercased() }
    }

    mutating func takeFault(_ operation: ForgeOperation) -> ForgeFault? {
        guard faults[operation]?.isEmpty == false else { return nil }
        return faults[operation]?.removeFirst()
    }

    /// The token of this value, if it lives; counts the use.
    mutating func use(_ value: String, now: Int) -> ForgeToken? {
        guard let index = tokens.firstIndex(where: { $0.value == value }), isLive(tokens[index], now: now) else {
            return nil
        }
        tokens[index].uses += 1
        return tokens[index]
    }

    mutating func revoke(_ value: String, now: Int) -> Bool {
        guard let index = tokens.firstIndex(where: { $0.value == value }), isLive(tokens[index], now: now) else {
            return false
        }
        tokens[index].isRevoked = true
        revocationCount += 1
        return true
    }

    func isLive(_ token: ForgeToken, now: Int) -> Bool {
        !token.isRevoked && now < token.expiresAt && installations[token.installation]?.isSuspended == false
    }
}
