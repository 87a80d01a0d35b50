// A check: a name, what it finds, and a pure look at the facts.

/// One check of the doctor.
package struct Check: Sendable {
    /// The name, which does not change between versions.
    package let name: String
    package let group: CheckGroup
    /// What it finds, in one line.
    package let finds: String
    private let look: @Sendable (Facts) throws(Skip) -> [Trouble]

    /// The most findings of one check that are shown; ten thousand Pods may have one mistake.
    static let mostFindings = 20

    /// - Parameter look: What is wrong. Nothing, or notes only, mean that all is well.
    init(
        _ name: String,
        _ group: CheckGroup,
        _ finds: String,
        _ look: @escaping @Sendable (Facts) throws(Skip) -> [Trouble]
    ) {
        self.name = name
        self.group = group
        self.finds = finds
        self.look = look
    }

    /// Looks at the facts. The answer is never empty.
    package func run(on facts: Facts) -> [Finding] {
        let troubles: [Trouble]
        do throws(Skip) { troubles = try look(facts) } catch {
            return [finding(Trouble(severity: .skipped, place: "", message: error.why, fix: error.fix))]
        }
        guard !troubles.isEmpty else { return [finding(.note("", ""))] }
        let sorted = troubles.enumerated().sorted {
            ($0.element.severity, $0.offset) < ($1.element.severity, $1.offset)
        }
        .map(\.element)
        var findings = sorted.prefix(Self.mostFindings).map(finding)
        let rest = sorted.dropFirst(Self.mostFindings)
        if let first = rest.first {
            let more = Trouble(
                severity: first.severity,
                place: "",
                message: "and \(rest.count) more like these",
                fix: ""
            )
            findings.append(finding(more))
        }
        return findings
    }

    private func finding(_ trouble: Trouble) -> Finding {
        Finding(
            check: name,
            group: group,
            severity: trouble.severity,
            place: trouble.place,
            message: trouble.message,
            fix: trouble.fix
        )
    }
}

/// All checks.
package enum Checks {
    /// In the order of a report.
    package static let all: [Check] =
        driver + driverSettings + sockets + daypass + configuration + classes + pods + node + sources

    /// The findings of all checks, or of some.
    ///
    /// - Parameter names: The checks to run; empty runs all.
    package static func run(on facts: Facts, only names: Set<String> = []) -> [Finding] {
        all.filter { names.isEmpty || names.contains($0.name) }.flatMap { $0.run(on: facts) }
    }
}
