// The node's configuration: what `daypass check` says of it, and whether the Pod has the files that it names.

import Policy

extension Checks {
    static let configuration = [
        Check("configuration", .configuration, "what daypass check finds in the node's configuration") {
            facts throws(Skip) in
            let found = try facts.configuration.get()
            guard !found.problems.isEmpty else {
                return [.note(found.origin, found.node.map { "digest \($0.digest)" } ?? "")]
            }
            return found.problems.map { trouble($0, in: found) }
        },
        Check("configuration-keys", .configuration, "key files that can't be read, or that others can read") {
            facts throws(Skip) in
            let found = try facts.configuration.get()
            _ = try found.usable()
            guard let problems = found.fileProblems else {
                throw Skip(
                    "key files are on the node",
                    fix: "run it there: kubectl -n daypass exec POD -- daypass doctor"
                )
            }
            return problems.map { trouble($0, in: found) }
        },
        Check("configuration-mounts", .configuration, "a file that the configuration names and the Pod does not have") {
            facts throws(Skip) in
            try mounts(facts)
        },
    ]

    private static func trouble(_ problem: ConfigurationProblem, in found: ConfigurationFacts) -> Trouble {
        let place = "\(found.origin):\(problem.line):\(problem.column)"
        let message = problem.path.isEmpty ? problem.message : "\(problem.path): \(problem.message)"
        let fix = problem.fix.isEmpty ? "docs/configuration.md" : problem.fix
        return problem.severity == .error ? .error(place, message, fix: fix) : .warning(place, message, fix: fix)
    }

    /// Folders of the system's own, which an image can have.
    private static let systemFolders = ["/etc/ssl", "/etc/pki", "/usr"]

    private static func mounts(_ facts: Facts) throws(Skip) -> [Trouble] {
        let node = try facts.configuration.get().usable()
        let daypass = try facts.objects.daypass()
        let files =
            node.namedFiles.map { ($0.purpose.rawValue, $0.path) }
            + node.stores.flatMap { $0.secretFiles.map { ($0.path, $0.file) } }
        return files.compactMap { path, file in
            guard daypass.template.volume(at: file, in: daypass.container) == nil,
                !systemFolders.contains(where: { NodePath.contains($0, NodePath.normal(file)) })
            else { return nil }
            let message = "\(Printable.text(path)) names \(Printable.text(file)), and nothing is mounted there"
            let secret = "volumes: [{ name: keys, secret: { secretName: daypass-keys, defaultMode: 0400 } }]"
            let fix = "mount the Secret that holds it at \(Printable.text(NodePath.folder(file))): \(secret)"
            return .error(daypass.place, message, fix: fix)
        }
    }
}
