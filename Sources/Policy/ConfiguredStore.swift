// One entry of `stores`: its settings, decoded as its kind's, and the way to make the store.

import StrictYAML
package import TokenStore

/// A token store as the configuration describes it; nothing is opened or read yet.
package struct ConfiguredStore: Sendable {
    /// The name in the configuration.
    package var name: String
    /// The word for the kind of store.
    package var kind: String
    /// The line of the configuration on which it begins, from 1.
    package var line: Int
    /// Where its tokens are good.
    package var service: TokenService
    /// The permission names that its source knows; empty when they are not known ahead.
    package var knownPermissions: Set<String>
    /// The actions that its tokens can have.
    package var knownActions: Set<RegistryAction>
    /// How many calls it may be sent.
    package var limits: StoreLimitSettings
    /// The life that its tokens are asked for; `nil` leaves it to the store.
    package var lifetime: Duration?
    /// The audience of the Pod's own token that it wants; `nil` when it wants none.
    package var subjectTokenAudience: String?
    /// Who mints, where the place in which tokens are good does not say it.
    package var source: String?
    /// The files of secrets that its settings name.
    package var secretFiles: [NamedSecretFile]
    /// Makes the store ready to issue. May read key files; does not use the network.
    package var make: @Sendable (TokenStoreContext) throws(TokenStoreError) -> any TokenStore

    package init(
        name: String,
        kind: String,
        line: Int = 1,
        service: TokenService,
        knownPermissions: Set<String> = [],
        knownActions: Set<RegistryAction> = Set(RegistryAction.allCases),
        limits: StoreLimitSettings = StoreLimitSettings(),
        lifetime: Duration? = nil,
        subjectTokenAudience: String? = nil,
        source: String? = nil,
        secretFiles: [NamedSecretFile] = [],
        make: @escaping @Sendable (TokenStoreContext) throws(TokenStoreError) -> any TokenStore
    ) {
        self.name = name
        self.kind = kind
        self.line = line
        self.service = service
        self.knownPermissions = knownPermissions
        self.knownActions = knownActions
        self.limits = limits
        self.lifetime = lifetime
        self.subjectTokenAudience = subjectTokenAudience
        self.source = source
        self.secretFiles = secretFiles
        self.make = make
    }

    /// The store as policy sees it.
    package var facts: StoreFacts {
        StoreFacts(
            name: name,
            service: service,
            knownPermissions: knownPermissions,
            knownActions: knownActions,
            subjectTokenAudience: subjectTokenAudience,
            source: source
        )
    }
}

/// What `stores` says, as far as it can be used.
struct StoresReading {
    /// The stores that can be used, in the order of the file.
    private(set) var stores: [ConfiguredStore] = []
    /// All stores that are written down, usable or not.
    private(set) var entries: [YAMLValue.Entry] = []
    /// The kinds of those whose kind is known.
    private(set) var kinds: [String: any TokenStore.Type] = [:]

    init(_ value: YAMLValue?, kinds known: [any TokenStore.Type], _ findings: inout Findings) {
        guard let value, let entries = findings.collect({ () throws(YAMLProblems) in try value.mapping() }) else {
            return
        }
        self.entries = entries
        if entries.isEmpty { findings.error(value.problem("there is no store in it")) }
        for entry in entries {
            if !YAMLValue.isName(entry.key) {
                findings.error(entry.problem("its key is no name", fix: YAMLValue.nameRule))
            }
            guard let kind = Self.kind(of: entry, among: known, &findings) else { continue }
            kinds[entry.key] = kind
            if let store = Self.store(entry, kind, &findings) { stores.append(store) }
        }
    }

    private static func kind(
        of entry: YAMLValue.Entry,
        among known: [any TokenStore.Type],
        _ findings: inout Findings
    ) -> (any TokenStore.Type)? {
        guard findings.collect({ () throws(YAMLProblems) in try entry.value.mapping() }) != nil else { return nil }
        let words = known.map { $0.kind }.sorted()
        let all = "known kinds: \(words.joined(separator: ", "))"
        guard let value = entry.value["kind"] else {
            findings.error(entry.problem("the key \"kind\" is missing", fix: all))
            return nil
        }
        guard let word = findings.collect({ () throws(YAMLProblems) in try value.string() }) else { return nil }
        if let kind = known.first(where: { $0.kind == word }) { return kind }
        findings.error(value.notAllowed(words))
        return nil
    }

    /// Opens the type of the store: its settings are decoded as that type's own, with nothing left over.
    private static func store<Store: TokenStore>(
        _ entry: YAMLValue.Entry,
        _ type: Store.Type,
        _ findings: inout Findings
    ) -> ConfiguredStore? {
        let common = CommonStoreSettings(entry, &findings)
        let settings = findings.collect { () throws(YAMLProblems) in
            try entry.value.decode(Store.Settings.self, ignoring: CommonStoreSettings.keys)
        }
        guard let settings else { return nil }
        let capabilities = Store.capabilities(for: settings)
        common.check(capabilities.reach, of: entry, &findings)
        let lifetime = CommonStoreSettings.lifetime(entry, capabilities.life, &findings)
        do throws(TokenStoreError) {
            return ConfiguredStore(
                name: entry.key,
                kind: Store.kind,
                line: entry.line,
                service: try Store.service(for: settings),
                knownPermissions: Store.knownPermissions,
                knownActions: Store.knownActions,
                limits: common.limits,
                lifetime: lifetime,
                subjectTokenAudience: Store.subjectTokenAudience(for: settings),
                source: Store.source(for: settings),
                secretFiles: NamedSecretFile.all(in: entry.value)
            ) { context throws(TokenStoreError) in
                try Store(settings: settings, context: context)
            }
        } catch {
            findings.error(entry.problem(error.message, fix: error.fix))
            return nil
        }
    }
}
