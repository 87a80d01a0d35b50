// `daypass revoke`: ends tokens before their time.

import ArgumentParser
import Daemon
import Leases

/// `daypass revoke`.
struct RevokeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke",
        abstract: "Revoke the tokens of a Pod, of a store, or all of them.",
        discussion: """
            Asks the daemon on its admin socket and waits up to 30 s for the sources. A Pod that still runs gets new \
            tokens with its next Mount: delete it first, or take its grant away.

            Exit code 0: revoked, or left to expire where the source can't revoke. 1: nothing matched, or some tokens \
            are not revoked yet. 2: no daemon answers on the socket.

            Examples:
              daypass revoke --pod binder/build-42
              daypass revoke --all
            """
    )

    @Option(help: ArgumentHelp("Those of this Pod.", valueName: "namespace/name"))
    var pod: String?

    @Option(help: ArgumentHelp("Those of this store.", valueName: "name"))
    var store: String?

    @Flag(help: "All.")
    var all = false

    @Option(help: ArgumentHelp("The daemon's admin socket.", valueName: "path"))
    var adminSocket: String = AdminSocket.standard

    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws { _ = try selection() }

    private func selection() throws -> LeaseSelection {
        switch (pod, store, all) {
        case (let pod?, nil, false):
            let parts = pod.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty }) else {
                throw ValidationError("--pod wants <namespace>/<name>")
            }
            return .pod(namespace: parts[0], name: parts[1])
        case (nil, let store?, false): return .store(store)
        case (nil, nil, true): return .all
        default: throw ValidationError("say one of --pod, --store and --all")
        }
    }

    func run() async throws {
        let selection = try selection()
        let report = try await AdminSocket.ask(adminSocket) { try await $0.revoke(selection) }
        if json { print(try JSONOutput.text(report)) } else { print(Self.text(report), terminator: "") }
        if report.pending > 0 || report.isEmpty { throw Exit.negative }
    }

    private static func text(_ report: RevocationReport) -> String {
        guard !report.isEmpty else { return "nothing to revoke; daypass leases lists what there is\n" }
        var lines = ["\(report.revoked) revoked"]
        if report.leftToExpire > 0 { lines.append("\(report.leftToExpire) left to expire: their sources can't revoke") }
        if report.mintsUnderWay > 0 { lines.append("\(report.mintsUnderWay) being minted: revoked as they come") }
        if report.pending > 0 { lines.append("\(report.pending) not revoked yet; the daemon tries on") }
        return (lines + report.failures).map { $0 + "\n" }.joined()
    }
}

extension RevocationReport {
    fileprivate var isEmpty: Bool { revoked + pending + leftToExpire + mintsUnderWay == 0 }
}
