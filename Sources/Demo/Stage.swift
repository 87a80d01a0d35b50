// What the demo prints: scenes, commands, and claims that are checked.

import Foundation
import Synchronization

/// The demo's voice. Colours and pauses are for a terminal only.
final class Stage: Sendable {
    private let isTerminal = isatty(STDOUT_FILENO) == 1
    private let isPaced: Bool
    private let counts = Mutex((scenes: 0, claims: 0, failures: 0))

    init(isPaced: Bool) { self.isPaced = isPaced }

    /// The number of claims that did not hold.
    var failures: Int { counts.withLock { $0.failures } }

    /// Begins a scene.
    func scene(_ title: String) async {
        let number = counts.withLock { counts in
            counts.scenes += 1
            return counts.scenes
        }
        if isPaced, isTerminal { try? await Task.sleep(for: .milliseconds(600)) }
        say("\n" + colour("1;36", "\(number). \(title)"))
    }

    /// Explains.
    func tell(_ text: String) { say("   " + text) }

    /// Shows a command that is run.
    func command(_ text: String) { say("   " + colour("2", "$ \(text)")) }

    /// Shows lines of a program's output or of a file.
    func show(_ text: String) {
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) where !line.isEmpty {
            say("   " + colour("2", "| ") + line)
        }
    }

    /// Checks a claim. `evidence` is shown when it does not hold.
    func claim(_ text: String, _ holds: Bool, _ evidence: @autoclosure () -> String = "") {
        counts.withLock { counts in
            counts.claims += 1
            if !holds { counts.failures += 1 }
        }
        say("   " + (holds ? colour("32", "ok  ") : colour("1;31", "FAIL")) + " " + text)
        if !holds { show(evidence()) }
    }

    /// The last words.
    func end() {
        let (claims, failures) = counts.withLock { ($0.claims, $0.failures) }
        let text = "\n\(claims) claims checked, \(failures) failed"
        say(colour(failures == 0 ? "1;32" : "1;31", text))
    }

    private func colour(_ code: String, _ text: String) -> String {
        isTerminal ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }

    private func say(_ line: String) {
        try? FileHandle.standardOutput.write(contentsOf: Data((line + "\n").utf8))
    }
}
