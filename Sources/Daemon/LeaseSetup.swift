// Leases as the configuration wants them: the journal and the gates of the stores.

import LeaseJournal
import Leases
import LogEvents
import Logging
import MountService
import Policy
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
        logger.log(
            .standingBy,
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
            gates: StoreGates(limits: storeLimits, clock: .system),
            logger: logger
        )
        parts.schedule.grace = configuration.leases.grace
        parts.mintGrace = min(configuration.server.drain, .seconds(5))
        parts.hook = crashHook
        return parts
    }

    /// The limits of the stores that have some in the configuration.
    private var storeLimits: [String: StoreLimits] {
        Dictionary(
            configuration.stores.map { ($0.name, StoreLimits($0.limits)) },
            uniquingKeysWith: { first, _ in first }
        )
    }
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
