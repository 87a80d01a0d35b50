// What stands on the stage: two forges, an issuer of service account tokens, files, and the daemon.

import Foundation
import LoopbackCluster
import LoopbackForge
import Subprocess
import SystemPackage
import TokenStore

/// Everything that the story uses.
struct Scenery: Sendable {
    let daypass: String
    let folder: URL
    let forge: LoopbackForge
    let otherHost: LoopbackForge
    let issuer: ServiceAccountIssuer
    let pods: LoopbackPods
    let commit: String

    var socket: String { path("daypass.sock") }
    var log: String { path("daypass.log") }

    /// A path in the demo's folder.
    func path(_ name: String) -> String { folder.appending(path: name).path }

    /// A service account token of a Pod, as kubelet gets it from the API server.
    func token(of subject: Subject) throws -> String {
        let path = path("token-\(subject.podName)")
        let token = try issuer.sign(PodToken(for: subject, at: SystemClock().now))
        try Data(token.utf8).write(to: URL(filePath: path))
        return path
    }
}

/// Sets the stage, runs `body`, and clears everything away.
func withScenery(daypass: String, _ body: @Sendable (Scenery) async throws -> Void) async throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "daypass-demo-\(UUID().uuidString.prefix(8))")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try await withLoopbackForge { forge in
        try await withLoopbackForge { otherHost in
            let library = try await otherHost.addRepository("vendor/library", files: ["lib.txt": "a library\n"])
            let submodule = ForgeSubmodule(
                path: "library",
                url: otherHost.cloneURL("vendor/library"),
                commit: library
            )
            let commit = try await forge.addRepository(
                "our-org/private",
                files: ["README.md": "A private repository.\n"],
                submodules: [submodule]
            )
            try await forge.addRepository("our-org/other", files: ["secret.txt": "of another team\n"])
            let issuer = try ServiceAccountIssuer()
            try await withLoopbackPods(accessToken: Scenery.ownToken) { pods in
                let scenery = Scenery(
                    daypass: daypass,
                    folder: folder,
                    forge: forge,
                    otherHost: otherHost,
                    issuer: issuer,
                    pods: pods,
                    commit: commit
                )
                try scenery.writeFiles()
                try await body(scenery)
            }
        }
    }
}

extension Scenery {
    /// The files of the operator and of the tenant.
    fileprivate func writeFiles() throws {
        try issuer.writeJWKS(to: path("jwks.json"))
        try Data(forge.privateKeyPEM.utf8).write(to: URL(filePath: path("app.pem")))
        try FileManager.default.setAttributes([.posixPermissions: 0o400], ofItemAtPath: path("app.pem"))
        try Data(Self.ownToken.utf8).write(to: URL(filePath: path("own-token")))
        try Data(configuration.utf8).write(to: URL(filePath: path("node.yaml")))
        try Data(Self.secretProviderClass.utf8).write(to: URL(filePath: path("class.yaml")))
    }

    /// The token with which the daemon asks for Pods.
    fileprivate static let ownToken = "the-daemons-own-token"

    private var configuration: String {
        """
        identity:
          issuer: \(issuer.name)
          jwks: { file: \(path("jwks.json")) }
        stores:
          github:
            kind: github-app
            appID: "\(forge.appID)"
            privateKey: { file: \(path("app.pem")) }
            apiURL: \(forge.apiURL)
            webURL: \(forge.webURL)
        grants:
          - name: binder-clone
            to: { namespace: binder, serviceAccount: builder }
            store: github
            allow: { repositories: ["our-org/*"], permissions: { contents: read } }
        server: { adminSocket: \(path("admin.sock")) }
        leases: { journal: \(path("state/leases.db")), medium: disk }
        builds:
          pods: { server: \(pods.url), nodeName: node-1, tokenFile: \(path("own-token")) }

        """
    }

    private static let secretProviderClass = """
        apiVersion: secrets-store.csi.x-k8s.io/v1
        kind: SecretProviderClass
        metadata: { name: build-credentials, namespace: binder }
        spec:
          provider: daypass
          parameters:
            tokens: |
              - { name: source, store: github, repository: "${repository}", permissions: { contents: read } }
            files: |
              - { path: .gitconfig,     format: gitconfig,      tokens: [source] }
              - { path: git-credential, format: git-credential, tokens: [source] }
              - { path: expiry,         format: expiry,         tokens: [source] }

        """
}

/// Runs the daemon while `body` runs, then ends it. Returns how it ended.
///
/// - Parameter signal: How it is ended.
func withDaemon(
    _ scenery: Scenery,
    end signal: Signal = .terminate,
    _ body: @Sendable () async throws -> Void
) async throws -> TerminationStatus {
    let log = try FileDescriptor.open(
        scenery.log,
        .writeOnly,
        options: [.create, .append],
        permissions: .ownerReadWrite
    )
    let before = scenery.servingLines
    let result = try await run(
        .path(FilePath(scenery.daypass)),
        arguments: [
            "serve", "--config", scenery.path("node.yaml"), "--socket", scenery.socket, "--log-format", "json",
        ],
        environment: .custom(["PATH": "/usr/bin:/bin"]),
        input: .none,
        output: .discarded,
        error: .fileDescriptor(log, closeAfterSpawningProcess: true)
    ) { daemon in
        let end = ContinuousClock.now + .seconds(20)
        while scenery.servingLines == before, ContinuousClock.now < end {
            try await Task.sleep(for: .milliseconds(10))
        }
        guard scenery.servingLines > before else {
            throw DemoFailure(
                "the daemon does not serve: \((try? String(contentsOfFile: scenery.log, encoding: .utf8)) ?? "")"
            )
        }
        let played: Result<Void, any Error>
        do { played = .success(try await body()) } catch { played = .failure(error) }
        try daemon.send(signal: signal)
        try played.get()
    }
    return result.terminationStatus
}

extension Scenery {
    /// How often a daemon has said that it serves.
    fileprivate var servingLines: Int {
        let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").count { $0.contains("\"message\":\"serving\"") }
    }
}

/// Why the story can't be told.
struct DemoFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
