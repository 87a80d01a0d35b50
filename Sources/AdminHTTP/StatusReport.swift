// What the status page shows, and `?format=json` gives: this node, without secrets. Times are RFC 3339 in UTC.

package import Leases

/// The configuration in force, and what became of reloads.
package struct ConfigurationStatus: Sendable, Hashable, Codable {
    /// The file.
    package var file: String
    /// The digest of the configuration in force.
    package var digest: String
    /// How many stores it has.
    package var stores: Int
    /// How many grants it has.
    package var grants: Int
    /// When it, or a file that it names, was put in force; RFC 3339 in UTC.
    package var appliedAt: String
    /// Reloads that changed something.
    package var applied = 0
    /// Reloads that were refused.
    package var refused = 0
    /// Why what is in the files now is not in force; `nil` when it is.
    package var problem: Problem?
    /// The keys whose new values take effect after a restart.
    package var pendingRestart: [String] = []

    package init(file: String, digest: String, stores: Int, grants: Int, appliedAt: String) {
        self.file = file
        self.digest = digest
        self.stores = stores
        self.grants = grants
        self.appliedAt = appliedAt
    }

    /// Why something that was read is not in force.
    package struct Problem: Sendable, Hashable, Codable {
        /// One line: the file, the place, what is wrong and how to mend it.
        package var message: String
        /// When it was found; RFC 3339 in UTC.
        package var at: String

        package init(message: String, at: String) {
            self.message = message
            self.at = at
        }
    }

    /// What the check `configuration` says.
    var verdict: CheckResult.Verdict {
        if let problem {
            return .failed("what is in the files is not in force, \(digest) stays: \(problem.message)")
        }
        guard pendingRestart.isEmpty else {
            return .warning("these keys take effect after a restart: \(pendingRestart.joined(separator: ", "))")
        }
        return .ok("digest \(digest)")
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
