// What the status page shows, and `?format=json` gives: this node, without secrets. Times are RFC 3339 in UTC.

package import Leases

/// The configuration in force, and what became of the last reload.
package struct ConfigurationStatus: Sendable, Hashable, Codable {
    /// The file.
    package var file: String
    /// The digest of the configuration in force.
    package var digest: String
    /// How many stores it has.
    package var stores: Int
    /// How many grants it has.
    package var grants: Int
    /// Since when it is in force.
    package var loadedAt: String
    /// The last time that it was read again; missing when it never was.
    package var lastReload: Reload?

    package init(
        file: String,
        digest: String,
        stores: Int,
        grants: Int,
        loadedAt: String,
        lastReload: Reload? = nil
    ) {
        self.file = file
        self.digest = digest
        self.stores = stores
        self.grants = grants
        self.loadedAt = loadedAt
        self.lastReload = lastReload
    }

    /// A reload.
    package struct Reload: Sendable, Hashable, Codable {
        /// What came of it.
        package enum Outcome: String, Sendable, Hashable, Codable {
            /// The new configuration is in force.
            case applied
            /// Nothing had changed.
            case unchanged
            /// It has errors; the last good one stays in force.
            case refused
        }

        package var outcome: Outcome
        /// When it was.
        package var at: String
        /// Why it was refused, in one line.
        package var message: String

        package init(outcome: Outcome, at: String, message: String = "") {
            self.outcome = outcome
            self.at = at
            self.message = message
        }
    }

    /// What the check `configuration` says.
    var verdict: CheckResult.Verdict {
        guard let lastReload, lastReload.outcome == .refused else { return .ok("digest \(digest)") }
        return .failed("the last reload was refused, \(digest) stays in force: \(lastReload.message)")
    }
}

/// What is inside of a daemon that serves.
package struct InsideStatus: Sendable, Codable {
    /// The cluster's keys.
    package var keys: Keys
    /// The stores, in the order of the configuration.
    package var stores: [Store]
    /// All leases, the oldest first.
    package var leases: [LeaseSummary]
    package var counts: LeaseCounts
    /// The last refusals, the latest first.
    package var refusals: [Refused]
    /// The ways in which the end of a build is noticed.
    package var detectors: [Detector]

    package init(
        keys: Keys,
        stores: [Store],
        leases: [LeaseSummary],
        counts: LeaseCounts,
        refusals: [Refused],
        detectors: [Detector]
    ) {
        self.keys = keys
        self.stores = stores
        self.leases = leases
        self.counts = counts
        self.refusals = refusals
        self.detectors = detectors
    }

    /// Where identity comes from.
    package struct Keys: Sendable, Hashable, Codable {
        /// Where the keys come from; with `identity: driver` that there are none.
        package var location: String
        package var issuer: String?
        package var count: Int
        package var fetchedAt: String?
        /// Why the last fetch failed.
        package var failure: String?

        package init(location: String, issuer: String?, count: Int, fetchedAt: String?, failure: String?) {
            self.location = location
            self.issuer = issuer
            self.count = count
            self.fetchedAt = fetchedAt
            self.failure = failure
        }
    }

    /// A token store.
    package struct Store: Sendable, Hashable, Codable {
        package var name: String
        package var kind: String
        /// Why it can't be made; missing when it could.
        package var failure: String?
        package var gate: StoreGateStatus

        package init(name: String, kind: String, failure: String?, gate: StoreGateStatus) {
            self.name = name
            self.kind = kind
            self.failure = failure
            self.gate = gate
        }
    }

    /// Mounts that were refused, one after the other, for the same reason.
    package struct Refused: Sendable, Hashable, Codable {
        /// When the last one was.
        package var at: String
        /// When the first one was.
        package var firstAt: String
        /// How many there were.
        package var count: Int
        /// The reason code.
        package var reason: String
        /// The whole refusal, one line.
        package var text: String
        /// Who asked, as the call says; missing when it could not be read. Not verified.
        package var namespace: String?
        package var pod: String?

        package init(
            at: String,
            firstAt: String,
            count: Int,
            reason: String,
            text: String,
            namespace: String?,
            pod: String?
        ) {
            self.at = at
            self.firstAt = firstAt
            self.count = count
            self.reason = reason
            self.text = text
            self.namespace = namespace
            self.pod = pod
        }
    }

    /// A way to notice the end of a build.
    package struct Detector: Sendable, Hashable, Codable {
        package var name: String
        /// Whether it sees what happens now.
        package var isWatching: Bool
        /// What it says about itself.
        package var note: String

        package init(name: String, isWatching: Bool, note: String) {
            self.name = name
            self.isWatching = isWatching
            self.note = note
        }
    }
}

/// The status of a node.
struct StatusReport: Sendable, Codable {
    var node: String
    var version: String
    var phase: String
    var isReady: Bool
    var startedAt: String
    var now: String
    var configuration: ConfigurationStatus
    var checks: [CheckResult]
    /// Missing while the daemon starts or stands by.
    var inside: InsideStatus?
}
