// `daypass leases`: what the daemon of this node holds.

import ArgumentParser
import Daemon
import Leases
import TokenStore

/// `daypass leases`.
struct LeasesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "leases",
        abstract: "List the leases of the daemon on this node.",
        discussion: """
            Asks the daemon on its admin socket. No token is shown. States: intended (a token is being minted), lost (a \
            token may have been minted, its answer is lost), live, superseded (a newer token took its place; it is \
            revoked after the grace period), revoking.

            Exit code 0: listed. 2: no daemon answers on the socket.

            Example:
              daypass leases --json
            """
    )

    @Option(help: ArgumentHelp("The daemon's admin socket.", valueName: "path"))
    var adminSocket: String = AdminClient.standardSocket

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        let report = try await AdminSocket.ask(adminSocket) { try await $0.leases() }
        print(json ? try JSONOutput.text(report) : LeaseTableText.text(report), terminator: json ? "\n" : "")
    }
}

/// A daemon's leases as a table.
enum LeaseTableText {
    private static let head = ["POD", "STORE", "SCOPE", "STATE", "AGE", "EXPIRES", "REFRESH"]

    static func text(_ report: AdminReport) -> String {
        guard !report.leases.isEmpty else { return "no leases\n" + remarks(report) }
        let now = UTCInstant(rfc3339: report.now)
        let rows = report.leases.map { lease in
            [
                "\(lease.namespace)/\(lease.pod)", lease.store, lease.scope, state(lease), span(lease.age),
                when(lease.expires, now, past: "expired"), when(lease.refresh, now, past: "due"),
            ]
        }
        let widths = head.indices.map { column in ([head] + rows).map { $0[column].count }.max() ?? 0 }
        let lines = ([head] + rows).map { row in
            zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }.joined(separator: "  ")
        }
        return lines.map { $0.trimmingSpaces + "\n" }.joined() + remarks(report)
    }

    private static func state(_ lease: LeaseSummary) -> String {
        let details = [lease.cause, lease.isGivenUp && lease.state == "revoking" ? "given up" : nil]
            .compactMap(\.self)
        return details.isEmpty ? lease.state : "\(lease.state) (\(details.joined(separator: ", ")))"
    }

    /// What needs an operator's eye.
    private static func remarks(_ report: AdminReport) -> String {
        var lines: [String] = []
        for lease in report.leases where lease.failure != nil && lease.state == "revoking" {
            lines.append("lease \(lease.id) not revoked after \(lease.tries) tries: \(lease.failure ?? "")")
        }
        if report.counts.lost > 0 {
            lines.append("lost: a token may have been minted that nobody has; it ends with its own life")
        }
        if !report.counts.isJournalCurrent {
            lines.append("the journal can't be written: no token is minted; see the daemon's log")
        }
        // One way to notice is enough.
        if !report.detectors.contains(where: \.isWatching) {
            let reasons = report.detectors.map { "; \($0.name): \($0.note)" }.joined()
            lines.append("nothing notices the end of a build, so tokens live to their own end\(reasons)")
        }
        return lines.map { $0 + "\n" }.joined()
    }

    private static func when(_ text: String?, _ now: UTCInstant?, past: String) -> String {
        guard let text else { return "-" }
        guard let now, let then = UTCInstant(rfc3339: text) else { return text }
        let seconds = Int(now.duration(to: then).components.seconds)
        return seconds > 0 ? "in \(span(seconds))" : past
    }

    /// `42s`, `12m`, `3h05m`.
    private static func span(_ seconds: Int) -> String {
        if seconds < 120 { return "\(seconds)s" }
        if seconds < 7200 { return "\(seconds / 60)m" }
        let minutes = seconds / 60 % 60
        return "\(seconds / 3600)h\(minutes < 10 ? "0" : "")\(minutes)m"
    }
}

extension String {
    fileprivate var trimmingSpaces: String {
        var copy = self[...]
        while copy.last == " " { copy.removeLast() }
        return String(copy)
    }
}
