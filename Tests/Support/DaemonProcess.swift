// A `daypass serve` of a test: a real process, ended by its id.

import Foundation
import Glibc
import Subprocess
import Synchronization
import SystemPackage

/// A daemon that runs, or ran. ``Node/startDaemon(configuration:)`` makes one.
package final class DaemonProcess: Sendable {
    private enum Phase {
        case starting
        case running(pid_t)
        case ended(Int32)
        case failed(String)
    }

    private let program: String
    private let arguments: [String]
    private let crashAt: String?
    private let logPath: String
    private let phase = Mutex(Phase.starting)
    /// What was sent before there was a process.
    private let early = Mutex<[Int32]>([])

    init(_ program: String, _ arguments: [String], crashAt: String? = nil, logPath: String) {
        self.program = program
        self.arguments = arguments
        self.crashAt = crashAt
        self.logPath = logPath
    }

    /// What it wrote on standard error so far.
    package var log: String { (try? String(contentsOfFile: logPath, encoding: .utf8)) ?? "" }

    /// Its exit code, once it has ended; -1 when a signal ended it.
    package var exitCode: Int32? {
        phase.withLock { phase in
            switch phase {
            case .starting, .running: nil
            case .ended(let code): code
            case .failed: -2
            }
        }
    }

    /// Sends SIGTERM.
    package func terminate() { send(SIGTERM) }

    /// Sends SIGHUP: read the configuration anew.
    package func hangUp() { send(SIGHUP) }

    /// How many entries its folder of `/proc` has: `task` for its threads, `fd` for its open files.
    package func count(of folder: String) -> Int {
        guard case .running(let id) = phase.withLock({ $0 }) else { return 0 }
        return (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(id)/\(folder)").count) ?? 0
    }

    /// Ends it with SIGTERM and waits.
    ///
    /// - Returns: Its exit code; `nil` when it did not end in a generous time.
    @discardableResult
    package func stop() async -> Int32? {
        terminate()
        return await waitForEnd()
    }

    /// Ends it with SIGKILL and waits.
    package func kill() async {
        send(SIGKILL)
        await waitForEnd()
    }

    /// Waits for its end.
    @discardableResult
    package func waitForEnd() async -> Int32? {
        await until { exitCode != nil }
        return exitCode
    }

    /// Waits until its log has a line in which all of these texts are.
    ///
    /// - Returns: Whether the line came.
    @discardableResult
    package func waitForLog(_ texts: String...) async -> Bool {
        func isThere() -> Bool {
            log.split(separator: "\n").contains { line in texts.allSatisfy { line.contains($0) } }
        }
        await until { isThere() || exitCode != nil }
        return isThere()
    }

    private func send(_ signal: Int32) {
        phase.withLock { phase in
            switch phase {
            case .starting: early.withLock { $0.append(signal) }
            case .running(let id): _ = Glibc.kill(id, signal)
            case .ended, .failed: break
            }
        }
    }

    /// Runs it to its end; SIGKILL ends it when the task is cancelled.
    func run() async {
        do {
            let log = try FileDescriptor.open(
                FilePath(logPath),
                .writeOnly,
                options: [.create, .truncate],
                permissions: .ownerReadWrite
            )
            let result = try await Subprocess.run(
                .path(FilePath(program)),
                arguments: Arguments(arguments),
                environment: crashAt.map {
                    .custom(["PATH": "/usr/bin:/bin", "DAYPASS_CRASH_AT": $0])
                } ?? .custom(["PATH": "/usr/bin:/bin"]),
                input: .none,
                output: .discarded,
                error: .fileDescriptor(log, closeAfterSpawningProcess: true)
            ) { process in
                phase.withLock { $0 = .running(process.processIdentifier.value) }
                for signal in early.withLock({ $0 }) { send(signal) }
            }
            phase.withLock { $0 = .ended(result.terminationStatus.exitCode) }
        } catch {
            phase.withLock { $0 = .failed("\(error)") }
        }
    }
}
