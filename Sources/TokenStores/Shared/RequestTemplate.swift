// Texts of the settings that take values of a request: `repository:{repository}:{actions}`.

import TokenStore

/// A text with placeholders, read once and filled for each request.
///
/// A word (texts are cut at spaces) that holds `{repository}`, `{action}` or `{permission}` is repeated for each of them;
/// a word whose values a request does not have is left out. Nothing that is filled in can hold a space or a separator of
/// OAuth scopes, so a request can't add words to its scope.
struct RequestTemplate: Sendable {
    /// What can be filled in.
    enum Placeholder: String, Sendable, Hashable, CaseIterable {
        /// A repository; its part before the last slash; its part after it.
        case repository, owner, name
        /// One registry action; all of them, with commas between.
        case action, actions
        /// A permission, and its level.
        case permission, level
        /// Whose build it is.
        case namespace, serviceAccount, podName
    }

    private enum Part: Sendable {
        case text(String)
        case value(Placeholder)
    }

    private let key: String
    private let words: [[Part]]
    /// What is filled in somewhere.
    let placeholders: Set<Placeholder>

    /// Reads a text of the settings.
    ///
    /// - Parameter key: the settings key, for messages.
    /// - Throws: ``TokenStoreError`` with code `misconfigured` for an unknown placeholder, an empty text, or characters
    ///   that no OAuth parameter has.
    init(_ key: String, _ text: String) throws(TokenStoreError) {
        try SettingChecks.text(key, text, mayHoldSpaces: true)
        var words: [[Part]] = []
        var used: Set<Placeholder> = []
        for word in text.split(separator: " ") {
            let parts = try Self.parts(of: word, key: key)
            used.formUnion(Self.placeholders(of: parts))
            words.append(parts)
        }
        self.key = key
        self.words = words
        placeholders = used
    }

    /// What a word of a scope says of the scope that was asked for.
    private struct Naming {
        /// Whether it names a repository, and what may be done there.
        let repository, use: Bool
        /// Whether it names something in part: an owner without a name, a permission without its level.
        let isPartial: Bool

        init(_ word: [Part]) {
            let used = RequestTemplate.placeholders(of: word)
            repository = used.contains(.repository) || used.isSuperset(of: [.owner, .name])
            let permission = used.intersection([.permission, .level]).count
            use = permission == 2 || !used.isDisjoint(with: [.action, .actions])
            isPartial = permission == 1 || (!repository && !used.isDisjoint(with: [.owner, .name]))
        }
    }

    /// Whether the text, as a scope, cuts a token to what was asked for: it names the repositories and what may be done
    /// with them. An endpoint may grant each word by itself, so one that names nothing, or a part, makes it wider; and
    /// where one word names both, all must.
    var isExact: Bool {
        let words = words.map(Naming.init)
        guard words.allSatisfy({ !$0.isPartial && ($0.repository || $0.use) }) else { return false }
        if words.contains(where: { $0.repository && $0.use }) {
            return words.allSatisfy { $0.repository && $0.use }
        }
        return words.contains(where: \.repository) && words.contains(where: \.use)
    }

    private var namesActions: Bool { placeholders.contains(.action) || placeholders.contains(.actions) }

    /// Refuses a scope of which the text would leave out a part that it was made to name. A text that names neither
    /// actions nor permissions leaves both to the source.
    func refuseWhatIsLost(_ scope: TokenScope) throws(TokenStoreError) {
        let namesPermissions = placeholders.contains(.permission)
        guard namesActions || namesPermissions else { return }
        let lost =
            !scope.actions.isEmpty && !namesActions
            ? "actions"
            : !scope.permissions.isEmpty && !namesPermissions ? "permissions" : nil
        guard let lost else { return }
        throw TokenStoreError(
            .refused,
            "the scope has \(lost), and \(key) of this store has no place for them",
            fix: "ask without \(lost)"
        )
    }

    /// All words for a request, each once.
    func words(for request: TokenRequest) throws(TokenStoreError) -> [String] {
        var filled: [String] = []
        var seen: Set<String> = []
        for word in words {
            for values in try Self.values(for: word, request) {
                let text = Self.fill(word, values)
                if seen.insert(text).inserted { filled.append(text) }
            }
        }
        return filled
    }

