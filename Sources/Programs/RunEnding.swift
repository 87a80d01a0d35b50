// How a run ended, and what is said of it.

import SystemPackage
import TokenStore

/// How a run of a program ended.
enum RunEnding: Sendable {
    case output(ProgramOutput)
    case timedOut
    case tooMuchOutput
    case cancelled
    /// The system's reason, where there is one.
    case notStarted(Errno?)

    /// The error for an ending without an output.
    func error(_ call: ProgramCall) -> ProgramError {
        switch self {
        case .output, .cancelled: ProgramError(.cancelled, "\(call.path) was stopped, because its caller gave up")
        case .timedOut:
            ProgramError(.timedOut, "\(call.path) had not ended after \(call.timeout), and was killed")
        case .tooMuchOutput:
            ProgramError(.tooMuchOutput, "\(call.path) wrote more than \(call.outputLimit) bytes, and was killed")
        case .notStarted(let reason):
            ProgramError(
                Self.isLack(reason) ? .noResources : .notRunnable,
                "\(call.path) can't be started: \(Self.words(reason))"
            )
        }
    }

    /// Whether the system, and not the program, is in the way: limits of processes, open files and memory.
    static func isLack(_ reason: Errno?) -> Bool {
        switch reason {
        case .tooManyOpenFiles, .tooManyOpenFilesInSystem, .resourceTemporarilyUnavailable, .noMemory, .noSpace:
            true
        default: false
        }
    }

    private static func words(_ reason: Errno?) -> String {
        switch reason {
        case .noSuchFileOrDirectory: "the interpreter of its first line or its loader is missing"
        case .execFormatError: "it is neither a program of this machine nor a script that begins with #!"
        case .permissionDenied: "the daemon's user may not execute it, or its file system is mounted noexec"
        case .some(let other): "\(other)"
        case nil: "the system does not say why"
        }
    }
}
