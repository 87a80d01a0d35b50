// What the doctor says: one finding a line, with the place and the fix.

/// How a check came out.
package enum Severity: String, Sendable, Codable, Comparable, CaseIterable {
    /// Tokens do not arrive, or are not safe.
    case error
    /// It works, and will not always.
    case warning
    /// It could not be looked at.
    case skipped
    /// Nothing is wrong.
    case ok

    package static func < (left: Self, right: Self) -> Bool {
        let all = allCases
        return (all.firstIndex(of: left) ?? 0) < (all.firstIndex(of: right) ?? 0)
    }

    /// Whether somebody has to do something.
    package var isProblem: Bool { self == .error || self == .warning }
}

/// One thing that a check found.
package struct Finding: Sendable, Hashable, Codable {
    /// The check's name, which does not change between versions.
    package var check: String
    /// What the check is about.
    package var group: CheckGroup
    package var severity: Severity
    /// The object, file or address; may be empty.
    package var place: String
    /// What is wrong, in one line. Of one that is well: what is known, may be empty. Of a skipped one: why.
    package var message: String
    /// How to mend it: a command, or what to write where; empty where nothing is wrong.
    package var fix: String
}

/// What checks are about, in the order of a report.
package enum CheckGroup: String, Sendable, Codable, CaseIterable {
    case driver, daypass, configuration, classes, pods, node, sources

    /// The heading in a report.
    package var title: String {
        switch self {
        case .driver: "the Secrets Store CSI driver"
        case .daypass: "the DaemonSet of Daypass"
        case .configuration: "the configuration"
        case .classes: "SecretProviderClasses"
        case .pods: "Pods"
        case .node: "this node"
        case .sources: "token sources"
        }
    }
}

/// A finding that does not know its check yet.
package struct Trouble: Sendable, Hashable {
    package var severity: Severity
    package var place: String
    package var message: String
    package var fix: String

    package static func error(_ place: String, _ message: String, fix: String) -> Self {
        Self(severity: .error, place: place, message: message, fix: fix)
    }
    package static func warning(_ place: String, _ message: String, fix: String) -> Self {
        Self(severity: .warning, place: place, message: message, fix: fix)
    }
    /// Nothing is wrong, and this is worth knowing.
    package static func note(_ place: String, _ message: String) -> Self {
        Self(severity: .ok, place: place, message: message, fix: "")
    }
    /// This one could not be looked at, while others could.
    package static func skipped(_ place: String, _ skip: Skip) -> Self {
        Self(severity: .skipped, place: place, message: skip.why, fix: skip.fix)
    }
}

/// Why something could not be looked at, and what would help.
package struct Skip: Error, Sendable, Hashable {
    package var why: String
    package var fix: String

    package init(_ why: String, fix: String = "") {
        self.why = why
        self.fix = fix
    }
}

/// Something that is known, or why it is not.
package enum Gathered<Value: Sendable>: Sendable {
    case known(Value)
    case unknown(Skip)

    /// - Throws: ``Skip`` when it is not known.
    package func get() throws(Skip) -> Value {
        switch self {
        case .known(let value): return value
        case .unknown(let skip): throw skip
        }
    }

    /// The value; `nil` when it is not known.
    package var value: Value? { if case .known(let value) = self { value } else { nil } }
}
