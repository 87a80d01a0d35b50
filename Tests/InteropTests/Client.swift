// Runs the clients that play the driver, and does for them what must happen on the provider's side.

import DriverCall
import Foundation
import LoopbackForge
import Subprocess
import Support
import Synchronization
import SystemPackage
import Testing
import TokenStore

/// A client of `Tests/Interop`.
enum Client: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case go = "go-driver"
    case cpp = "cpp-driver"

    var testDescription: String { rawValue }
}

/// What a client may ask for, by its `ask` lines; each answer is `done`, or why it can't be done.
typealias Answering = @Sendable (String) async throws -> String

/// A node with attributes files and a client on it.
struct Driver: Sendable {
    let client: Client
    let node: Node

    /// The flags that name a Pod's volume: its attributes in a file, and its target path.
    ///
    /// - Parameter change: What is wrong with the attributes.
    func volume(of subject: Subject, _ change: (inout DriverAttributes) -> Void = { _ in }) throws -> [String] {
        var attributes = try node.attributes(for: subject)
        change(&attributes)
        let file = try node.write(attributes.json, to: "attributes-\(subject.podName).json")
        return ["--attributes-file", file, "--target-path", attributes.targetPath(volume: "credentials")]
    }

    /// Plays a scenario; the test fails when the client finds a fault.
    ///
    /// - Returns: What the client printed.
    @discardableResult
    func play(
        _ scenario: String,
        _ flags: [String] = [],
        answering: Answering = { _ in "nobody can do that here" }
    ) async throws -> String {
        let arguments = [scenario, "--socket", node.socket, "--timeout-ms", "100000"] + flags
        let result = try await run(
            .path(FilePath(try BuildProducts.interop(client.rawValue))),
            arguments: Arguments(arguments),
            environment: .custom(["PATH": "/usr/bin:/bin"]),
            input: .inputWriter,
            output: .sequence,
            error: .combinedWithOutput
        ) { process in
            var output = ""
            for try await line in process.standardOutput.strings() {
                let line = line.trimmingCharacters(in: .newlines)
                output += line + "\n"
                guard line.hasPrefix("ask ") else { continue }
                let answer: String
                do { answer = try await answering(String(line.dropFirst(4))) } catch { answer = "\(error)" }
                _ = try await process.standardInputWriter.write(answer + "\n")
            }
            return output
        }
        let output = result.closureResult
        node.heard(output)
        let isGood = result.terminationStatus.isSuccess && output.hasSuffix("ok \(scenario)\n")
        #expect(isGood && !output.contains("UNAVAILABLE"), "\(client.rawValue) \(scenario): \(output)")
        return output
    }
}

/// Waits for a condition on the provider's side; the answer to a client's question.
func answer(_ question: String, when condition: () -> Bool) async -> String {
    await until(condition)
    return condition() ? "done" : "\(question): it did not happen"
}
