// The real Prometheus on loopback, its tool, and the files that an operator gives it.

import FlyingFox
import FlyingSocks
import Foundation
import Glibc
import NodeMetrics
import Subprocess
import Support
import SystemPackage

/// Programs of Debian's packages `prometheus` and `python3-prometheus-client`.
enum PrometheusTools {
    static let areThere = ["prometheus", "promtool"].allSatisfy { (name: String) -> Bool in
        ["/usr/local/bin", "/usr/bin", "/bin"].contains {
            FileManager.default.isExecutableFile(atPath: "\($0)/\(name)")
        }
    }

    /// Debian's Python, which finds Debian's packages.
    static let python = "/usr/bin/python3"
    static let hasParser =
        FileManager.default.isExecutableFile(atPath: python)
        && FileManager.default.fileExists(atPath: "/usr/lib/python3/dist-packages/prometheus_client/parser.py")
}

/// Files of the project.
enum ProjectFiles {
    static let root: String = {
        var root = BuildProducts.folder
        while root.path != "/", !FileManager.default.fileExists(atPath: root.appending(path: "Package.swift").path) {
            root.deleteLastPathComponent()
        }
        return root.path
    }()

    static let monitoring = "\(root)/daemonset/monitoring"

    static func text(_ path: String) throws -> String {
        try String(contentsOf: URL(filePath: "\(root)/\(path)"), encoding: .utf8)
    }
}

/// Runs `body` with a folder that is removed afterwards.
func withFolder<Result>(_ body: (String) async throws -> Result) async throws -> Result {
    let folder = FileManager.default.temporaryDirectory.appending(path: "daypass-metrics-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try await body(folder.path)
}

/// Serves scrapes on a free loopback port while `body` runs with the port.
func withScrapes<Result: Sendable>(
    _ scrape: @escaping @Sendable () -> String,
    _ body: (UInt16) async throws -> Result
) async throws -> Result {
    let server = HTTPServer(address: try .inet(ip4: "127.0.0.1", port: 0), logger: .disabled)
    await server.appendRoute("GET /metrics") { _ in
        HTTPResponse(
            statusCode: .ok,
            headers: [.contentType: NodeMetricsCollector.contentType],
            body: Data(scrape().utf8)
        )
    }
    return try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { do { try await server.run() } catch  where Task.isCancelled {} }
        defer { group.cancelAll() }
        try await server.waitUntilListening(timeout: 30)
        guard case .ip4(_, let port) = await server.listeningAddress else { throw SocketError.disconnected }
        return try await body(port)
    }
}

/// A Prometheus that runs.
struct RealPrometheus: Sendable {
    let port: UInt16

    /// The answer of its API as JSON: the field `data`.
    ///
    /// - Throws: ``SceneryFailure`` with what it says when it is no success.
    func ask(_ path: String, _ parameters: [String: String] = [:]) async throws -> Any {
        let fields = parameters.flatMap { ["--data-urlencode", "\($0.key)=\($0.value)"] }
        let outcome = try await runProgram(
            "curl",
            ["--silent", "--show-error", "--get", "http://127.0.0.1:\(port)/api/v1/\(path)"] + fields
        )
        guard let answer = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any],
            answer["status"] as? String == "success", let data = answer["data"]
        else { throw SceneryFailure("\(path) \(parameters): \(outcome.text)") }
        return data
    }

    /// The values of an expression now: their labels, and the value.
    func values(_ expression: String) async throws -> [(labels: [String: String], value: Double)] {
        let data = try await ask("query", ["query": expression]) as? [String: Any]
        guard data?["resultType"] as? String == "vector", let result = data?["result"] as? [[String: Any]] else {
            throw SceneryFailure("\(expression) has no vector")
        }
        return result.map { element in
            let value = (element["value"] as? [Any])?.last as? String
            return (element["metric"] as? [String: String] ?? [:], value.flatMap(Double.init) ?? .nan)
        }
    }

    func isReady() async -> Bool {
        let outcome = try? await runProgram("curl", ["--silent", "--fail", "http://127.0.0.1:\(port)/-/ready"])
        return outcome?.code == 0
    }
}

/// Runs a Prometheus that scrapes a port every second as the job `daypass`, with the project's alert rules.
func withPrometheus<Result: Sendable>(
    scraping target: UInt16,
    _ body: @escaping @Sendable (RealPrometheus) async throws -> Result
) async throws -> Result {
    try await withFolder { folder in
        let configuration = """
            global: { scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s }
            rule_files: [\(ProjectFiles.monitoring)/alerts.yaml]
            scrape_configs:
              - job_name: daypass
                static_configs: [{ targets: ["127.0.0.1:\(target)"] }]

            """
        try Data(configuration.utf8).write(to: URL(filePath: "\(folder)/prometheus.yml"))
        let port = try freePort()
        let log = try FileDescriptor.open(
            FilePath("\(folder)/log"),
            .writeOnly,
            options: [.create],
            permissions: .ownerReadWrite
        )
        let result = try await run(
            .name("prometheus"),
            arguments: [
                "--config.file=\(folder)/prometheus.yml", "--storage.tsdb.path=\(folder)/data",
                "--web.listen-address=127.0.0.1:\(port)", "--log.level=warn",
            ],
            environment: .custom(["PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": folder]),
            input: .none,
            output: .discarded,
            error: .fileDescriptor(log, closeAfterSpawningProcess: true)
        ) { process async throws -> Result in
            defer { try? process.send(signal: .kill) }
            let prometheus = RealPrometheus(port: port)
            var tries = 0
            while await !prometheus.isReady() {
                tries += 1
                guard tries < 600 else {
                    let log = try? String(contentsOf: URL(filePath: "\(folder)/log"), encoding: .utf8)
                    throw SceneryFailure("prometheus does not come up: \(log ?? "")")
                }
                try await Task.sleep(for: .milliseconds(100))
            }
            return try await body(prometheus)
        }
        return result.closureResult
    }
}

private func freePort() throws -> UInt16 {
    let socket = try Socket(domain: AF_INET)
    defer { try? socket.close() }
    try socket.bind(to: .inet(ip4: "127.0.0.1", port: 0))
    guard case .ip4(_, let port) = try socket.sockname() else { throw SocketError.disconnected }
    return port
}
