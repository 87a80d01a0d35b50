// A loopback API server, and what speaks to it.

import BuildEnds
import Foundation
import HTTPTransfer
import KubernetesAPI
import Leases
import LoopbackCluster
import Support
import TokenStore

/// What a test of calls to the API server has at hand.
struct ClusterScene: Sendable {
    let pods: LoopbackPods
    let client: KubernetesClient
    let log: CollectedLog

    static let token = "own-token-7a31"

    static func run(_ body: (ClusterScene) async throws -> Void) async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "daypass-token-\(UUID().uuidString)")
        try Data("\(token)\n".utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let log = CollectedLog()
        let options = HTTPTransferOptions(connectTimeout: .seconds(20), proxy: .none, environment: [:])
        try await withLoopbackPods(accessToken: token) { pods in
            try await withCurlTransport(options, logger: log.logger) { http in
                let client = KubernetesClient(server: pods.url, tokenFile: file.path, http: http)
                try await body(ClusterScene(pods: pods, client: client, log: log))
            }
        }
    }

    /// The lines of the log that people read.
    var told: [String] { log.lines.filter { !$0.hasPrefix("debug") && !$0.hasPrefix("trace") } }
}

/// Runs `work` while `body` runs.
func with(_ work: @escaping @Sendable () async -> Void, _ body: () async throws -> Void) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await work() }
        defer { group.cancelAll() }
        try await body()
    }
}
