// Findings as a person reads them: what is wrong first, by what it is about.

/// A report in text.
package struct ReportText: Sendable {
    private let isColored: Bool

    /// - Parameter isColored: Whether to use colours: on a terminal whose user does not mind.
    package init(isColored: Bool) { self.isColored = isColored }

    /// The report: problems with their fixes, then what could not be looked at, then what is well; a count at the end.
    package func text(_ findings: [Finding]) -> String {
        var lines: [String] = []
        let width = findings.map(\.check.count).max() ?? 0
        let problems = findings.filter(\.severity.isProblem)
        for group in CheckGroup.allCases {
            let here = problems.filter { $0.group == group }.sorted { $0.severity < $1.severity }
            add(here, under: group.title, width, to: &lines)
        }
        addSkipped(findings.filter { $0.severity == .skipped }, to: &lines)
        add(findings.filter { $0.severity == .ok }, under: "well", width, to: &lines)
        lines.append(Self.count(findings))
        return lines.map { $0 + "\n" }.joined()
    }

    private func add(_ findings: [Finding], under title: String, _ width: Int, to lines: inout [String]) {
        guard !findings.isEmpty else { return }
        lines.append(paint(title, "1"))
        for finding in findings {
            let word = Self.padded(finding.severity.rawValue, 7)
            let head = "  \(paint(word, Self.color(finding.severity)))  \(Self.padded(finding.check, width))"
            let texts = [finding.place, finding.message].filter { !$0.isEmpty }
            lines.append(texts.isEmpty ? head.trimmingEnd : "\(head)  \(texts.joined(separator: ": "))")
            guard !finding.fix.isEmpty else { continue }
            lines.append("  \(String(repeating: " ", count: 7 + 2 + width))  fix: \(finding.fix)")
        }
        lines.append("")
    }

    /// What could not be looked at, by its reason: one missing right skips many checks.
    private func addSkipped(_ findings: [Finding], to lines: inout [String]) {
        guard !findings.isEmpty else { return }
        lines.append(paint("not looked at", "1"))
        var reasons: [Skip: [String]] = [:]
        var order: [Skip] = []
        for finding in findings {
            let text = [finding.place, finding.message].filter { !$0.isEmpty }.joined(separator: ": ")
            let reason = Skip(text, fix: finding.fix)
            if reasons[reason] == nil { order.append(reason) }
            if reasons[reason]?.last != finding.check { reasons[reason, default: []].append(finding.check) }
        }
        for reason in order {
            lines.append("  \(paint("skipped", Self.color(.skipped)))  \(reason.why)")
            if !reason.fix.isEmpty { lines.append("           fix: \(reason.fix)") }
            lines += Self.wrapped(reasons[reason] ?? [], to: 100).map { "           \(paint($0, "2"))" }
        }
        lines.append("")
    }

    private static func wrapped(_ words: [String], to width: Int) -> [String] {
        var lines = [""]
        for word in words {
            let last = lines[lines.count - 1]
            if last.isEmpty {
                lines[lines.count - 1] = word
            } else if last.count + 2 + word.count > width {
                lines[lines.count - 1] = last + ","
                lines.append(word)
            } else {
                lines[lines.count - 1] = "\(last), \(word)"
            }
        }
        return lines
    }

    /// `2 errors, 1 warning, 20 well, 6 not looked at`.
    package static func count(_ findings: [Finding]) -> String {
        func count(_ severity: Severity) -> Int { findings.count { $0.severity == severity } }
        func words(_ number: Int, _ word: String) -> String { "\(number) \(word)\(number == 1 ? "" : "s")" }
        return "\(words(count(.error), "error")), \(words(count(.warning), "warning")), \(count(.ok)) well, "
            + "\(count(.skipped)) not looked at"
    }

    private static func color(_ severity: Severity) -> String {
        switch severity {
        case .error: "31"
        case .warning: "33"
        case .skipped: "2"
        case .ok: "32"
        }
    }

    private func paint(_ text: String, _ color: String) -> String {
        isColored ? "\u{1B}[\(color)m\(text)\u{1B}[0m" : text
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}

extension String {
    fileprivate var trimmingEnd: String {
        var copy = self[...]
        while copy.last == " " { copy.removeLast() }
        return String(copy)
    }
}
