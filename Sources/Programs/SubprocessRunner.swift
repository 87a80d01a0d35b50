// Programs on swift-subprocess: nothing inherited, output capped, the process group killed at the end.

import Subprocess
import SystemPackage
package import TokenStore

/// Runs programs of one directory as children of the daemon.
///
/// A run is a session of its own, so its process group is all that it started, unless that began a session itself. The
/// group is killed when the program has ended, in time or not: nothing of a run outlives it. The program runs in `/`,
/// with the environment of the call and no other, and with three open files. Signals have their default actions.
package struct SubprocessRunner: ProgramRunner {
    /// Where programs are unless the operator says otherwise.
    package static let defaultDirectory = "/usr/local/libexec/daypass"
    /// The most bytes that a program is given to read: what fits into a pipe at once.
    package static let largestInput = 64 << 10

    private let programs: ProgramDirectory

    /// Creates a runner.
    ///
    /// - Parameter directory: The absolute path of the only directory that programs may be in, or below. It may be
    ///   missing as long as nothing is run.
    package init(directory: String = defaultDirectory) { programs = ProgramDirectory(directory) }

    /// Checks a program as each run does before it starts.
    ///
    /// - Throws: ``ProgramError`` with code `notRunnable` when a run would not start it.
    package func check(_ path: String) throws(ProgramError) { _ = try programs.executable(path) }

    package func run(_ call: ProgramCall) async throws(ProgramError) -> ProgramOutput {
        let executable = try programs.executable(call.path)
        try CallChecks.check(call)
        guard !Task.isCancelled else { throw RunEnding.cancelled.error(call) }
        try DescriptorCheck.run()
        let input = try FilledPipe(call.input)
        let ending = await withTaskGroup(of: RunEnding.self) { group in
            group.addTask { await Self.run(call, executable, input) }
            group.addTask {
                do {
                    try await Task.sleep(for: call.timeout, clock: .continuous)
                    return .timedOut
                } catch {
                    return .cancelled
                }
            }
            let first = await group.next() ?? .cancelled
            // The rest is waited for: when this returns, the program and its group are gone.
            group.cancelAll()
            return first
        }
        if case .output(let output) = ending, !Task.isCancelled { return output }
        throw Task.isCancelled ? RunEnding.cancelled.error(call) : ending.error(call)
    }

    /// Runs the program until it has ended or this task is cancelled.
    private static func run(_ call: ProgramCall, _ executable: FilePath, _ input: FilledPipe) async -> RunEnding {
        var options = PlatformOptions()
        options.createSession = true
        options.teardownSequence = [killGroup]
        do {
            let result = try await Subprocess.run(
                .path(executable),
                arguments: Arguments(executablePathOverride: call.path, remainingValues: call.arguments),
                environment: .custom(
                    Dictionary(uniqueKeysWithValues: call.environment.map { (.init(stringLiteral: $0), $1) })
                ),
                workingDirectory: "/",
                platformOptions: options,
                input: .fileDescriptor(input.readEnd, closeAfterSpawningProcess: true),
                output: .sequence,
                error: .sequence
            ) { execution in
                let outputs = try await collect(
                    [execution.standardOutput, execution.standardError],
                    limit: call.outputLimit
                )
                // A program may close its outputs and go on. The signal 0 does nothing; what counts is the wait.
                let wait = TeardownStep.send(
                    signal: Signal(rawValue: 0),
                    toProcessGroup: true,
                    allowedDurationToNextStep: call.timeout
                )
                await execution.teardown(using: [wait])
                // It is not reaped yet, so its id still stands for its group and for nothing else.
                try? execution.send(signal: .kill, toProcessGroup: true)
                return outputs
            }
            let status: Int? = if case .exited(let code) = result.terminationStatus { Int(code) } else { nil }
            let outputs = result.closureResult
            return .output(ProgramOutput(status: status, output: outputs[0], errors: outputs[1]))
        } catch is OutputLimitReached {
            return .tooMuchOutput
        } catch let error as SubprocessError {
            return .notStarted(error.underlyingError)
        } catch {
            return .cancelled
        }
    }

    private static let killGroup = TeardownStep.send(
        signal: .kill,
        toProcessGroup: true,
        allowedDurationToNextStep: .zero
    )

    private struct OutputLimitReached: Error {}

    /// Reads outputs at the same time, until one is over the limit or all have ended.
    private static func collect(_ streams: [SubprocessOutputSequence], limit: Int) async throws -> [Secret] {
        try await withThrowingTaskGroup(of: (Int, Secret).self) { group in
            for (index, stream) in streams.enumerated() {
                group.addTask { (index, try await collect(stream, limit: limit)) }
            }
            var outputs = streams.map { _ in Secret([]) }
            for try await (index, output) in group { outputs[index] = output }
            return outputs
        }
    }

    /// Reads to the end of an output, or to the program's end where one of its children holds the output open.
    private static func collect(_ stream: SubprocessOutputSequence, limit: Int) async throws -> Secret {
        var bytes: [UInt8] = []
        for try await buffer in stream {
            guard bytes.count + buffer.count <= limit else { throw OutputLimitReached() }
            bytes += buffer.withUnsafeBytes { Array($0) }
        }
        return Secret(bytes)
    }
}
