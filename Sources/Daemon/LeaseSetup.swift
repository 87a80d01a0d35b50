// Leases as the configuration wants them: the journal and the gates of the stores.

import AdminHTTP
import LeaseJournal
import Leases
import LogEvents
import Logging
import MountService
import Policy
import ServiceLifecycle
import TokenStore
import UnaryRPC

extension Daemon {
    /// Opens the journal of the configuration. While another daemon has it, stands by until that one ends, and holds its
    /// socket meanwhile.
    ///
    /// - Returns: The journal, and the socket of the former daemon, if there was one that offered it.
    /// - Throws: ``JournalFailure`` when the place can't be used; `CancellationError` when the daemon is told to end
    ///   while it stands by.
    func openJournal() async throws -> (SQLiteJournal, InheritedSocket?) {
        let settings = configuration.leases
        var options = JournalOptions(
            path: settings.journal,
            medium: settings.medium == .disk ? .disk : .tmpfs,
            maxBytes: settings.journalBytes,
            lockWait: .zero
        )
        do throws(JournalFailure) {
            return (try await SQLiteJournal.open(options, hook: crashHook, logger: logger), nil)
        } catch {
            guard error.code == .busy else { throw error }
        }
        admin.enter(.standingBy)
        logger.log(
            .standingBy,
            "another daemon has the journal: standing by until it ends",
            metadata: ["journal": "\(settings.journal)"]
        )
        options.lockWait = .seconds(1 << 40)
        let waiting = options
        do {
            return try await withSocketHeir(at: settings.handover, logger: logger) {
                try await cancelWhenGracefulShutdown { [crashHook, logger] in
                    try await SQLiteJournal.open(waiting, hook: crashHook, logger: logger)
                }
            }
        } catch let failure as JournalFailure where failure.code == .cancelled {
            throw CancellationError()
        }
    }

    /// What the leases work with.
    func leaseParts(
        _ journal: SQLiteJournal,
        _ stores: StoresInForce,
        _ gates: StoreGates
    ) -> LeaseManager.Parts {
        var parts = LeaseManager.Parts(
            clock: .system,
            journal: journal,
            sources: stores,
            gates: gates,
            logger: logger
        )
        parts.schedule.grace = configuration.leases.grace
        parts.mintGrace = min(configuration.server.drain, .seconds(5))
        parts.hook = crashHook
        return parts
    }
}

extension NodeConfiguration {
    /// The limits of the stores that have some in the configuration.
    var storeLimits: [String: StoreLimits] {
        Dictionary(stores.map { ($0.name, StoreLimits($0.limits)) }, uniquingKeysWith: { first, _ in first })
    }
}

extension LeaseSettings {
    /// Where a daemon that serves and its successor meet: beside the journal, because that is what they share.
    var handover: String { journal + ".handover" }
}

extension StoreLimits {
    /// The limits of the configuration, and the usual ones where it has none.
    fileprivate init(_ settings: StoreLimitSettings) {
        self.init()
        rate = settings.rate ?? rate
        burst = settings.burst ?? burst
        concurrent = settings.concurrent ?? concurrent
    }
}
