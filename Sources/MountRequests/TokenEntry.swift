// Reading one entry of the `tokens` parameter.

import StrictYAML
import TokenStore

extension TokenAsk {
    private static let keys: Set<String> = ["name", "store", "repository", "repositories", "permissions", "actions"]

    /// Reads `{ name, store, repository | repositories, permissions, actions }`.
    ///
    /// Where an attribute is still to come, its `${key}` stays in a text, and a permission or an action is left out.
    init(_ value: YAMLValue, isSymbolic: Bool) throws(YAMLProblems) {
        var entry = try EntryReader(value, keys: Self.keys, isSymbolic: isSymbolic)
        let name = Self.name(&entry)
        let store = entry.text(entry.required("store"))
        let repositories = Self.repositories(&entry)
        let permissions = Self.permissions(&entry)
        let actions = Self.actions(&entry)
        try entry.finish()
        self.init(
            name: name ?? "",
            store: store ?? "",
            repositories: repositories,
            permissions: permissions,
            actions: actions
        )
    }

    private static func name(_ entry: inout EntryReader) -> String? {
        guard let value = entry.required("name"), let name = entry.text(value) else { return nil }
        if !Names.isTokenName(name[...]), !entry.isStillToCome(name) {
            entry.note(
                value.problem(
                    "a token can't be called so",
                    fix:
                        "use at most 63 lower-case letters, digits, \".\", \"_\" and \"-\", and begin with a letter or digit"
                )
            )
        }
        return name
    }

    private static func repositories(_ entry: inout EntryReader) -> [String] {
        let limit = RequestLimits.repositoryBytes
        switch (entry.optional("repository"), entry.optional("repositories")) {
        case (let one?, nil): return entry.text(one, limit: limit).map { [$0] } ?? []
        case (nil, let many):
            guard let many = many ?? entry.required("repository") else { return [] }
            let elements = entry.list(many, most: RequestLimits.repositories) ?? []
            return elements.compactMap { entry.text($0, limit: limit) }
        case (_?, _?):
            entry.note("both \"repository\" and \"repositories\" are there", fix: "keep one of them")
            return []
        }
    }

    private static func permissions(_ entry: inout EntryReader) -> [String: AccessLevel] {
        guard let value = entry.optional("permissions"),
            let pairs = entry.reading({ () throws(YAMLProblems) in try value.mapping() })
        else { return [:] }
        guard !pairs.isEmpty else {
            entry.note(value.problem("no permission is named", fix: "name one, for example { contents: read }"))
            return [:]
        }
        guard pairs.count <= RequestLimits.permissions else {
            entry.note(
                value.problem("there are \(pairs.count) permissions, and \(RequestLimits.permissions) are allowed")
            )
            return [:]
        }
        var permissions: [String: AccessLevel] = [:]
        for pair in pairs {
            guard pair.key.utf8.count <= RequestLimits.wordBytes else {
                entry.note(value.problem("a permission's name is longer than \(RequestLimits.wordBytes) bytes"))
                continue
            }
            permissions[pair.key] = entry.word(pair.value, AccessLevel.self)
        }
        return permissions
    }

    private static func actions(_ entry: inout EntryReader) -> Set<RegistryAction> {
        guard let value = entry.optional("actions") else { return [] }
        let elements = entry.list(value, most: RequestLimits.permissions) ?? []
        return Set(elements.compactMap { entry.word($0, RegistryAction.self) })
    }
}
