// SecretProviderClasses: those of Daypass, and those that were meant to be.

import StrictYAML

extension Checks {
    static let classes = [
        Check("class-provider", .classes, "a class that looks like ours and names another provider") {
            facts throws(Skip) in
            try facts.objects.classes.get().compactMap { one in
                guard !Classes.isOurs(one), Classes.isMeantForUs(one) else { return nil }
                let provider = one.tree["spec", "provider"]?.text ?? ""
                let message =
                    provider.isEmpty
                    ? "it names no provider"
                    : "its provider is \"\(Printable.text(provider))\", and the driver looks for a socket of that name"
                return .error(one.place, message, fix: "spec: { provider: \(DriverNames.provider) }")
            }
        },
        Check("class-parameters", .classes, "parameters that the driver or Daypass refuses") { facts throws(Skip) in
            var troubles: [Trouble] = []
            for one in try facts.objects.classes.get() where Classes.isOurs(one) {
                guard !(one.tree["spec", "parameters"]?.entries ?? [:]).isEmpty else {
                    let message = "it has no parameters, and the driver mounts nothing without them"
                    let fix = "add tokens and files: docs/secretproviderclass.md"
                    troubles.append(.error(one.place, message, fix: fix))
                    continue
                }
                troubles += (facts.classProblems[one.key] ?? []).map { problem in
                    let fix = problem.fix.isEmpty ? "docs/secretproviderclass.md" : problem.fix
                    return problem.isError
                        ? .error(one.place, problem.message, fix: fix) : .warning(one.place, problem.message, fix: fix)
                }
            }
            return troubles
        },
        Check("class-secret-objects", .classes, "secretObjects, which copies tokens into Kubernetes Secrets") {
            facts throws(Skip) in
            try facts.objects.classes.get().filter { Classes.isOurs($0) && Classes.hasSecretObjects($0) }.map { one in
                let message = "secretObjects copies tokens into a Kubernetes Secret, and so into etcd and its backups"
                let namespace = ObjectName.shell(one.namespace)
                let patch = #"[{"op":"remove","path":"/spec/secretObjects"}]"#
                let fix =
                    "kubectl -n \(namespace) patch secretproviderclass \(ObjectName.shell(one.name)) --type=json -p '\(patch)', "
                    + "and let builds read the mounted files"
                return .warning(one.place, message, fix: fix)
            }
        },
    ]
}

/// What a class is.
package enum Classes {
    /// Whether the driver calls Daypass for it.
    package static func isOurs(_ one: KubeObject) -> Bool { one.tree["spec", "provider"]?.text == DriverNames.provider }

    static func hasSecretObjects(_ one: KubeObject) -> Bool {
        !(one.tree["spec", "secretObjects"]?.elements ?? []).isEmpty
    }

    /// Whether a class of another provider was meant to be ours: by a name that is nearly right, or by what it asks for.
    static func isMeantForUs(_ one: KubeObject) -> Bool {
        let provider = one.tree["spec", "provider"]?.text ?? ""
        // Letters, dashes and underscores are forgiven by the comparison.
        let bare = provider.lowercased().filter { $0 != "-" && $0 != "_" && $0 != " " }
        if bare == DriverNames.provider || closestWord(to: provider, among: [DriverNames.provider]) != nil {
            return true
        }
        let parameters = one.tree["spec", "parameters"]?.textEntries ?? [:]
        guard let tokens = parameters["tokens"], let files = parameters["files"] else { return false }
        return tokens.contains("store") && files.contains("format")
    }
}
