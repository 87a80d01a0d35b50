// A folder of programs that a test writes: shell scripts that play a helper.

import Foundation

/// A folder with programs, of the tests' own user and closed to others.
package struct ProgramFolder: Sendable {
    /// The folder's path.
    package let path: String

    /// Writes a script that the shell runs.
    ///
    /// - Returns: Its path.
    @discardableResult
    package func script(_ name: String, _ lines: String) async throws -> String {
        try await file(name, "#!/bin/sh\n" + lines + "\n")
    }

    /// Writes an executable file.
    ///
    /// A program of its own writes it: a file that this process holds open for writing while another test forks can't be
    /// executed for that moment.
    @discardableResult
    package func file(_ name: String, _ text: String, mode: String = "0755") async throws -> String {
        let file = "\(path)/\(name)"
        let outcome = try await runProgram("/usr/bin/install", ["-m", mode, "/dev/stdin", file], input: text)
        guard outcome.code == 0 else { throw SceneryFailure("install \(file): \(outcome.text)") }
        return file
    }

    /// What a file in the folder holds; `nil` when there is none.
    package func read(_ name: String) -> String? { try? String(contentsOfFile: "\(path)/\(name)", encoding: .utf8) }
}

/// Makes a folder for programs, which is removed with all that it holds.
package func withProgramFolder<Result>(_ body: (ProgramFolder) async throws -> Result) async throws -> Result {
    let folder = FileManager.default.temporaryDirectory.appending(path: "programs-\(UUID().uuidString)")
    try FileManager.default.createDirectory(
        at: folder,
        withIntermediateDirectories: false,
        attributes: [.posixPermissions: 0o755]
    )
    defer { try? FileManager.default.removeItem(at: folder) }
    return try await body(ProgramFolder(path: folder.path))
}
