// A Pod watch before a loopback API server.

import BuildEnds
import Foundation
import HTTPTransfer
import KubernetesAPI
import Leases
import LoopbackCluster
import Support
import TokenStore

/// What a test of the Pod watch has at hand.
struct PodScene: Sendable {
    let pods: LoopbackPods
    let watch: PodWatch
    let builds: TrackedBuilds
    /// The ends as they were reported.
    let ends: Box<[BuildEnd]>
    let log: CollectedLog
    /// Where the watch reads its own token.
    let tokenFile: String
    /// The pauses that the watch made.
    let pauses: Box<[Duration]>

    /// The UIDs of the Pods that were reported.
    var ended: Set<String> {
        Set(ends.get().map { if case .pod(let uid, _) = $0 { uid } else { "none" } })
    }

    func how(_ number: Int) -> PodEnd? {
        for case .pod(Self.uid(number), let how) in ends.get() { return how }
        return nil
    }

    static func uid(_ number: Int) -> String { "5d7f1c4e-0000-4000-8000-\(100_000_000_000 + number)" }

    static func subject(_ number: Int) -> Subject {
        Subject(namespace: "binder", serviceAccount: "builder", podName: "build-\(number)", podUID: uid(number))
    }

    /// Leases are held for these Pods, and no others.
    func track(_ numbers: some Sequence<Int>) {
        builds.set(
            Set(
                numbers.map { number in
                    let pod = Self.subject(number)
                    return TrackedVolume(
                        podUID: pod.podUID,
                        namespace: pod.namespace,
                        podName: pod.podName,
                        volume: "credentials",
                        targetPath: ""
                    )
                }
            )
        )
    }

    static let token = "own-token-5f2b"

    /// Short times, so that every retry happens within a test.
    static var quick: PodWatchOptions {
        PodWatchOptions(
            relistEvery: .seconds(60),
            watchSpan: .seconds(60),
            calm: .seconds(20),
            backoff: Backoff(first: .milliseconds(10), longest: .milliseconds(100)),
            pace: PodBook.Pace(first: .milliseconds(200), again: .milliseconds(100))
        )
    }

    /// Runs a watch of node-1 while `body` runs.
    ///
    /// - Parameter longestPause: the longest time that the watch really sleeps, whatever it asks for.
    static func run(
        _ options: PodWatchOptions = quick,
        limits: KubernetesPods.Limits = KubernetesPods.Limits(answer: .seconds(2), idle: .seconds(20)),
        longestPause: Duration? = nil,
        prepare: (LoopbackPods) -> Void = { _ in },
        _ body: (PodScene) async throws -> Void
    ) async throws {
        try await withLoopbackPods(accessToken: token) { pods in
            prepare(pods)
            try await run(against: pods, options, limits, longestPause, body)
        }
    }

    private static func run(
        against pods: LoopbackPods,
        _ options: PodWatchOptions,
        _ limits: KubernetesPods.Limits,
        _ longestPause: Duration?,
        _ body: (PodScene) async throws -> Void
    ) async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "daypass-token-\(UUID().uuidString)")
        try Data("\(token)\n".utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let log = CollectedLog()
        let pauses = Box<[Duration]>([])
        var clock = LeaseClock.system
        clock.sleep = { [sleep = clock.sleep] time in
            pauses.update { $0.append(time) }
            try await sleep(min(time, longestPause ?? time))
        }
        let transferOptions = HTTPTransferOptions(connectTimeout: .seconds(20), proxy: .none, environment: [:])
        try await withCurlTransport(transferOptions, logger: log.logger) { http in
            let client = KubernetesClient(server: pods.url, tokenFile: file.path, http: http)
            let api = KubernetesPods(client, limits: limits)
            let scene = PodScene(
                pods: pods,
                watch: PodWatch(api: api, nodeName: "node-1", options: options, clock: clock, logger: log.logger),
                builds: TrackedBuilds(),
                ends: Box([]),
                log: log,
                tokenFile: file.path,
                pauses: pauses
            )
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    await scene.watch.run(scene.builds) { end in scene.ends.update { $0.append(end) } }
                }
                defer { group.cancelAll() }
                try await body(scene)
            }
        }
    }
}
