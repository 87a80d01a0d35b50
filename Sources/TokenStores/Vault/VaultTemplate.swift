// Texts of the settings with placeholders for what is asked: paths and parameters.

import TokenStore

/// What a placeholder stands for.
enum VaultPlaceholder: String, Sendable, Hashable, CaseIterable {
    /// The one repository of the scope; its owner (all before the last `/`); its name (what follows that).
    case repository, owner, name
    /// All repositories; their names without the owner; the permissions; the registry actions: values of their own, that
    /// can't stand in a text.
    case repositories, names, permissions, actions
    /// The build.
    case namespace, serviceAccount, podName, podUID

    /// Whether it stands for a list or a mapping.
    var isWhole: Bool {
        switch self {
        case .repositories, .names, .permissions, .actions: true
        default: false
        }
    }

    /// Whether its value may have several parts with `/` between them.
    var isNested: Bool { self == .repository || self == .owner }

    /// Characters of a path that its value never holds.
    ///
    /// Namespaces are DNS labels, the other names of Kubernetes are DNS subdomains
    /// (<https://kubernetes.io/docs/concepts/overview/working-with-objects/names/>).
    var absent: Set<Character> {
        switch self {
        case .namespace: [".", "_", "~"]
        case .serviceAccount, .podName, .podUID: ["_", "~"]
        default: []
        }
    }
}

/// A text of the settings, read once.
struct VaultTemplate: Sendable {
    enum Part: Sendable, Equatable {
        case text(String)
        case value(VaultPlaceholder)
    }

    let parts: [Part]

    /// Reads a text; `key` is for messages.
    init(_ text: String, key: String) throws(TokenStoreError) {
        var parts: [Part] = []
        var rest = Substring(text)
        while let open = rest.firstIndex(where: { $0 == "{" || $0 == "}" }) {
            if open > rest.startIndex { parts.append(.text(String(rest[..<open]))) }
            let after = rest[rest.index(after: open)...]
            guard rest[open] == "{", let close = after.firstIndex(of: "}") else {
                throw Self.error(key, "has a brace that belongs to no placeholder")
            }
            guard let placeholder = VaultPlaceholder(rawValue: String(after[..<close])) else {
                throw Self.error(key, "has a placeholder that nothing is known for")
            }
            parts.append(.value(placeholder))
            rest = after[after.index(after: close)...]
        }
        if !rest.isEmpty { parts.append(.text(String(rest))) }
        self.parts = parts
        guard parts.count == 1 || !placeholders.contains(where: \.isWhole) else {
            throw Self.error(key, "mixes a placeholder for a list with text; let it stand alone, as a parameter")
        }
    }

    private static func error(_ key: String, _ what: String) -> TokenStoreError {
        let known = VaultPlaceholder.allCases.map { "{\($0.rawValue)}" }.joined(separator: ", ")
        return TokenStoreError(.misconfigured, "\(key) \(what)", fix: "the placeholders are \(known)")
    }

    var placeholders: Set<VaultPlaceholder> {
        Set(parts.compactMap { part in if case .value(let placeholder) = part { placeholder } else { nil } })
    }

    /// The one placeholder for a list or a mapping that this is.
    var whole: VaultPlaceholder? { placeholders.first(where: \.isWhole) }

    /// The text for a request.
    func text(for request: TokenRequest) throws(TokenStoreError) -> String {
        var text = ""
        for part in parts {
            switch part {
            case .text(let fixed): text += fixed
            case .value(let placeholder): text += try Self.value(placeholder, request)
            }
        }
        return text
    }

    /// The value of a placeholder. Nothing but plain parts leaves here: no dots alone, no escape, no `/` but between the
    /// parts of a repository's name.
    private static func value(
        _ placeholder: VaultPlaceholder,
        _ request: TokenRequest
    ) throws(TokenStoreError) -> String {
        let value =
            switch placeholder {
            case .repository: try AskChecks.onlyRepository(request.scope, source: "this store")
            case .owner: try owner(request.scope)
            case .name: Self.name(try AskChecks.onlyRepository(request.scope, source: "this store"))
            case .namespace: request.subject.namespace
            case .serviceAccount: request.subject.serviceAccount
            case .podName: request.subject.podName
            case .podUID: request.subject.podUID
            case .repositories, .names, .permissions, .actions: ""
            }
        let parts = value.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.allSatisfy(VaultPath.isPlainPart), parts.count == 1 || placeholder.isNested else {
            throw TokenStoreError(
                .refused,
                "the value of {\(placeholder.rawValue)} can't stand in a path of Vault",
                fix: "names there are letters, digits and . _ -, and do not end in a dot"
            )
        }
        return value
    }

