// A node for a test: a folder, a forge, a cluster's issuer, the operator's and the tenant's files, and daemons.

package import DriverCall
import Foundation
package import LoopbackCluster
package import LoopbackForge
import Synchronization
package import TokenStore

/// Where a test plays. ``withNode(repositories:_:)`` sets it up and clears it away.
package final class Node: Sendable {
    package let folder: String
    package let forge: LoopbackForge
    package let issuer: ServiceAccountIssuer
    private let starts: AsyncStream<DaemonProcess>.Continuation
    private let records = Mutex(Records())

    private struct Records {
        var daemons: [DaemonProcess] = []
        var tokens: [String] = []
        var said: [String] = []
    }

    fileprivate init(
        folder: String,
        forge: LoopbackForge,
        issuer: ServiceAccountIssuer,
        starts: AsyncStream<DaemonProcess>.Continuation
    ) {
        self.folder = folder
        self.forge = forge
        self.issuer = issuer
        self.starts = starts
    }

    /// The path of a file in the node's folder.
    package func path(_ name: String) -> String { "\(folder)/\(name)" }

    /// Where the daemons serve.
    package var socket: String { path("daypass.sock") }

    /// Where the daemons answer operators.
    package var adminSocket: String { path("admin.sock") }

    /// The journal of the daemons.
    package var journal: String { path("state/leases.db") }

    /// What all daemons wrote on standard error so far.
    package var log: String { records.withLock { $0.daemons }.map(\.log).joined() }

    /// Writes a file into the node's folder and returns its path.
    @discardableResult
    package func write(_ text: String, to name: String, mode: Int = 0o600) throws -> String {
        try? FileManager.default.removeItem(atPath: path(name))
        try Data(text.utf8).write(to: URL(filePath: path(name)))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path(name))
        return path(name)
    }

    // MARK: Programs

    /// Starts `daypass serve`, and returns when its socket answers.
    ///
    /// - Parameters:
    ///   - configuration: The name of its configuration in the node's folder.
    ///   - crashAt: The point at which it kills itself: a `CrashPoint`, with `:n` for the nth time.
    /// - Throws: ``SceneryFailure`` with its log when it does not serve.
    package func startDaemon(
        configuration: String = "node.yaml",
        crashAt: String? = nil
    ) async throws -> DaemonProcess {
        let daemon = try launchDaemon(configuration: configuration, crashAt: crashAt)
        try await waitUntilServing(daemon)
        return daemon
    }

    /// Starts `daypass serve`, and does not wait for it.
    package func launchDaemon(
        configuration: String = "node.yaml",
        crashAt: String? = nil,
        options: [String] = []
    ) throws -> DaemonProcess {
        let arguments = ["serve", "--config", path(configuration), "--socket", socket, "--log-format", "json"]
        return launch(try BuildProducts.daypass(), arguments + options, crashAt: crashAt)
    }

    /// Starts a program that is a daemon of this node, or runs one, and does not wait for it.
    package func launch(_ program: String, _ arguments: [String], crashAt: String? = nil) -> DaemonProcess {
        let number = records.withLock { $0.daemons.count + 1 }
        let daemon = DaemonProcess(program, arguments, crashAt: crashAt, logPath: path("daemon-\(number).log"))
        records.withLock { $0.daemons.append(daemon) }
        starts.yield(daemon)
        return daemon
    }

    /// Waits until a daemon serves.
    ///
    /// - Throws: ``SceneryFailure`` with its log when it does not serve.
    package func waitUntilServing(_ daemon: DaemonProcess) async throws {
        guard await daemon.waitForLog("\"message\":\"serving\""), await version() == "daypass" else {
            throw SceneryFailure("the daemon does not serve: \(daemon.log)")
        }
    }

    /// Runs `daypass` to its end.
    package func daypass(_ arguments: [String], input: String = "") async throws -> ProgramOutcome {
        let outcome = try await runProgram(try BuildProducts.daypass(), arguments, input: input)
        heard(outcome.text)
        return outcome
    }

    // MARK: The cluster

    /// A Pod's service account token; right in all but what `change` and `signing` make wrong.
    package func token(
        of subject: Subject,
        _ signing: TokenSigning = .rs256,
        _ change: (inout PodToken) -> Void = { _ in }
    ) throws -> String {
        var claims = PodToken(for: subject, at: SystemClock().now)
        change(&claims)
        let token = try issuer.sign(claims, signing)
        records.withLock { $0.tokens.append(token) }
        return token
    }

    /// What the driver sends for a Pod with the class of `class.yaml`.
    ///
    /// - Parameters:
    ///   - volumeAttributes: The Pod's own, beside `repository`.
    ///   - token: kubelet's token; `nil` makes a right one.
    package func attributes(
        for subject: Subject,
        repository: String = "our-org/app",
        volumeAttributes: [String: String] = [:],
        token: String? = nil
    ) throws -> DriverAttributes {
        let token = try token ?? self.token(of: subject)
        let end = SystemClock().now.advanced(by: .seconds(3600))
        return DriverAttributes(
            subject: subject,
            parameters: ["tokens": NodeFiles.tokens, "files": NodeFiles.files],
            volumeAttributes: ["repository": forge.cloneURL(repository)].merging(volumeAttributes) { $1 },
            tokens: [DriverAttributes.Token(audience: "daypass", token: token, expiresAt: end)]
        )
    }

    // MARK: Secrets

    /// Remembers what a tenant or an operator read, for ``leaks()``.
    package func heard(_ text: String) { records.withLock { $0.said.append(text) } }

    /// Which secrets of this node are in a daemon's log or in a message. The first element counts the secrets.
    package func leaks() -> (secrets: Int, leaked: [String]) {
        let records = records.withLock { $0 }
        // Of a token the claims and the signature; of the key its lines.
        var secrets = records.tokens.flatMap { $0.split(separator: ".").dropFirst().map(String.init) }
        secrets += forge.tokens.map(\.value)
        secrets += forge.privateKeyPEM.split(separator: "\n").map(String.init).filter { !$0.hasPrefix("-----") }
        secrets.removeAll { $0.count < 16 }
        let texts = records.daemons.map(\.log) + records.said
        return (secrets.count, secrets.filter { secret in texts.contains { $0.contains(secret) } })
    }
}

