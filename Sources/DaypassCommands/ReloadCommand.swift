// `daypass reload`: puts a changed configuration in force at once, or says why not.

import ArgumentParser
import Daemon

/// `daypass reload`.
struct ReloadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload",
        abstract: "Have the daemon of this node read its configuration anew.",
        discussion: """
            The daemon does so by itself a second after a file changed. This does it at once, and says what came of it. \
            A configuration that can't be used changes nothing: the former one stays in force.

            Exit code 0: what the files hold is in force. 1: it can't be used, or a store works on with its former \
            file. 2: no daemon answers on the socket, or its configuration came from a pipe.

            Example:
              daypass reload
            """
    )

    @Option(help: ArgumentHelp("The daemon's admin socket.", valueName: "path"))
    var adminSocket: String = AdminClient.standardSocket

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        let report = try await AdminSocket.ask(adminSocket) { try await $0.reload() }
        print(json ? try JSONOutput.text(report) : Self.text(report), terminator: json ? "\n" : "")
        if report.outcome == .refused || !report.problems.isEmpty { throw Exit.negative }
    }

    private static func text(_ report: ReloadReport) -> String {
        var lines: [String] = []
        switch report.outcome {
        case .applied: lines.append("applied: configuration \(report.status.digest) is in force")
        case .unchanged: lines.append("unchanged: configuration \(report.status.digest) is in force")
        case .refused: lines.append("refused: configuration \(report.status.digest) stays in force")
        }
        lines += report.changes.map { "  \($0)" } + report.problems + report.warnings
        if !report.status.pendingRestart.isEmpty {
            lines.append("after a restart only: \(report.status.pendingRestart.joined(separator: ", "))")
        }
        return lines.map { $0 + "\n" }.joined()
    }
}
