// The collector of the tests: a real process that reads spans with OpenTelemetry's own definitions.

import Foundation
import Support

/// `collector.py`, running.
final class Collector: Sendable {
    let url: String
    private let process: Process
    private let lines: Box<[String]>
    private let input: Pipe

    /// A python with the definitions; `nil` when there is none: a machine without PyPI has none.
    static let python: String? = {
        let own = root.appending(path: ".build/opentelemetry/bin/python").path
        return [own, "/usr/bin/python3"].first { python in
            let process = Process()
            process.executableURL = URL(filePath: python)
            process.arguments = ["-c", "import opentelemetry.proto.collector.trace.v1.trace_service_pb2"]
            process.standardError = FileHandle.nullDevice
            guard FileManager.default.isExecutableFile(atPath: python), (try? process.run()) != nil else {
                return false
            }
            process.waitUntilExit()
            return process.terminationStatus == 0
        }
    }()

    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// What it said of the spans that it took.
    var spans: [[String: Any]] {
        lines.get().compactMap {
            (try? JSONSerialization.jsonObject(with: Data($0.utf8))) as? [String: Any]
        }.filter { $0["trace"] != nil }
    }

    /// Spans of a name.
    func spans(_ name: String) -> [[String: Any]] { spans.filter { $0["name"] as? String == name } }

    /// Everything that it said.
    var text: String { lines.get().joined(separator: "\n") }

    private init(_ process: Process, port: Int, lines: Box<[String]>, input: Pipe) {
        (self.process, self.lines, self.input) = (process, lines, input)
        url = "http://127.0.0.1:\(port)"
    }

    /// Runs one for as long as `body` runs.
    static func run<Result>(_ body: (Collector) async throws -> Result) async throws -> Result {
        guard let python else {
            throw SceneryFailure("no python with opentelemetry-proto: run scripts/install-opentelemetry")
        }
        let process = Process()
        let (input, output) = (Pipe(), Pipe())
        process.executableURL = URL(filePath: python)
        process.arguments = [URL(filePath: #filePath).deletingLastPathComponent().appending(path: "collector.py").path]
        process.standardInput = input
        process.standardOutput = output
        let lines = Box<[String]>([])
        let rest = Box("")
        output.fileHandleForReading.readabilityHandler = { handle in
            let text = String(decoding: handle.availableData, as: UTF8.self)
            rest.update { $0 += text }
            var whole: [String] = []
            rest.update { rest in
                var parts = rest.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
                rest = parts.removeLast()
                whole = parts
            }
            lines.update { $0 += whole }
        }
        try process.run()
        defer {
            output.fileHandleForReading.readabilityHandler = nil
            try? input.fileHandleForWriting.close()
            process.terminate()
            process.waitUntilExit()
        }
        await until { !lines.get().isEmpty }
        let first = try JSONSerialization.jsonObject(with: Data((lines.get().first ?? "").utf8)) as? [String: Int]
        guard let port = first?["port"] else { throw SceneryFailure("the collector did not start") }
        return try await body(Collector(process, port: port, lines: lines, input: input))
    }
}
