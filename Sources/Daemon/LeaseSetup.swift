// Leases as the configuration wants them: the journal, the gates of the stores, the detectors of a build's end.

import BuildEnds
import Glibc
import HTTPTransfer
import Identity
import LeaseJournal
import Leases
import Logging
import MountService
import Policy
import Refusals
import TokenStore

extension Daemon {
    /// Opens the journal of the configuration.
    func openJournal() throws -> SQLiteJournal { SQLiteJournal() }

    /// What the leases work with.
    func leaseParts(_ journal: SQLiteJournal, _ stores: StoreRoom) -> LeaseManager.Parts {
        var parts = LeaseManager.Parts(
            clock: .system,
            journal: journal,
            sources: stores,
            gates: StoreGates(),
            logger: logger
        )
        parts.schedule.grace = configuration.leases.grace
        parts.hook = crashHook
        return parts
    }
}

/// Watches for ends of builds while `body` runs, and hands them to the leases.
func withBuildEnds<Result: Sendable>(
    _ settings: BuildSettings,
    _ environment: [String: String],
    _ leases: LeaseManager,
    _ logger: Logger,
    _ body: (@escaping @Sendable () -> [DetectorReport]) async throws -> Result
) async throws -> Result {
    var options = TargetPathWatch.Options()
    options.confirmAfter = settings.pathDelay
    let paths = settings.paths ? TargetPathWatch(options: options, logger: logger) : nil
    return try await withThrowingTaskGroup(of: Void.self) { group in
        if let paths { group.addTask { await paths.run(leases.builds, ended: leases.ended) } }
        defer { group.cancelAll() }
        return try await body {
            [paths.map(\.report)].compactMap(\.self)
        }
    }
}

extension TargetPathWatch {
    /// How it is, for an operator.
    fileprivate var report: DetectorReport {
        switch isWatching {
        case true?: DetectorReport(name: name, isWatching: true, note: "the kubelet's directory is visible")
        case false?: DetectorReport(name: name, isWatching: false, note: "the kubelet's directory is not visible")
        case nil: DetectorReport(name: name, isWatching: true, note: "nothing to look at yet")
        }
    }
}
