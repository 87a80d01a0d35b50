// A node whose daemons run in containers, with the folders of the DaemonSet's Pod.

import DriverCall
import Foundation
import Synchronization

/// A daemon in a container: the process of runc, which hands signals on, and the container's name.
package struct ContainedDaemon: Sendable {
    package let process: DaemonProcess
    package let id: String

    /// The daemon's process id, as the node sees it.
    package func processID() async throws -> Int {
        let state = try await runProgram("/usr/sbin/runc", ["state", id])
        let object = try JSONSerialization.jsonObject(with: Data(state.output.utf8)) as? [String: Any]
        guard let id = object?["pid"] as? Int, id > 0 else { throw SceneryFailure("runc state: \(state.text)") }
        return id
    }

    /// Ends it as kubelet does when it waits no longer, or the kernel when memory is out.
    package func kill() async throws {
        _ = try await runProgram("/usr/sbin/runc", ["kill", id, "KILL"])
        await process.waitForEnd()
    }

    /// A figure of its memory's cgroup, in bytes: the first file that is there, of version 1 and of version 2.
    package func memory(_ version1: String, _ version2: String) throws -> Int {
        let files = ["/sys/fs/cgroup/memory/\(id)/\(version1)", "/sys/fs/cgroup/\(id)/\(version2)"]
        for file in files {
            guard let text = try? String(contentsOfFile: file, encoding: .utf8) else { continue }
            return Int(text.trimmingCharacters(in: .whitespacesAndNewlines)) ?? .max
        }
        throw SceneryFailure("no file \(files.joined(separator: " or "))")
    }
}

/// The hostPaths, the ConfigMap and the Secret of the DaemonSet's Pod on a test's node.
package final class ContainerNode: Sendable {
    package let node: Node
    private let root: String
    private let user: Int
    private let state: String
    private let ids = Mutex<[String]>([])

    fileprivate init(_ node: Node, root: String, user: Int) throws {
        self.node = node
        self.root = root
        self.user = user
        // The node's /run: on tmpfs, where the machine has one.
        let memory = "/dev/shm"
        let isTmpfs = FileManager.default.isWritableFile(atPath: memory) && Self.isTmpfs(memory)
        state = isTmpfs ? "\(memory)/\(URL(filePath: node.folder).lastPathComponent)" : node.path("run")
        for folder in [node.path("config"), node.path("keys"), node.path("providers"), state] {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        }
        for file in ["app.pem", "jwks.json"] {
            try FileManager.default.moveItem(atPath: node.path(file), toPath: node.path("keys/\(file)"))
        }
        // kubelet writes the file of hosts, too. The forge's API is reached by a name: glibc must find and read it.
        try node.write("127.0.0.1 localhost\n", to: "hosts", mode: 0o644)
        var text = NodeFiles.configuration(of: node)
            .replacing("\(node.folder)/jwks.json", with: "/etc/daypass/keys/jwks.json")
            .replacing("\(node.folder)/app.pem", with: "/etc/daypass/keys/app.pem")
            .replacing(node.adminSocket, with: "/run/daypass/admin.sock")
            .replacing(node.journal, with: "/run/daypass/leases.db")
            .replacing("apiURL: http://127.0.0.1", with: "apiURL: http://localhost")
        if isTmpfs { text = text.replacing("  medium: disk\n", with: "") }
        try node.write(text, to: "config/node.yaml", mode: 0o644)
        try FileManager.default.createSymbolicLink(
            atPath: node.socket,
            withDestinationPath: node.path("providers/daypass.sock")
        )
        try own()
    }

    private static func isTmpfs(_ path: String) -> Bool {
        let mounts = (try? String(contentsOfFile: "/proc/self/mounts", encoding: .utf8)) ?? ""
        return mounts.split(separator: "\n").contains { $0.contains(" \(path) tmpfs ") }
    }

    /// What an operator does for another user than root: the two hostPaths and the key are that user's.
    private func own() throws {
        let attributes: [FileAttributeKey: Any] = [.ownerAccountID: user, .groupOwnerAccountID: user]
        for path in [node.path("providers"), state, node.path("keys/app.pem"), node.path("keys/jwks.json")] {
            try FileManager.default.setAttributes(attributes, ofItemAtPath: path)
        }
    }

    /// Starts a daemon in a container, and returns when its socket answers.
    package func start() async throws -> ContainedDaemon {
        let id = "daypass-test-\(UUID().uuidString.prefix(8))"
        ids.withLock { $0.append(id) }
        let binds = [
            "\(node.path("config")):/config:ro", "\(node.path("keys")):/etc/daypass/keys:ro",
            "\(node.path("providers")):/var/run/secrets-store-csi-providers:rw", "\(state):/run/daypass:rw",
            "\(node.path("hosts")):/etc/hosts:ro",
        ]
        let flags = ["--bundle", node.path(id), "--id", id, "--user", "\(user)", "--memory", "128"]
        let serve = ["serve", "--config", "/config/node.yaml", "--log-format", "json"]
        let process = node.launch(ContainerImage.runner, flags + binds.flatMap { ["--bind", $0] } + [root] + serve)
        try await node.waitUntilServing(process)
        return ContainedDaemon(process: process, id: id)
    }

    fileprivate func clear() async {
        for id in ids.withLock({ $0 }) { _ = try? await runProgram("/usr/sbin/runc", ["delete", "--force", id]) }
        try? FileManager.default.removeItem(atPath: state)
    }
}

/// Runs `body` on a node whose daemons run in containers; they are ended and removed afterwards.
///
/// - Parameter user: The user id of the daemons.
package func withContainerNode(user: Int = 0, _ body: (ContainerNode) async throws -> Void) async throws {
    let root = try await ContainerImage.shared.root()
    try await withNode { node in
        let containers = try ContainerNode(node, root: root, user: user)
        let result: Result<Void, any Error>
        do { result = .success(try await body(containers)) } catch { result = .failure(error) }
        await containers.clear()
        try result.get()
    }
}
