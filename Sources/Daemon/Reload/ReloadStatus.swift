// Which configuration is in force, and what came of reloads: for operators, readiness and metrics.

/// Which configuration is in force, and what came of the reloads so far. No secrets.
package struct ReloadStatus: Sendable, Hashable, Codable {
    /// What one reload came to.
    package enum Outcome: String, Sendable, Hashable, Codable, CaseIterable {
        /// What was read is in force.
        case applied
        /// What was read was in force already.
        case unchanged
        /// What was read can't be used; what was in force before still is.
        case refused
    }

    /// Why something that was read is not in force.
    package struct Refused: Sendable, Hashable, Codable {
        /// One line: the file, the place, what is wrong and how to mend it.
        package var message: String
        /// When it was found, RFC 3339 in UTC.
        package var at: String

        package init(message: String, at: String) {
            self.message = message
            self.at = at
        }
    }

    /// The digest of the configuration in force: the first 12 hexadecimal digits of the file's SHA-256.
    package var digest: String
    /// When it, or a file that it names, was put in force last; RFC 3339 in UTC. At first the start of the daemon.
    package var appliedAt: String
    /// The same in whole seconds since 1970.
    package var appliedAtEpochSeconds: Int64
    /// Reloads that changed something. The start is none.
    package var applied = 0
    /// Reloads that were asked for (`daypass reload`, SIGHUP) and found nothing new.
    package var unchanged = 0
    /// Reloads that were refused. The same bytes, found again, count once.
    package var refused = 0
    /// The last refusal, also when a later reload was applied; `nil` when there was none.
    package var lastRefusal: Refused?
    /// Whether what is in the files now is in force: no refusal since, and no store works on with an older file.
    package var isCurrent = true
    /// The stores that work on with the former content of their files because they can't be made with the new one, and
    /// why: one line for each name.
    package var heldBack: [String: String] = [:]
    /// The keys of the file whose new values take effect after a restart, in ascending order.
    package var pendingRestart: [String] = []

    package init(digest: String, appliedAt: String, appliedAtEpochSeconds: Int64) {
        self.digest = digest
        self.appliedAt = appliedAt
        self.appliedAtEpochSeconds = appliedAtEpochSeconds
    }

    /// How many reloads came to this.
    package func count(_ outcome: Outcome) -> Int {
        switch outcome {
        case .applied: applied
        case .unchanged: unchanged
        case .refused: refused
        }
    }
}
