// The root file system that container tests run: that of the image, or the same one around the build's own binary.

import Foundation

/// Makes a root file system once, and finds out whether containers can be made here at all.
///
/// `DAYPASS_IMAGE` names an archive of `make image`. Without it, `scripts/build-image` puts the debug binary into the
/// root file system that the image has, so that each change is tried under the DaemonSet's constraints.
package actor ContainerImage {
    package static let shared = ContainerImage()
    private var made: Result<String, any Error>?

    /// Whether an image was asked for by name: nothing is a reason to skip then.
    private static let isNamed = ProcessInfo.processInfo.environment["DAYPASS_IMAGE"] != nil

    /// The script that runs a root file system in runc, with the DaemonSet's settings.
    package static var runner: String { BuildProducts.root.appending(path: "scripts/run-image").path }

    /// What this machine lacks for containers. All else that goes wrong fails the tests.
    private struct Obstacle: Error, CustomStringConvertible {
        let description: String
    }

    /// Whether containers can be made here. If not, the output of the tests says why.
    package func isPossible() async -> Bool {
        do { _ = try await root() } catch let obstacle as Obstacle {
            guard !Self.isNamed else { return true }
            print("SKIPPED tests in containers: \(obstacle)")
            return false
        } catch {}
        return true
    }

    /// The folder of the root file system, tried.
    ///
    /// - Throws: ``SceneryFailure`` with what a program said that could not do its part.
    package func root() async throws -> String {
        if let made { return try made.get() }
        let result: Result<String, any Error>
        do { result = .success(try await make()) } catch { result = .failure(error) }
        made = result
        return try result.get()
    }

    private func make() async throws -> String {
        guard geteuid() == 0 else { throw Obstacle(description: "runc needs root here") }
        guard FileManager.default.isExecutableFile(atPath: "/usr/sbin/runc") else {
            throw Obstacle(description: "there is no runc: apt-get install runc")
        }
        let folder = BuildProducts.root.appending(path: ".build/container")
        try? FileManager.default.removeItem(at: folder)
        if let image = ProcessInfo.processInfo.environment["DAYPASS_IMAGE"] {
            try await succeed(Self.runner, ["--unpack", "--bundle", folder.path, image])
        } else {
            let builder = BuildProducts.root.appending(path: "scripts/build-image").path
            let build = BuildProducts.folder.deletingLastPathComponent().deletingLastPathComponent().path
            let flags = ["--configuration", "debug", "--build", build, "--output", folder.path, "--rootfs-only"]
            try await succeed(builder, flags)
        }
        let root = folder.appending(path: "rootfs").path
        try await succeed(Self.runner, ["--bundle", folder.appending(path: "trial").path, root, "--version"])
        return root
    }

    /// Runs a program with the PATH of the tests, which knows the Swift toolchain.
    private func succeed(_ program: String, _ arguments: [String]) async throws {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        let outcome = try await runProgram("/usr/bin/env", ["PATH=\(path)", program] + arguments)
        guard outcome.code == 0 else {
            let text = "\(URL(filePath: program).lastPathComponent) ended with \(outcome.code): \(outcome.text)"
            // What runc itself could not do: no cgroups, no namespaces, no mounts.
            let isObstacle = ["runc run failed", "cannot statfs cgroup root"].contains { outcome.error.contains($0) }
            throw isObstacle ? Obstacle(description: String(text.prefix(500))) : SceneryFailure(text)
        }
    }
}
