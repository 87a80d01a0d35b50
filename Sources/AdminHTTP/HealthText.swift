// Health as plain text, in the form of Kubernetes' own endpoints.

/// The texts of `/livez` and `/readyz`.
enum HealthText {
    /// The answer of `/readyz`.
    ///
    /// - Parameters:
    ///   - results: all checks, in their order.
    ///   - phase: where the daemon is.
    ///   - isVerbose: whether all checks are listed although all is well.
    ///   - excluded: the names that the caller leaves out.
    static func readiness(
        _ results: [CheckResult],
        _ phase: DaemonPhase,
        isVerbose: Bool,
        excluded: [String]
    ) -> HTTPAnswer {
        let counted = results.filter { !excluded.contains($0.name.rawValue) }
        let isReady = phase != .ending && !counted.contains { $0.outcome == .failed }
        let short = phase == .serving ? "ok" : phase == .standingBy ? "ok: \(phase.text)" : phase.text
        if isReady, !isVerbose { return .text(200, short) }
        var lines = results.map { result in
            excluded.contains(result.name.rawValue) ? "[+]\(result.name.rawValue) excluded: ok" : line(result)
        }
        if phase != .serving { lines.insert("[\(phase == .standingBy ? "+" : "-")]phase: \(phase.text)", at: 0) }
        let unknown = excluded.filter { name in !CheckName.allCases.contains { $0.rawValue == name } }
        if !unknown.isEmpty {
            lines.append(
                "warn: some checks cannot be excluded: there is none of the name \(unknown.map(shown).joined(separator: ", "))"
            )
        }
        lines.append(isReady ? "readyz check passed" : "readyz check failed")
        return .text(isReady ? 200 : 503, lines.joined(separator: "\n"))
    }

    /// The answer of `/readyz/NAME`.
    static func single(_ result: CheckResult, _ phase: DaemonPhase) -> HTTPAnswer {
        if phase == .ending { return .text(503, "failed: the daemon is ending") }
        let word = result.outcome == .ok && result.note.isEmpty ? "ok" : "\(result.outcome.rawValue): \(result.note)"
        return .text(result.outcome == .failed ? 503 : 200, word)
    }

    private static func line(_ result: CheckResult) -> String {
        let note = result.note.isEmpty ? "" : ": \(result.note)"
        return switch result.outcome {
        case .ok: "[+]\(result.name.rawValue) ok\(note)"
        case .warning: "[!]\(result.name.rawValue) warning\(note)"
        case .failed: "[-]\(result.name.rawValue) failed\(note)"
        }
    }

    /// A caller's text: a little of it, letters only.
    private static func shown(_ text: String) -> String {
        String(text.prefix(32).map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "?" })
    }
}