    /// The one owner of all repositories.
    private static func owner(_ scope: TokenScope) throws(TokenStoreError) -> String {
        try AskChecks.notEmpty(scope)
        let owners = Set(scope.repositories.map { $0.split(separator: "/").dropLast().joined(separator: "/") })
        guard owners.count == 1, let owner = owners.first, !owner.isEmpty else {
            throw TokenStoreError(
                .refused,
                "the repositories of a token of this store must have one owner, and these have \(owners.count)",
                fix: "ask for one token for each owner"
            )
        }
        return owner
    }

    static func name(_ repository: String) -> String {
        String(repository.split(separator: "/").last ?? Substring(repository))
    }
}

/// Paths below `/v1/`.
enum VaultPath {
    /// Letters, digits, `.`, `_`, `~` and `-`; not dots alone, and no dot at the end, which Vault does not route.
    static func isPlainPart(_ part: Substring) -> Bool {
        guard !part.isEmpty, !part.hasSuffix("."), part.utf8.count <= 255 else { return false }
        return part.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"),
                UInt8(ascii: "-"):
                true
            default: false
            }
        }
    }

    /// Checks a path of the settings without placeholders.
    static func check(_ key: String, _ text: String) throws(TokenStoreError) -> String {
        guard text.split(separator: "/", omittingEmptySubsequences: false).allSatisfy(isPlainPart) else {
            throw TokenStoreError(
                .misconfigured,
                "\(key) is no path of Vault",
                fix: "write it without a slash at its ends, in parts of letters, digits and . _ ~ -"
            )
        }
        return text
    }

    /// Checks a path of the settings whose parts may be, or hold, placeholders.
    static func template(_ key: String, _ text: String) throws(TokenStoreError) -> VaultTemplate {
        let template = try VaultTemplate(text, key: key)
        if let whole = template.whole {
            throw TokenStoreError(
                .misconfigured,
                "\(key) holds {\(whole.rawValue)}, which is no part of a path",
                fix: "use it as a parameter, and {repository}, {owner} or {name} in the path"
            )
        }
        // With something plain in each place, the rest must be a path.
        let filled = template.parts.map { part in if case .text(let text) = part { text } else { "x" } }.joined()
        _ = try check(key, filled)
        for segment in text.split(separator: "/", omittingEmptySubsequences: false) {
            for nested in VaultPlaceholder.allCases where nested.isNested {
                guard segment.contains("{\(nested.rawValue)}"), segment != "{\(nested.rawValue)}" else { continue }
                throw TokenStoreError(
                    .misconfigured,
                    "\(key) has {\(nested.rawValue)} beside other text between two slashes",
                    fix: "let it stand alone there; its value can hold a slash"
                )
            }
        }
        try checkTold(template, key)
        return template
    }

    /// Refuses two values between two slashes where one may run on into the other: `team` and `a-build` would find the
    /// path of `team-a` and `build`.
    private static func checkTold(_ template: VaultTemplate, _ key: String) throws(TokenStoreError) {
        var left: VaultPlaceholder?
        var between = ""
        for part in template.parts {
            switch part {
            case .text(let text):
                between = text
                if text.contains("/") { left = nil }
            case .value(let right):
                if let left, left.absent.isDisjoint(with: between) {
                    throw TokenStoreError(
                        .misconfigured,
                        "\(key) has {\(left.rawValue)} and {\(right.rawValue)} between two slashes, and nothing tells "
                            + "where the first one ends",
                        fix: "put them into segments of their own: {\(left.rawValue)}/{\(right.rawValue)}"
                    )
                }
                (left, between) = (right, "")
            }
        }
    }
}
