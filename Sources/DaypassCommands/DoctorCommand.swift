// `daypass doctor`: finds the usual mistakes of an installation, and says how to mend them.

import ArgumentParser
import Daemon
import Doctor
import Glibc

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// `daypass doctor`.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Find the usual mistakes of an installation, and say how to mend them.",
        discussion: """
            On a node, or in Daypass's Pod, it looks at sockets, journal, keys and the Pods of the node. Elsewhere it asks \
            the cluster with kubectl: it only runs kubectl get, and never for Secrets. With --objects it looks at files: \
            dumps of a cluster, or what you are about to apply. It changes nothing and mints nothing.

            Exit code 0: nothing is wrong (some checks may have been skipped). 1: errors or warnings were found. 2: it \
            could not look at all.

            Examples:
              daypass doctor
              kubectl -n daypass exec daemonset/daypass -- daypass doctor --ask-sources
              daypass doctor --objects class.yaml --objects pod.yaml --config node.yaml
            """
    )

    /// Where to look.
    enum Where: String, ExpressibleByArgument, CaseIterable { case auto, node, cluster }

    @Option(help: "Where to look: node, cluster (with kubectl), or auto: on a node the node.")
    var at: Where = .auto

    @Option(help: ArgumentHelp("The node's configuration; it is looked for when this is left out.", valueName: "file"))
    var config: String?

    @Option(
        help: ArgumentHelp(
            "Look at the objects of this JSON or YAML file, not at a cluster. Repeatable.",
            valueName: "file"
        )
    )
    var objects: [String] = []

    @Option(help: ArgumentHelp("As --objects with each .json, .yaml and .yml file of a folder.", valueName: "folder"))
    var from: String?

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("Look at the Pods and classes of this namespace only.", valueName: "namespace")
    )
    var namespace: String?

    @Option(help: ArgumentHelp("The kubectl to run.", valueName: "path"))
    var kubectl = "kubectl"

    @Option(help: ArgumentHelp("kubectl's context.", valueName: "name"))
    var context: String?

    @Option(help: ArgumentHelp("kubectl's configuration.", valueName: "file"))
    var kubeconfig: String?

    @Option(help: ArgumentHelp("How long to wait for each call of kubectl.", valueName: "seconds"))
    var timeout = 20

    @Option(help: ArgumentHelp("The provider's socket. (default: that of the configuration)", valueName: "path"))
    var socket: String?

    @Option(help: ArgumentHelp("The daemon's admin socket. (default: that of the configuration)", valueName: "path"))
    var adminSocket: String?

    @Flag(help: "On a node: ask the token sources whether they can be reached, and GitHub for the App's installations.")
    var askSources = false

    @Option(help: ArgumentHelp("Run this check only. Repeatable.", valueName: "check"))
    var only: [String] = []

    @Flag(help: "List the checks.")
    var list = false

    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        let names = Set(Checks.all.map(\.name))
        for name in only where !names.contains(name) {
            throw ValidationError("There is no check \(name); daypass doctor --list shows them.")
        }
        guard (1...600).contains(timeout) else { throw ValidationError("--timeout must be 1 to 600 seconds.") }
        if at != .auto, !objects.isEmpty || from != nil {
            throw ValidationError("--at says where to look, and --objects and --from are elsewhere; choose one.")
        }
        if let namespace, namespace.isEmpty || namespace.hasPrefix("-") {
            throw ValidationError("--namespace names no namespace.")
        }
    }

    func run() async throws {
        ProcessLimits.forbidCoreDumps()
        guard !list else { return try printChecks() }
        let facts: Facts
        do throws(GatheringFailure) { facts = try await DoctorGathering(self).facts() } catch {
            Output.error("\(error.message); \(error.fix)")
            throw Exit.unusable
        }
        let findings = Checks.run(on: facts, only: Set(only))
        if json {
            print(try JSONOutput.text(Report(facts, findings)))
        } else {
            print(ReportText(isColored: Self.wantsColors).text(findings), terminator: "")
        }
        if findings.contains(where: { $0.severity.isProblem }) { throw Exit.negative }
    }

    /// What `--json` prints.
    private struct Report: Encodable {
        let version = DaypassVersion.current
        let place: Facts.Place
        let errors: Int
        let warnings: Int
        let skipped: Int
        let findings: [Finding]

        init(_ facts: Facts, _ findings: [Finding]) {
            place = facts.place
            errors = findings.count { $0.severity == .error }
            warnings = findings.count { $0.severity == .warning }
            skipped = findings.count { $0.severity == .skipped }
            self.findings = findings
        }
    }

    private struct ListedCheck: Encodable {
        let name: String
        let group: CheckGroup
        let finds: String
    }

    private func printChecks() throws {
        let checks = Checks.all.map { ListedCheck(name: $0.name, group: $0.group, finds: $0.finds) }
        guard !json else { return print(try JSONOutput.text(checks)) }
        let width = checks.map(\.name.count).max() ?? 0
        for check in checks {
            print(check.name + String(repeating: " ", count: width - check.name.count) + "  " + check.finds)
        }
    }

    /// <https://no-color.org>
    private static var wantsColors: Bool {
        let environment = ProcessInfo.processInfo.environment
        return isatty(STDOUT_FILENO) == 1 && (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
    }
}
