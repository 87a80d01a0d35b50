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
    try await body { [] }
}
