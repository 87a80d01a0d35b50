// What operators and the daemon say to each other on the admin socket: JSON in unary gRPC calls.

package import Leases

/// The methods of the admin socket.
package enum AdminMethod {
    /// No message; the answer is an ``AdminReport``.
    package static let leases = "/daypass.v1.Admin/Leases"
    /// A ``LeaseSelection``; the answer is a `RevocationReport`.
    package static let revoke = "/daypass.v1.Admin/Revoke"
    /// No message; the answer is a ``ReloadReport``.
    package static let reload = "/daypass.v1.Admin/Reload"
}

/// What a daemon tells of its leases. No secrets.
package struct AdminReport: Sendable, Hashable, Codable {
    /// The daemon's version.
    package var version: String
    /// The digest of the configuration in force.
    package var configuration: String
    /// The time of the report, RFC 3339 in UTC.
    package var now: String
    /// All leases, the oldest first.
    package var leases: [LeaseSummary]
    /// How many there are, and what was done.
    package var counts: LeaseCounts
    /// The ways in which the end of a build is noticed, and how they are.
    package var detectors: [DetectorReport]
}

/// How one way of noticing the end of a build is.
package struct DetectorReport: Sendable, Hashable, Codable {
    package var name: String
    /// Whether it sees what happens now.
    package var isWatching: Bool
    /// What it says about itself, in one line.
    package var note: String

    package init(name: String, isWatching: Bool, note: String) {
        self.name = name
        self.isWatching = isWatching
        self.note = note
    }
}
