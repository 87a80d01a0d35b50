// What came of one reload, for whom asked for it.

/// What came of one reload. No secrets.
package struct ReloadReport: Sendable, Hashable, Codable {
    /// What it came to.
    package var outcome: ReloadStatus.Outcome
    /// What changed, a line each: `store github changed`, `grant release added`; empty unless it was applied.
    package var changes: [String] = []
    /// What is wrong, a line each; empty unless it was refused, or a store is held back.
    package var problems: [String] = []
    /// What is probably not meant in the configuration in force, a line each.
    package var warnings: [String] = []
    /// How things stand now.
    package var status: ReloadStatus

    package init(outcome: ReloadStatus.Outcome, status: ReloadStatus) {
        self.outcome = outcome
        self.status = status
    }
}
