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
import ServiceLifecycle
import TokenStore

extension Daemon {
    /// Opens the journal of the configuration. While another daemon has it, stands by until that one ends.
    ///
    /// - Throws: ``JournalFailure`` when the place can't be used; `CancellationError` when the daemon is told to end
    ///   while it stands by.
    func openJournal() async throws -> SQLiteJournal {
        let settings = configuration.leases
        var options = JournalOptions(
            path: settings.journal,
            medium: settings.medium == .disk ? .disk : .tmpfs,
            maxBytes: settings.journalBytes,
            lockWait: .zero
        )
        do throws(JournalFailure) {
            return try await SQLiteJournal.open(options, hook: crashHook, logger: logger)
        } catch {
            guard error.code == .busy else { throw error }
        }
        logger.notice(
            "another daemon has the journal: standing by until it ends",
            metadata: ["journal": "\(settings.journal)"]
        )
        options.lockWait = .seconds(1 << 40)
        let waiting = options
        do {
            return try await cancelWhenGracefulShutdown { [crashHook, logger] in
                try await SQLiteJournal.open(waiting, hook: crashHook, logger: logger)
            }
        } catch let failure as JournalFailure where failure.code == .cancelled {
            throw CancellationError()
        }
    }

    /// What the leases work with.
    func leaseParts(_ journal: SQLiteJournal, _ stores: StoreRoom) -> LeaseManager.Parts {
        var parts = LeaseManager.Parts(
            clock: .system,
            journal: journal,
            sources: stores,
            gates: StoreGates(
                limits: [:],
                steady: LeaseClock.system.steady,
                wall: SystemClock(),
                sleep: LeaseClock.system.sleep
            ),
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
