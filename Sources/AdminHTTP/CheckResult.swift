// What readiness consists of: named checks, each with a line that says why.

/// The checks there are, in the order in which they are shown. The names are those of paths and metrics.
package enum CheckName: String, Sendable, Hashable, Codable, CaseIterable {
    /// A configuration is loaded, and the last reload was good.
    case configuration
    /// The node's socket is bound and answers.
    case socket
    /// The cluster's signing keys are known.
    case keys
    /// The journal can be written.
    case journal
    /// The token stores could be made.
    case stores
}

/// What came of a check.
package struct CheckResult: Sendable, Hashable, Codable {
    /// The verdict.
    package enum Outcome: String, Sendable, Hashable, Codable {
        case ok
        /// Not as it should be, but this node can do its work: readiness passes.
        case warning
        /// Readiness fails.
        case failed
    }

    package var name: CheckName
    package var outcome: Outcome
    /// Why, in one line without secrets; may be empty when all is well.
    package var note: String

    package init(_ name: CheckName, _ verdict: Verdict) {
        self.name = name
        outcome = verdict.outcome
        note = verdict.note
    }

    /// The verdict of a check, before it has the check's name.
    package struct Verdict: Sendable, Hashable {
        var outcome: Outcome
        var note: String

        /// All is well.
        package static func ok(_ note: String = "") -> Verdict { Verdict(outcome: .ok, note: note) }
        /// Readiness passes all the same.
        package static func warning(_ note: String) -> Verdict { Verdict(outcome: .warning, note: note) }
        /// Readiness fails.
        package static func failed(_ note: String) -> Verdict { Verdict(outcome: .failed, note: note) }
    }
}

/// A way to find a verdict. It should end soon after its task is cancelled.
package typealias Check = @Sendable () async -> CheckResult.Verdict
