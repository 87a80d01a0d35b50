// Real programs on rendered files: a scratch volume in the driver's layout, and git, sh and python3 on it.

import Foundation
import Rendering
import Subprocess
import Testing
import VolumeWriter

/// A scratch directory with a volume in it, which goes away with the scope.
struct Scratch {
    let directory: String

    /// The volume, as the container would see it.
    var volume: String { "\(directory)/volume" }

    /// Puts the files into the volume as the driver does.
    func publish(_ files: [RenderedFile]) throws {
        let writer = VolumeWriter(directory: volume, now: { 1_795_000_000 }, random: { .random(in: 0..<1_000_000) })
        _ = try writer.write(files.map { VolumeFile(path: $0.path, mode: $0.mode, contents: $0.contents) })
    }

    /// The same for files that are programs. This process writes them elsewhere and `cp` makes those that run: while one
    /// test writes a file, another may fork, and the child then holds it open for writing, so that it can't be run.
    func publishPrograms(_ files: [RenderedFile]) async throws {
        try publish(files)
        try FileManager.default.moveItem(atPath: volume, toPath: "\(directory)/written")
        _ = try await run("cp", ["-a", "\(directory)/written", volume])
    }

    /// Writes a file beside the volume and returns its path.
    func write(_ name: String, _ text: String) throws -> String {
        let path = "\(directory)/\(name)"
        try Data(text.utf8).write(to: URL(filePath: path))
        return path
    }

    /// Runs a program with these variables, PATH, and an empty HOME unless they name one.
    func run(
        _ program: String,
        _ arguments: [String],
        _ variables: [String: String] = [:],
        input: String = ""
    ) async throws -> (output: String, errors: String, isSuccess: Bool) {
        let inherited = ["PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin", "HOME": directory]
        let environment = inherited.merging(variables) { $1 }
        let result = try await Subprocess.run(
            .name(program),
            arguments: Arguments(arguments),
            environment: .custom(
                Dictionary(uniqueKeysWithValues: environment.map { (Environment.Key(rawValue: $0.key)!, $0.value) })
            ),
            input: .string(input),
            output: .string(limit: 1 << 20),
            error: .string(limit: 1 << 20)
        )
        return (result.standardOutput, result.standardError, result.terminationStatus.isSuccess)
    }

    /// What `git credential fill` finds for a URL: `user:password`; `nil` when it finds nothing.
    func fill(_ url: String, _ variables: [String: String], options: [String] = []) async throws -> String? {
        let quiet = ["GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"].merging(variables) { $1 }
        let answer = try await run("git", options + ["credential", "fill"], quiet, input: "url=\(url)\n\n")
        guard answer.isSuccess else { return nil }
        let lines = answer.output.split(separator: "\n")
        func value(_ key: String) -> Substring? { lines.last { $0.hasPrefix("\(key)=") }?.dropFirst(key.count + 1) }
        return "\(value("username") ?? ""):\(value("password") ?? "")"
    }
}

func withScratch(_ body: (Scratch) async throws -> Void) async throws {
    let directory = FileManager.default.temporaryDirectory.appending(path: "daypass-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    try await body(Scratch(directory: directory.path()))
}
