// Whether the Pod watch stands, and which changes of that are worth a log line. Pure.

import KubernetesAPI
import TokenStore

/// Follows the watch's fate. A line is due for each change, not for each retry.
struct WatchHealth: Sendable {
    /// What to write into the log.
    enum Line: Sendable, Equatable {
        /// It stands for the first time.
        case watching
        /// It stands again, after this time.
        case watchingAgain(after: Duration)
        /// It is lost, or lost for another reason than before.
        case lost(KubernetesError)
    }

    private(set) var isWatching = false
    private(set) var lastError: String?
    private(set) var lastSync: UTCInstant?
    private var hasWatched = false
    private var lostSince: Duration?
    private var lostBy: KubernetesError.Code?

    /// A complete list was taken.
    mutating func synced(at now: UTCInstant) { lastSync = now }

    /// The server took the watch. After a loss that is not enough: a server may take each watch and end it at once.
    mutating func opened() -> Line? {
        isWatching = true
        guard !hasWatched else { return nil }
        hasWatched = true
        if lostSince == nil { return .watching }
        return nil
    }

    /// The watch told something, or it has stood for a good while.
    mutating func proved(at now: Duration) -> Line? {
        guard let since = lostSince else { return nil }
        lostSince = nil
        lostBy = nil
        return .watchingAgain(after: now - since)
    }

    /// The watch, or the list before it, failed.
    mutating func failed(_ error: KubernetesError, at now: Duration) -> Line? {
        isWatching = false
        lastError = error.message
        if lostSince == nil { lostSince = now }
        guard lostBy != error.code else { return nil }
        lostBy = error.code
        return .lost(error)
    }

    /// The watch was told to end.
    mutating func ended() { isWatching = false }
}
