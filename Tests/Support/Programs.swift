// The programs that tests run: where they are, and how they ended.

package import Foundation
import Subprocess
import SystemPackage

/// Why a test's scenery does not stand.
package struct SceneryFailure: Error, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}

/// What the build made, found from the running test binary.
package enum BuildProducts {
    /// The folder of the running test binary, links followed.
    package static var folder: URL {
        let program = CommandLine.arguments.first ?? ""
        let path = program.contains("/") ? program : "/proc/self/exe"
        return URL(filePath: path).resolvingSymlinksInPath().deletingLastPathComponent()
    }

    /// The `daypass` binary of the same build, or the one that `DAYPASS_BINARY` names: figures are of a release build.
    ///
    /// - Throws: ``SceneryFailure`` when it is not there.
    package static func daypass() throws -> String {
        if let other = ProcessInfo.processInfo.environment["DAYPASS_BINARY"] { return other }
        return try program(at: folder.appending(path: "daypass"), orElse: "run swift build")
    }

    /// A client that plays the driver: `go-driver` or `cpp-driver`.
    ///
    /// - Throws: ``SceneryFailure`` when it is not there.
    package static func interop(_ name: String) throws -> String {
        try program(at: root.appending(path: ".build/interop/\(name)"), orElse: "run make interop")
    }

    /// The folder of the package.
    package static var root: URL {
        var root = folder
        while root.path != "/", !FileManager.default.fileExists(atPath: root.appending(path: "Package.swift").path) {
            root.deleteLastPathComponent()
        }
        return root
    }

    private static func program(at url: URL, orElse advice: String) throws -> String {
        guard FileManager.default.isExecutableFile(atPath: url.path) else {
            throw SceneryFailure("there is no \(url.path): \(advice)")
        }
        return url.path
    }
}

/// How a program ended, and what it printed.
package struct ProgramOutcome: Sendable {
    /// The exit code; -1 when a signal ended it.
    package let code: Int32
    package let output: String
    package let error: String

    /// Both outputs.
    package var text: String { output + error }
}

/// Runs a program to its end, with nothing of our own environment but PATH.
package func runProgram(_ path: String, _ arguments: [String], input: String = "") async throws -> ProgramOutcome {
    let result = try await run(
        path.hasPrefix("/") ? .path(FilePath(path)) : .name(path),
        arguments: Arguments(arguments),
        environment: .custom(["PATH": "/usr/local/bin:/usr/bin:/bin"]),
        input: .string(input),
        output: .string(limit: 4 << 20),
        error: .string(limit: 4 << 20)
    )
    return ProgramOutcome(
        code: result.terminationStatus.exitCode,
        output: result.standardOutput,
        error: result.standardError
    )
}

extension TerminationStatus {
    /// The exit code; -1 when a signal ended the program.
    var exitCode: Int32 { if case .exited(let code) = self { Int32(code) } else { -1 } }
}
