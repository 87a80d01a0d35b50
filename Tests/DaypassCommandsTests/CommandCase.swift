// One call of the real binary, and what must come of it.

import Foundation
import LoopbackForge
import Support
import Testing

/// A command line and its outcome. `{dir}` stands for the node's folder, `{web}` and `{host}` for its forge, `{class}` for
/// the text of its class.
struct CommandCase: Sendable {
    var name: String
    /// Files to change first: the changed `x` is written as `edited-x`.
    var edits: [String: [String: String]] = [:]
    var arguments: [String]
    var input = ""
    var code: Int32
    /// What both outputs together must hold.
    var texts: [String]

    init(
        _ name: String,
        edits: [String: [String: String]] = [:],
        _ arguments: [String],
        input: String = "",
        _ code: Int32,
        _ texts: String...
    ) {
        self.name = name
        self.edits = edits
        self.arguments = arguments
        self.input = input
        self.code = code
        self.texts = texts
    }
}

extension Node {
    /// Puts the places of this node into a text.
    func filled(_ text: String) -> String {
        text.replacing("{dir}", with: folder).replacing("{web}", with: forge.webURL)
            .replacing("{host}", with: forge.host)
            .replacing("{class}", with: (try? String(contentsOfFile: path("class.yaml"), encoding: .utf8)) ?? "")
    }

    /// Plays a case and returns what is wrong with its outcome; `nil` when nothing is.
    func play(_ one: CommandCase) async throws -> String? {
        for (file, changes) in one.edits {
            var text = try String(contentsOfFile: path(file), encoding: .utf8)
            for (old, new) in changes {
                guard text.contains(filled(old)) else { return "\(file) does not hold \(old)" }
                text = text.replacing(filled(old), with: filled(new))
            }
            try write(text, to: "edited-\(file)")
        }
        let outcome = try await daypass(one.arguments.map(filled), input: filled(one.input))
        let missing = one.texts.map(filled).filter { !outcome.text.contains($0) }
        guard outcome.code != one.code || !missing.isEmpty else { return nil }
        return "\(one.name): exit code \(outcome.code), not there: \(missing), printed:\n\(outcome.text)"
    }

    /// Plays all cases; a test calls it with its own list.
    func playAll(_ cases: [CommandCase]) async throws {
        for one in cases {
            let problem = try await play(one)
            #expect(problem == nil)
        }
    }
}
