// Debian's docker-registry as a process of a test: on a free loopback port, in a folder of its own, ended by its id.

import Foundation
import Subprocess
import Synchronization
import SystemPackage

/// The real registry (package `docker-registry`).
package struct DockerRegistry: Sendable {
    /// The registry's host as image references name it: `127.0.0.1:PORT`.
    package let host: String
    package var url: String { "http://\(host)" }

    private final class Ending: Sendable {
        private let flag = Mutex(false)
        var isNoted: Bool { flag.withLock { $0 } }
        func note() { flag.withLock { $0 = true } }
    }

    /// Whom it lets in.
    package enum Door: Sendable {
        /// Those with a token of this server, whose URL is `realm`.
        case tokens(realm: String, LoopbackTokenServer)
        /// Those with a password; lines of an htpasswd file.
        case passwords(String)

        fileprivate func configuration(in folder: URL) throws -> String {
            let file = folder.appending(path: "door").path
            let (text, lines): (String, [String]) =
                switch self {
                case .tokens(let realm, let server):
                    (
                        server.signer.certificatePEM,
                        [
                            "token:", "  realm: \"\(realm)\"", "  service: \"\(server.service)\"",
                            "  issuer: \"\(server.issuer)\"", "  rootcertbundle: \"\(file)\"",
                        ]
                    )
                case .passwords(let entries):
                    (entries, ["htpasswd:", "  realm: \"a registry\"", "  path: \"\(file)\""])
                }
            try Data(text.utf8).write(to: URL(filePath: file))
            return (["auth:"] + lines.map { "  \($0)" }).joined(separator: "\n")
        }
    }

    private static let program = "/usr/bin/docker-registry"

    /// Runs a registry for as long as `body` runs.
    ///
    package static func run<Result: Sendable>(
        _ door: Door,
        _ body: (DockerRegistry) async throws -> Result
    ) async throws -> Result {
        guard FileManager.default.isExecutableFile(atPath: program) else {
            throw RegistryFailure("there is no \(program): apt-get install docker-registry")
        }
        let folder = FileManager.default.temporaryDirectory.appending(path: "registry-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let configuration = """
            version: 0.1
            log: { level: info, formatter: text }
            storage: { filesystem: { rootdirectory: "\(folder.path)/images" }, delete: { enabled: true } }
            http: { addr: "127.0.0.1:0" }
            \(try door.configuration(in: folder))
            """
        let file = folder.appending(path: "config.yml").path
        try Data(configuration.utf8).write(to: URL(filePath: file))
        let logPath = folder.appending(path: "log").path
        let log = try FileDescriptor.open(
            FilePath(logPath),
            .writeOnly,
            options: [.create, .truncate],
            permissions: .ownerReadWrite
        )
        let ending = Ending()
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { ending.note() }
                // The end of the task ends the process.
                _ = try await Subprocess.run(
                    .path(FilePath(program)),
                    arguments: ["serve", file],
                    environment: .custom(["PATH": "/usr/bin:/bin", "OTEL_TRACES_EXPORTER": "none"]),
                    input: .none,
                    output: .discarded,
                    error: .fileDescriptor(log, closeAfterSpawningProcess: true)
                )
            }
            defer { group.cancelAll() }
            let host = try await host(in: logPath) { ending.isNoted }
            return try await body(DockerRegistry(host: host))
        }
    }

    /// Waits until the log says where the registry listens.
    private static func host(in logPath: String, isEnded: () -> Bool) async throws -> String {
        let end = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < end, !isEnded() {
            let log = (try? String(contentsOfFile: logPath, encoding: .utf8)) ?? ""
            if let found = log.firstRange(of: "listening on 127.0.0.1:") {
                let port = log[found.upperBound...].prefix { $0.isNumber }
                if log[found.upperBound...].dropFirst(port.count).first != nil { return "127.0.0.1:\(port)" }
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        let log = (try? String(contentsOfFile: logPath, encoding: .utf8)) ?? ""
        throw RegistryFailure("docker-registry did not start: \(log.suffix(500))")
    }
}
