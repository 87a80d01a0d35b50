// What a token may reach: repositories, permissions, registry actions, and their order.

/// How far a permission reaches. The levels are ordered: each includes those before it.
public enum AccessLevel: String, Sendable, Hashable, Codable, Comparable, CaseIterable {
    case read, write, admin

    public static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }

    private var rank: Int {
        switch self {
        case .read: 0
        case .write: 1
        case .admin: 2
        }
    }
}

/// What may be done with a registry repository, as in the scope grammar of the distribution token specification
/// (<https://distribution.github.io/distribution/spec/auth/scope/>).
public enum RegistryAction: String, Sendable, Hashable, Codable, Comparable, CaseIterable {
    case pull, push, delete

    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// What a token may reach.
public struct TokenScope: Sendable, Hashable {
    /// Repository names as the source spells them, without scheme, host or `.git`; unique, in ascending order.
    public let repositories: [String]
    /// The forge permissions, by the source's own names (`contents`, `packages`).
    public let permissions: [String: AccessLevel]
    /// The registry actions.
    public let actions: Set<RegistryAction>

    /// Creates a scope; repositories are sorted and made unique, so that equal scopes are equal values.
    public init(
        repositories: [String] = [],
        permissions: [String: AccessLevel] = [:],
        actions: Set<RegistryAction> = []
    ) {
        self.repositories = Set(repositories).sorted()
        self.permissions = permissions
        self.actions = actions
    }

    /// Whether nothing can be reached. Many sources read an empty list as "everything", so such a scope is never sent.
    public var isEmpty: Bool { repositories.isEmpty || (permissions.isEmpty && actions.isEmpty) }

    /// The scope in one stable line, for messages, logs and digests: `o/r contents:read pull,push`.
    public var summary: String {
        let granted = permissions.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value.rawValue)" }
        let parts = [repositories.joined(separator: ","), granted.joined(separator: ",")]
        return (parts + [actions.sorted().map(\.rawValue).joined(separator: ",")])
            .filter { !$0.isEmpty }.joined(separator: " ")
    }
}
