// OAuth scopes compared by what they grant.

/// The words of a scope (RFC 6749, section 3.3). A word of the registries' grammar stands for one grant for each of its
/// actions, so neither their order nor the number of words matters; any other word is one grant.
enum ScopeWords {
    /// What a granted scope differs in from what was asked for.
    struct Difference: Sendable, Equatable {
        /// What was asked for and not given; of a registry's word, its missing actions alone.
        var missing: [String]
        /// Whether anything was given that was not asked for.
        var isWider: Bool
    }

    /// Compares the words of an answer with those of the call.
    static func compare(_ granted: Set<String>, with asked: [String]) -> Difference {
        // The same word on both sides is always the same grant, also one of a resource without actions.
        let given = granted.intersection(asked).union(granted.flatMap(grants))
        let wanted = Set(asked).union(asked.flatMap(grants))
        let missing = asked.compactMap { word -> String? in
            guard !given.contains(word) else { return nil }
            guard let access = RegistryScope.read(word), !access.actions.isEmpty else { return word }
            let lacks = access.actions.filter { !given.contains(grant(access, $0)) }.sorted()
            return lacks.isEmpty ? nil : grant(access, lacks.joined(separator: ","))
        }
        return Difference(missing: missing, isWider: !given.isSubset(of: wanted))
    }

    private static func grants(_ word: String) -> [String] {
        guard let access = RegistryScope.read(word) else { return [word] }
        return access.actions.map { grant(access, $0) }
    }

    private static func grant(_ access: RegistryScope.Access, _ action: String) -> String {
        "\(access.type):\(access.name):\(action)"
    }
}