/// Runs `body` on a node of its own; its daemons are ended and its folder is removed afterwards.
///
/// - Parameter repositories: The private repositories of its forge, on which the App is installed.
package func withNode<Result: Sendable>(
    repositories: [String] = ["our-org/app", "our-org/other"],
    _ body: (Node) async throws -> Result
) async throws -> Result {
    let name = "daypass-node-\(UUID().uuidString.prefix(8))"
    let folder = FileManager.default.temporaryDirectory.appending(path: name)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try await withLoopbackForge { forge in
        for repository in repositories { try await forge.addRepository(repository) }
        let (stream, starts) = AsyncStream<DaemonProcess>.makeStream()
        let issuer = try Issuers.shared.get()
        let node = Node(folder: folder.path, forge: forge, issuer: issuer, starts: starts)
        try NodeFiles.write(for: node)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                await withDiscardingTaskGroup { daemons in
                    for await daemon in stream { daemons.addTask { await daemon.run() } }
                }
            }
            defer {
                starts.finish()
                group.cancelAll()
            }
            return try await body(node)
        }
    }
}

/// Keys take a while to make, so that the nodes of one process share a cluster.
private enum Issuers {
    static let shared = Result { try ServiceAccountIssuer() }
}

extension Subject {
    /// The Pod of a build, which the node's grant names.
    package static func build(_ number: Int) -> Subject {
        let digits = String(number)
        let uid = "5f2b1a52-0000-4f5e-9d6e-" + String(repeating: "0", count: 12 - digits.count) + digits
        return Subject(namespace: "binder", serviceAccount: "builder", podName: "build-\(number)", podUID: uid)
    }
}
