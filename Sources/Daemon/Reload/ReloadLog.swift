// What reloads leave in the log.

import LogEvents
import Logging

/// Writes the log lines of reloads.
struct ReloadLog: Sendable {
    let logger: Logger
    /// The configuration's file.
    let file: String

    /// A configuration, or the new content of a file that it names, is in force.
    func applied(_ report: ReloadReport, from former: String) {
        logger.log(
            .configurationApplied,
            "configuration applied",
            metadata: [
                "file": "\(file)", "configuration": "\(report.status.digest)", "former": "\(former)",
                "changes": "\(report.changes.joined(separator: "; "))",
            ]
        )
        if !report.problems.isEmpty { heldBack(report) }
    }

    /// Keys have new values that a start would put in force.
    func pendingRestart(_ keys: [String]) {
        logger.log(
            .configurationPendingRestart,
            "some settings take effect after a restart",
            metadata: ["file": "\(file)", "keys": "\(keys.joined(separator: ", "))"]
        )
    }

    /// What the files hold can't be used.
    func refused(_ report: ReloadReport) {
        guard report.status.heldBack.isEmpty || report.problems != report.heldBackLines else { return heldBack(report) }
        logger.log(
            .configurationRefused,
            "configuration refused, the former one stays in force",
            metadata: [
                "file": "\(file)", "configuration": "\(report.status.digest)",
                "problems": "\(report.problems.joined(separator: "; "))",
                "fix": "daypass check --config \(file)",
            ]
        )
    }

    /// Stores work on with former contents of their files.
    private func heldBack(_ report: ReloadReport) {
        logger.log(
            .storeHeldBack,
            "a store works on with its former file",
            metadata: [
                "file": "\(file)", "configuration": "\(report.status.digest)",
                "problems": "\(report.problems.joined(separator: "; "))",
                "fix": "daypass check --config \(file)",
            ]
        )
    }

    /// The files hold again what is in force.
    func recovered(_ digest: String) {
        logger.log(
            .configurationRestored,
            "the configuration's files hold again what is in force",
            metadata: ["file": "\(file)", "configuration": "\(digest)"]
        )
    }

    /// The kernel gives no watches.
    func withoutWatches(poll: Duration) {
        logger.log(
            .configurationNoticedLate,
            "changes of the configuration are noticed late: the kernel gives no inotify instance",
            metadata: ["file": "\(file)", "looked_every": "\(poll)", "fix": "raise fs.inotify.max_user_instances"]
        )
    }
}

extension ReloadReport {
    fileprivate var heldBackLines: [String] {
        status.heldBack.sorted { $0.key < $1.key }.map { "store \($0.key): \($0.value)" }
    }
}
