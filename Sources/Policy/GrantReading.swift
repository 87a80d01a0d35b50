// One entry of `grants`, checked against the stores.

import StrictYAML
import TokenStore

/// Reads `grants`. Every check that needs no network and no cluster is made here.
struct GrantsReading {
    /// The grants that can be used, in the order of the file.
    private(set) var grants: [Grant] = []
    /// The stores that grants name, usable or not.
    private(set) var namedStores: Set<String> = []
    private var lines: [String: Int] = [:]
    private let stores: StoresReading

    init(_ value: YAMLValue?, stores: StoresReading, _ findings: inout Findings) {
        self.stores = stores
        guard let value, let elements = findings.collect({ () throws(YAMLProblems) in try value.sequence() }) else {
            return
        }
        for element in elements {
            if let grant = read(element, &findings) { grants.append(grant) }
        }
    }

    private mutating func read(_ value: YAMLValue, _ findings: inout Findings) -> Grant? {
        guard var fields = Fields(value, &findings) else { return nil }
        let name = fields.required("name", &findings) { value throws(YAMLProblems) in try value.name() }
        if let name { checkUnique(name, fields.mapping["name"], &findings) }
        let subject = fields.required("to").flatMap { Self.subject($0, &findings) }
        let store = fields.required("store", &findings) { value throws(YAMLProblems) in try self.store(value) }
        if let store { namedStores.insert(store) }
        let allowed = fields.required("allow").flatMap { allowance($0, store: store, &findings) }
        fields.finish(&findings)
        guard let name, let subject, let store, let allowed else { return nil }
        return Grant(
            name: name,
            namespace: subject.namespace,
            serviceAccount: subject.serviceAccount,
            store: store,
            repositories: allowed.repositories,
            permissions: allowed.permissions,
            actions: allowed.actions
        )
    }

    private mutating func checkUnique(_ name: String, _ value: YAMLValue?, _ findings: inout Findings) {
        guard let value else { return }
        if let line = lines[name] {
            findings.error(value.problem("the grant of line \(line) is called \"\(name)\", too", fix: "rename one"))
        } else {
            lines[name] = value.line
        }
    }

    private static func subject(
        _ value: YAMLValue,
        _ findings: inout Findings
    ) -> (namespace: Glob, serviceAccount: Glob)? {
        guard var fields = Fields(value, &findings) else { return nil }
        let namespace = fields.required("namespace", &findings) { value throws(YAMLProblems) in try value.glob() }
        let serviceAccount = fields.required("serviceAccount", &findings) { value throws(YAMLProblems) in
            try value.glob()
        }
        fields.finish(&findings)
        guard let namespace, let serviceAccount else { return nil }
        if namespace.matchesEveryPart, serviceAccount.matchesEveryPart {
            findings.warning(
                value.problem(
                    "it is for every Pod of the cluster",
                    fix: "name the namespaces and the service accounts that need it"
                )
            )
        }
        return (namespace, serviceAccount)
    }

    private func store(_ value: YAMLValue) throws(YAMLProblems) -> String {
        let name = try value.string()
        let known = stores.entries.map(\.key)
        if known.contains(name) { return name }
        let hint = closestWord(to: name, among: known).map { "did you mean \"\($0)\"?" }
        let list = known.isEmpty ? "" : "the stores are: \(known.joined(separator: ", "))"
        throw YAMLProblems(value.problem("there is no such store", fix: hint ?? list))
    }

    private typealias Allowance = (
        repositories: [Glob], permissions: [String: AccessLevel], actions: Set<RegistryAction>
    )

    private func allowance(_ value: YAMLValue, store: String?, _ findings: inout Findings) -> Allowance? {
        guard var fields = Fields(value, &findings) else { return nil }
        let repositories = fields.optional("repositories")
        let permissions = fields.optional("permissions")
        let actions = fields.optional("actions")
        if fields.finish(&findings) {
            Self.checkNotEmpty(value, repositories, permissions, actions, &findings)
        }
        return Allowance(
            repositories: repositories.flatMap { globs($0, store: store, &findings) } ?? [],
            permissions: permissions.map { levels($0, store: store, &findings) } ?? [:],
            actions: actions.flatMap { self.actions($0, store: store, &findings) } ?? []
        )
    }

    /// A grant that gives nothing is a slip of the pen: it would refuse, and look as if it granted.
    private static func checkNotEmpty(
        _ value: YAMLValue,
        _ repositories: YAMLValue?,
        _ permissions: YAMLValue?,
        _ actions: YAMLValue?,
        _ findings: inout Findings
    ) {
        if isEmpty(repositories) {
            findings.error(
                value.problem("it allows no repository", fix: "write for example: repositories: [\"owner/*\"]")
            )
        }
        if isEmpty(permissions), isEmpty(actions) {
            findings.error(
                value.problem(
                    "it allows neither permissions nor actions",
                    fix: "write for example: permissions: { contents: read } or actions: [pull]"
                )
            )
        }
    }

    private static func isEmpty(_ value: YAMLValue?) -> Bool {
        value?.entries?.isEmpty ?? value?.elements?.isEmpty ?? (value == nil)
    }

    private func globs(_ value: YAMLValue, store: String?, _ findings: inout Findings) -> [Glob]? {
        let elements = findings.collect { () throws(YAMLProblems) in try value.sequence() }
        let git = stores.stores.first { $0.name == store }?.service.git
        return elements?.compactMap { element in
            guard let glob = findings.collect({ () throws(YAMLProblems) in try element.glob() }) else { return nil }
            if let git, !glob.canMatch(parts: git.nameParts) {
                let many =
                    git.nameParts.count == 1 ? "\(git.nameParts.lowerBound)" : "\(git.nameParts.lowerBound) or more"
                findings.error(
                    element.problem(
                        "it matches no repository of this store, whose names have \(many) parts",
                        fix: "write owner/* for all repositories of owner"
                    )
                )
            }
            return glob
        }
    }

    private func actions(_ value: YAMLValue, store: String?, _ findings: inout Findings) -> Set<RegistryAction>? {
        let actions = findings.collect { () throws(YAMLProblems) in try value.decode([RegistryAction].self) }
        guard let actions, let known = store.flatMap({ stores.kinds[$0] })?.knownActions else {
            return actions.map(Set.init)
        }
        for (action, element) in zip(actions, value.elements ?? []) where !known.contains(action) {
            let fix = known.isEmpty ? "its tokens have permissions only: remove actions" : "it knows: "
            let list = known.sorted().map(\.rawValue).joined(separator: ", ")
            findings.error(element.problem("the store's source knows no such action", fix: fix + list))
        }
        return Set(actions)
    }

    private func levels(
        _ value: YAMLValue,
        store: String?,
        _ findings: inout Findings
    ) -> [String: AccessLevel] {
        let known = store.flatMap { stores.kinds[$0] }?.knownPermissions ?? []
        var levels: [String: AccessLevel] = [:]
        for entry in findings.collect({ () throws(YAMLProblems) in try value.mapping() }) ?? [] {
            if !known.isEmpty, !known.contains(entry.key) {
                let hint = closestWord(to: entry.key, among: known).map { "did you mean \"\($0)\"?" }
                let list = "it knows: \(known.sorted().prefix(20).joined(separator: ", "))"
                findings.error(entry.problem("the store's source knows no such permission", fix: hint ?? list))
            }
            levels[entry.key] = findings.collect { () throws(YAMLProblems) in
                try entry.value.decode(AccessLevel.self)
            }
        }
        return levels
    }
}
