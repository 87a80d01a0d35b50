// Every code that a log line can have, its level, and whether it is part of the audit trail.

package import Logging

/// What a log line tells. The codes are stable: documents, alerts and collectors use them.
///
/// A new code wants a case here, its level in ``level`` unless that is info, and a row in `docs/logs.md`.
package enum EventCode: String, Sendable, Hashable, CaseIterable, CustomStringConvertible {
    // The daemon.
    case serving = "Serving"
    case ending = "Ending"
    case ended = "Ended"
    case standingBy = "StandingBy"
    case endedStandingBy = "EndedStandingBy"
    case daemonFailed = "DaemonFailed"
    case configurationWarning = "ConfigurationWarning"
    case secretFileExposed = "SecretFileExposed"
    case storeUnusable = "StoreUnusable"
    case logLinesLost = "LogLinesLost"
    case adminEndpoints = "AdminEndpoints"
    case adminEndpointsBusy = "AdminEndpointsBusy"
    case adminEndpointsEnded = "AdminEndpointsEnded"
    case adminAnswerNotTaken = "AdminAnswerNotTaken"

    // Reloads.
    case configurationApplied = "ConfigurationApplied"
    case configurationRefused = "ConfigurationRefused"
    case configurationRestored = "ConfigurationRestored"
    case configurationPendingRestart = "ConfigurationPendingRestart"
    case configurationNoticedLate = "ConfigurationNoticedLate"
    case storeHeldBack = "StoreHeldBack"

    // Mounts.
    case mountRefused = "MountRefused"
    case refreshFailed = "RefreshFailed"
    case subjectTokenUnusable = "SubjectTokenUnusable"
    case signingKeysFetched = "SigningKeysFetched"
    case signingKeysUnavailable = "SigningKeysUnavailable"
    case signingKeysMissing = "SigningKeysMissing"

    // Tokens and leases.
    case tokenMinted = "TokenMinted"
    case tokenLost = "TokenLost"
    case tokenRevoked = "TokenRevoked"
    case tokenLeftToExpire = "TokenLeftToExpire"
    case revocationFailed = "RevocationFailed"
    case revocationGivenUp = "RevocationGivenUp"
    case lostTokenSearched = "LostTokenSearched"
    case lostTokenSearchFailed = "LostTokenSearchFailed"
    case lostTokenSearchGivenUp = "LostTokenSearchGivenUp"
    case leasesEnded = "LeasesEnded"
    case leaseExpired = "LeaseExpired"
    case leasesRestored = "LeasesRestored"
    case leasesRevokedAtEnd = "LeasesRevokedAtEnd"

    // The journal.
    case journalUnwritable = "JournalUnwritable"
    case journalWritable = "JournalWritable"
    case journalRewritten = "JournalRewritten"
    case journalReopened = "JournalReopened"
    case journalNotice = "JournalNotice"
    case journalLeftovers = "JournalLeftovers"

    // Ends of builds.
    case podsWatched = "PodsWatched"
    case podsWatchedAgain = "PodsWatchedAgain"
    case podWatchFailed = "PodWatchFailed"
    case podWatchPaused = "PodWatchPaused"
    case podsListed = "PodsListed"
    case podLookupFailed = "PodLookupFailed"
    case podOnOtherNode = "PodOnOtherNode"
    case podsNotWatched = "PodsNotWatched"
    case volumesWatched = "VolumesWatched"
    case volumesHidden = "VolumesHidden"
    case inotifyUnavailable = "InotifyUnavailable"
    case buildEndsUnnoticed = "BuildEndsUnnoticed"

    // What is written into the cluster.
    case podEventWritten = "PodEventWritten"
    case podEventsFailed = "PodEventsFailed"
    case podEventsResumed = "PodEventsResumed"
    case classesUnreadable = "ClassesUnreadable"
    case tokenExpiring = "TokenExpiring"
    case podUnanswered = "PodUnanswered"
    case startupTaintRemoved = "StartupTaintRemoved"
    case startupTaintAbsent = "StartupTaintAbsent"
    case startupTaintWaiting = "StartupTaintWaiting"
    case startupTaintStuck = "StartupTaintStuck"

    // The wire.
    case socketOffered = "SocketOffered"
    case socketInherited = "SocketInherited"
    case socketReplaced = "SocketReplaced"
    case socketNotOffered = "SocketNotOffered"
    case connectionRefused = "ConnectionRefused"
    case acceptFailed = "AcceptFailed"
    case drainSlow = "DrainSlow"
    case callsGivenUp = "CallsGivenUp"
    case grpcError = "GRPCError"
    case httpCallAnswered = "HTTPCallAnswered"
    case httpCallFailed = "HTTPCallFailed"

    // Tracing.
    case traceExportFailed = "TraceExportFailed"
    case tracesExported = "TracesExported"

    // Lines without a code of their own. Their level is the line's.
    case storeNote = "StoreNote"
    case note = "Note"

    /// The level of the code's lines.
    package var level: Logger.Level {
        switch self {
        case .leaseExpired, .podsListed, .podWatchPaused, .httpCallAnswered, .httpCallFailed, .adminAnswerNotTaken,
            .podEventWritten, .startupTaintWaiting:
            .debug
        case .standingBy, .journalWritable, .journalLeftovers, .lostTokenSearched, .tokenLeftToExpire, .volumesHidden,
            .tracesExported, .configurationApplied, .configurationRestored, .socketOffered, .socketReplaced:
            .notice
        case .configurationWarning, .secretFileExposed, .mountRefused, .refreshFailed, .subjectTokenUnusable,
            .signingKeysUnavailable, .signingKeysMissing, .tokenLost, .revocationFailed, .lostTokenSearchFailed,
            .journalRewritten, .journalReopened, .journalNotice, .podWatchFailed, .podLookupFailed, .podOnOtherNode,
            .podsNotWatched, .inotifyUnavailable, .buildEndsUnnoticed, .connectionRefused, .drainSlow, .grpcError,
            .traceExportFailed, .adminEndpointsBusy, .configurationPendingRestart, .configurationNoticedLate,
            .podEventsFailed, .classesUnreadable, .tokenExpiring, .socketNotOffered:
            .warning
        case .storeUnusable, .logLinesLost, .revocationGivenUp, .lostTokenSearchGivenUp, .journalUnwritable,
            .acceptFailed, .callsGivenUp, .adminEndpointsEnded, .configurationRefused, .storeHeldBack, .podUnanswered,
            .startupTaintStuck:
            .error
        case .daemonFailed:
            .critical
        default:
            .info
        }
    }

    /// Whether the line is part of the audit trail: it is written whatever level was asked for, and marked.
    package var isAudit: Bool {
        switch self {
        case .mountRefused, .tokenMinted, .tokenLost, .tokenRevoked, .tokenLeftToExpire, .revocationGivenUp,
            .lostTokenSearchGivenUp, .logLinesLost:
            true
        default:
            false
        }
    }

    package var description: String { rawValue }
}
