// Where the figures come from that are only looked at when somebody scrapes.

package import Leases
package import TokenStore

/// How the configuration of the daemon stands.
package struct ConfigurationFigures: Sendable, Hashable {
    /// The digest of the configuration in force.
    package var digest: String
    /// Whether the configuration that lies there now is in force; `false` when it was refused.
    package var lastReloadSuccessful: Bool
    /// When the configuration in force was applied.
    package var lastAppliedAt: UTCInstant
    /// How many reloads brought another configuration, since the daemon began.
    package var applied: Int
    /// How many found nothing new.
    package var unchanged: Int
    /// How many found one that can't be used.
    package var refused: Int

    package init(
        digest: String,
        lastReloadSuccessful: Bool = true,
        lastAppliedAt: UTCInstant,
        applied: Int = 0,
        unchanged: Int = 0,
        refused: Int = 0
    ) {
        self.digest = digest
        self.lastReloadSuccessful = lastReloadSuccessful
        self.lastAppliedAt = lastAppliedAt
        self.applied = applied
        self.unchanged = unchanged
        self.refused = refused
    }
}

/// How many events of a kind were written, or were not.
package struct PodEventFigure: Sendable, Hashable {
    /// The reason of the event, a word of the code.
    package var reason: String
    /// What became of it, a word of the code.
    package var outcome: String
    package var count: Int

    package init(reason: String, outcome: String, count: Int) {
        self.reason = reason
        self.outcome = outcome
        self.count = count
    }
}

/// Something that is or is not, with its name, a word of the code.
package struct NamedFact: Sendable, Hashable {
    package var name: String
    package var holds: Bool

    package init(_ name: String, _ holds: Bool) {
        self.name = name
        self.holds = holds
    }
}

/// The parts of the daemon that are asked at each scrape. What is not connected is not in the scrape. None of them may
/// wait for anything but a lock.
package struct NodeMetricsSources: Sendable {
    /// The version of Daypass.
    package var version = ""
    /// The names of the configured stores.
    package var stores: @Sendable () -> [String] = { [] }
    /// `LeaseManager.counts`.
    package var leases: (@Sendable () -> LeaseCounts)?
    /// `LeaseManager.gate`.
    package var gate: (@Sendable (String) -> StoreGateStatus)?
    /// The configuration in force, and its reloads.
    package var configuration: (@Sendable () -> ConfigurationFigures)?
    /// The checks of readiness and whether they pass. Must be what was found last: nothing is checked for a scrape.
    package var checks: (@Sendable () -> [NamedFact])?
    /// The detectors of the end of builds, and whether they watch.
    package var detectors: (@Sendable () -> [NamedFact])?
    /// Whether the cluster's keys are known, or not needed.
    package var keysReady: (@Sendable () -> Bool)?
    /// Calls in flight on the provider's socket.
    package var mountsInFlight: (@Sendable () -> Int)?
    /// Connections that the provider's socket refused since the daemon began.
    package var refusedConnections: (@Sendable () -> Int)?
    /// Log lines that were lost since the daemon began: those of the audit trail, and the others.
    package var logLinesLost: (@Sendable () -> (audit: Int, others: Int))?
    /// Pods that run unanswered.
    package var unansweredPods: (@Sendable () -> Int)?
    /// Events about Pods since the daemon began.
    package var podEvents: (@Sendable () -> [PodEventFigure])?

    package init() {}
}
