// Runs the demo's programs: daypass and git.

import Foundation
import Subprocess
import SystemPackage

/// How a program ended, and what it printed.
struct Outcome: Sendable {
    let code: Int32
    let output: String
    let error: String

    /// Both outputs.
    var text: String { output + error }
}

/// Runs a program to its end, with nothing of our own environment but PATH.
func program(
    _ path: String,
    _ arguments: [String],
    environment: [String: String] = [:]
) async throws -> Outcome {
    var variables: [Environment.Key: String] = ["PATH": "/usr/local/bin:/usr/bin:/bin"]
    for (name, value) in environment { variables[Environment.Key(stringLiteral: name)] = value }
    let result = try await run(
        path.hasPrefix("/") ? .path(FilePath(path)) : .name(path),
        arguments: Arguments(arguments),
        environment: .custom(variables),
        output: .string(limit: 1 << 20),
        error: .string(limit: 1 << 20)
    )
    let code: Int32 =
        switch result.terminationStatus {
        case .exited(let code): Int32(code)
        default: -1
        }
    return Outcome(code: code, output: result.standardOutput, error: result.standardError)
}