    /// The one text for a request.
    ///
    /// - Throws: ``TokenStoreError`` with code `refused` when the request has several values for it, or none.
    func text(for request: TokenRequest) throws(TokenStoreError) -> String {
        var texts: [String] = []
        for word in words {
            let filled = Set(try Self.values(for: word, request).map { Self.fill(word, $0) })
            guard filled.count == 1, let only = filled.first else {
                throw TokenStoreError(
                    .refused,
                    "\(key) of this store takes one value, and the scope has \(filled.count) for it",
                    fix: "ask for one token for each repository"
                )
            }
            texts.append(only)
        }
        return texts.joined(separator: " ")
    }

    private static func placeholders(of word: [Part]) -> Set<Placeholder> {
        var used: Set<Placeholder> = []
        for case .value(let placeholder) in word { used.insert(placeholder) }
        return used
    }

    private static func parts(of word: Substring, key: String) throws(TokenStoreError) -> [Part] {
        var parts: [Part] = []
        var rest = word
        while let open = rest.firstIndex(of: "{") {
            let name = rest[rest.index(after: open)...].prefix { $0 != "}" }
            // Other braces are the text's own: a JSON value, say.
            let isName = name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == "-") }
            guard !name.isEmpty, isName, name.endIndex < rest.endIndex else {
                parts.append(.text(String(rest[...open])))
                rest = rest[rest.index(after: open)...]
                continue
            }
            guard let placeholder = Placeholder(rawValue: String(name)) else {
                let known = Placeholder.allCases.map { "{\($0.rawValue)}" }.joined(separator: " ")
                throw TokenStoreError(.misconfigured, "\(key) has an unknown placeholder", fix: "there are: \(known)")
            }
            parts.append(.text(String(rest[..<open])))
            parts.append(.value(placeholder))
            rest = rest[rest.index(after: name.endIndex)...]
        }
        parts.append(.text(String(rest)))
        return parts
    }

    private typealias Values = [Placeholder: String]

    private static func fill(_ word: [Part], _ values: Values) -> String {
        word.map { part in
            switch part {
            case .text(let text): text
            case .value(let placeholder): values[placeholder] ?? ""
            }
        }.joined()
    }

    /// What stands for the placeholders of a word, for each time that it is repeated.
    private static func values(for word: [Part], _ request: TokenRequest) throws(TokenStoreError) -> [Values] {
        let used = placeholders(of: word)
        let scope = request.scope
        let actions = scope.actions.sorted().map(\.rawValue)
        var all: [Values] = [[:]]
        func repeated(_ options: [Values]) {
            all = all.flatMap { values in options.map { values.merging($0) { $1 } } }
        }
        if !used.isDisjoint(with: [.namespace, .serviceAccount, .podName]) {
            let subject = request.subject
            let values: Values = [
                .namespace: subject.namespace, .serviceAccount: subject.serviceAccount, .podName: subject.podName,
            ]
            repeated([values.filter { used.contains($0.key) }])
        }
        if !used.isDisjoint(with: [.repository, .owner, .name]) { repeated(scope.repositories.map(repository)) }
        if used.contains(.action) { repeated(actions.map { [.action: $0] }) }
        if used.contains(.actions) { repeated(actions.isEmpty ? [] : [[.actions: actions.joined(separator: ",")]]) }
        if !used.isDisjoint(with: [.permission, .level]) {
            let permissions = scope.permissions.sorted { $0.key < $1.key }
            repeated(permissions.map { [.permission: $0.key, .level: $0.value.rawValue] })
        }
        for values in all {
            for (placeholder, value) in values where used.contains(placeholder) { try check(placeholder, value) }
        }
        return all
    }

    private static func repository(_ repository: String) -> Values {
        let slash = repository.lastIndex(of: "/")
        return [
            .repository: repository,
            .owner: slash.map { String(repository[..<$0]) } ?? "",
            .name: slash.map { String(repository[repository.index(after: $0)...]) } ?? repository,
        ]
    }

    private static func check(_ placeholder: Placeholder, _ value: String) throws(TokenStoreError) {
        let extra = [.repository, .owner].contains(placeholder) ? "._-/" : placeholder == .actions ? "," : "._-"
        let isPlain = value.unicodeScalars.allSatisfy { scalar in
            scalar.isASCII && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil)
                || extra.unicodeScalars.contains(scalar)
        }
        guard !value.isEmpty, isPlain else {
            throw TokenStoreError(
                .refused,
                "the request has no \(placeholder.rawValue) that can be put into a call",
                fix: "names are of letters, digits and . _ -"
            )
        }
    }
}
