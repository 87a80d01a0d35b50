// The life of builds on a node whose daemon is killed: kubelet and the driver try again, as the real ones do.

import Daemon
import DriverCall
import Foundation
import Leases
import LoopbackCluster
import LoopbackForge
import Support
import Synchronization
import TokenStore

/// Plays kubelet and the driver for builds on one node. Build number n clones `our-org/bn`, so that the forge's books
/// tell the builds apart.
final class Life: Sendable {
    let node: Node
    /// The cluster's Pods, where the daemon watches them; else it watches directories.
    let pods: LoopbackPods?
    private let state: Mutex<(daemon: DaemonProcess, restarts: Int)>

    private init(node: Node, pods: LoopbackPods?, daemon: DaemonProcess) {
        self.node = node
        self.pods = pods
        state = Mutex((daemon, 0))
    }

    /// Runs `body` on a node whose first daemon dies at `crashAt`.
    static func with(
        builds: Int = 3,
        crashAt: String? = nil,
        _ body: (Life) async throws -> Void
    ) async throws {
        try await withNode(repositories: (1...builds).map(repository)) { node in
            try FileManager.default.createDirectory(
                atPath: node.path("kubelet/pods/ours"),
                withIntermediateDirectories: true
            )
            let daemon = try node.launchDaemon(crashAt: crashAt)
            let life = Life(node: node, pods: nil, daemon: daemon)
            try await body(life)
        }
    }

    /// Runs `body` on a node whose daemon watches Pods, and no directories.
    static func withPods(builds: Int = 3, _ body: (Life) async throws -> Void) async throws {
        try await withNode(repositories: (1...builds).map(repository)) { node in
            try await withLoopbackPods(accessToken: "own-token") { pods in
                let token = try node.write("own-token", to: "own-token")
                let place = "{ server: \(pods.url), nodeName: node-1, tokenFile: \(token) }"
                let text = try String(contentsOfFile: node.path("node.yaml"), encoding: .utf8)
                try node.write(
                    text.replacing("pods: off", with: "pods: \(place)\n  paths: off\n  relist: 2s"),
                    to: "node.yaml"
                )
                try await body(Life(node: node, pods: pods, daemon: try node.launchDaemon()))
            }
        }
    }

    static func repository(_ number: Int) -> String { "our-org/b\(number)" }

    /// The daemon that runs, or was the last to run.
    var daemon: DaemonProcess { state.withLock { $0.daemon } }

    /// How often a daemon was started after one had died.
    var restarts: Int { state.withLock { $0.restarts } }

    // MARK: The daemon

    /// Starts a daemon after the last one ended, and waits until it serves or has been killed too.
    func start(crashAt: String? = nil) async throws {
        let daemon = try node.launchDaemon(crashAt: crashAt)
        state.withLock { $0 = (daemon, $0.restarts + 1) }
        guard await daemon.waitForLog("\"message\":\"serving\"") || daemon.exitCode == -1 else {
            throw SceneryFailure("the daemon does not serve: \(daemon.log)")
        }
    }

    /// Ends the daemon with SIGTERM.
    func stopDaemon() async throws {
        try await node.waitUntilServing(daemon)
        guard await daemon.stop() == 0 else { throw SceneryFailure("the daemon did not end: \(daemon.log)") }
    }

    /// Ends the daemon with SIGKILL.
    func kill() async { await daemon.kill() }

    /// Does something until it has worked, and starts a new daemon whenever the one that runs has died.
    func survive<Result: Sendable>(
        limit: Duration = .seconds(60),
        _ what: String,
        _ body: () async throws -> Result?
    ) async throws -> Result {
        let end = ContinuousClock.now + limit
        while ContinuousClock.now < end {
            if daemon.exitCode != nil { try await start() }
            if let result = try await body() { return result }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw SceneryFailure("\(what) did not come about: \(daemon.log.suffix(4000))")
    }

    /// Changes the journal with SQLite itself, while no daemon runs.
    func sqlite(_ statements: [String]) async throws {
        let script = """
            import sqlite3, sys
            db = sqlite3.connect(sys.argv[1])
            for statement in sys.argv[2:]: db.execute(statement)
            db.commit()
            """
        let outcome = try await runProgram("/usr/bin/python3", ["-c", script, node.journal] + statements)
        guard outcome.code == 0 else { throw SceneryFailure("sqlite: \(outcome.text)") }
    }

    // MARK: Builds

    private var kubelet: String { node.path("kubelet") }

    private func folder(_ number: Int) -> String { "\(kubelet)/pods/\(Subject.build(number).podUID)" }

    /// Publishes the volume of a build as kubelet does: the directory first, then Mount until it is answered.
    ///
    /// - Returns: The files.
    func mount(_ number: Int) async throws -> [String: String] {
        let attributes = try node.attributes(for: .build(number), repository: Self.repository(number))
        let target = attributes.targetPath(volume: "credentials", kubelet: kubelet)
        try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true)
        if tokens(number).isEmpty { pods?.addPod(.build(number)) }
        return try await survive("a mount of build \(number)") {
            let answer = try await node.mount(attributes, kubelet: kubelet)
            return answer.line == "OK" ? answer.files : nil
        }
    }

    /// One Mount call, whatever comes of it.
    func tryToMount(_ number: Int) async throws -> MountAnswer {
        let attributes = try node.attributes(for: .build(number), repository: Self.repository(number))
        let target = attributes.targetPath(volume: "credentials", kubelet: kubelet)
        try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true)
        return try await node.mount(attributes, kubelet: kubelet)
    }

    /// The build ends: kubelet removes its directory.
    func end(_ number: Int) throws {
        guard FileManager.default.fileExists(atPath: folder(number)) else { return }
        try FileManager.default.removeItem(atPath: folder(number))
    }

    // MARK: Books

    /// The tokens that were minted for a build, as the forge has them.
    func tokens(_ number: Int) -> [ForgeToken] {
        node.forge.tokens.filter { $0.repositories == [Self.repository(number)] }
    }

    /// Those that still work.
    func liveTokens(_ number: Int) -> [ForgeToken] {
        node.forge.liveTokens.filter { $0.repositories == [Self.repository(number)] }
    }

    /// Waits until at most `count` tokens of a build work.
    func waitUntilLive(_ number: Int, _ count: Int) async throws {
        _ = try await survive("the revocation of build \(number)'s tokens") {
            liveTokens(number).count <= count ? true : nil
        }
    }

    /// Waits until the daemon holds no live lease of a build that has ended.
    func waitUntilNoticed(_ number: Int) async throws {
        let uid = Subject.build(number).podUID
        _ = try await survive("the end of build \(number)") {
            let leases = try await report().leases
            let open = leases.contains { $0.podUID == uid && $0.state != "lost" && $0.state != "revoking" }
            return open ? nil : true
        }
    }

    /// What the daemon says of its leases.
    func report() async throws -> AdminReport {
        try await survive("a report") { try? await AdminClient(socketPath: node.adminSocket).leases() }
    }

    /// The forge's tokens that appear in what the journal's folder holds.
    func tokensOnDisk() throws -> [String] {
        let folder = URL(filePath: node.journal).deletingLastPathComponent()
        let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        let contents = files.compactMap { try? Data(contentsOf: $0) }
        return node.forge.tokens.map(\.value).filter { token in
            contents.contains { $0.range(of: Data(token.utf8)) != nil }
        }
    }
}
