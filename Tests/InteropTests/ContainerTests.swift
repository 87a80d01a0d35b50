// The daemon in a real OCI runtime, under the constraints of the DaemonSet, with the clients that play the driver.

import DriverCall
import Foundation
import LoopbackForge
import Support
import Testing
import TokenStore

@Suite(.serialized, .enabled("containers can be made here") { await ContainerImage.shared.isPossible() })
struct ContainerTests {
    /// A line of `/proc/PID/status`, without its name.
    private func status(_ name: String, of process: Int) throws -> String {
        let text = try String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
        let line = try #require(text.split(separator: "\n").first { $0.hasPrefix(name + ":") })
        return line.dropFirst(name.count + 1).trimmingCharacters(in: .whitespaces)
    }

    @Test(arguments: Client.allCases) func servesUnderTheConstraintsOfTheDaemonSet(_ client: Client) async throws {
        try await withContainerNode { containers in
            let daemon = try await containers.start()
            let node = containers.node
            let driver = Driver(client: client, node: node)
            try await driver.play("version")
            try await driver.play("mount", driver.volume(of: .build(1)))
            try await driver.play("republish", driver.volume(of: .build(1)))
            try await driver.play("reconnect", driver.volume(of: .build(1)))
            #expect(node.forge.mintCount == 1)
            let pods = try (1...50).flatMap { try driver.volume(of: .build($0)) }
            try await driver.play("concurrent", ["--callers", "50"] + pods)
            #expect(node.forge.mintCount == 50)

            var stranger = Subject.build(99)
            stranger.namespace = "somewhere"
            let refused = ["--expect-code", "PERMISSION_DENIED", "--expect-text", "no grant names namespace"]
            try await driver.play("refused", refused + driver.volume(of: stranger))

            // Ends, and leaves the journal to the next one.
            #expect(await daemon.process.stop() == 0, "\(daemon.process.log)")
            let next = try await containers.start()
            try await driver.play("mount", driver.volume(of: .build(1)))
            #expect(node.forge.mintCount == 50)
            #expect(await next.process.stop() == 0)
            let (secrets, leaked) = node.leaks()
            #expect(secrets > 0 && leaked.isEmpty)
        }
    }

    /// The kernel's own account of what holds the process.
    @Test func isHeldByTheConstraints() async throws {
        try await withContainerNode { containers in
            let daemon = try await containers.start()
            let process = try await daemon.processID()
            for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
                #expect(try status(set, of: process) == "0000000000000000")
            }
            #expect(try status("NoNewPrivs", of: process) == "1")
            #expect(try status("Seccomp", of: process) == "2", "a filter")
            #expect(try status("Uid", of: process) == "0\t0\t0\t0")
            let mounts = try String(contentsOfFile: "/proc/\(process)/mountinfo", encoding: .utf8).split(
                separator: "\n"
            )
            let access = mounts.reduce(into: [String: Substring]()) { access, line in
                let fields = line.split(separator: " ")
                access[String(fields[4])] = fields[5].prefix(3)
            }
            #expect(access["/"] == "ro," && access["/config"] == "ro," && access["/etc/daypass/keys"] == "ro,")
            #expect(access["/run/secrets-store-csi-providers"] == "rw," && access["/run/daypass"] == "rw,")
            #expect(try daemon.memory("memory.limit_in_bytes", "memory.max") == 128 << 20)
            let root = try await ContainerImage.shared.root()
            for program in ["bin/sh", "usr/bin/sh", "usr/bin/apt-get", "usr/bin/dpkg"] {
                #expect(!FileManager.default.fileExists(atPath: "\(root)/\(program)"))
            }
            #expect(await daemon.process.stop() == 0)
        }
    }

    /// The container dies, as when its memory is out; the next one has the same tokens.
    @Test(arguments: Client.allCases) func survivesTheEndOfItsContainer(_ client: Client) async throws {
        try await withContainerNode { containers in
            let first = try await containers.start()
            let second = Box<ContainedDaemon?>(nil)
            let driver = Driver(client: client, node: containers.node)
            try await driver.play("restart", driver.volume(of: .build(1))) { question in
                switch question {
                case "stop": try await first.kill()
                case "start": second.set(try await containers.start())
                default: return "unknown question"
                }
                return "done"
            }
            #expect(first.process.exitCode == 137)
            #expect(containers.node.forge.mintCount == 1)
            #expect(await second.get()?.process.stop() == 0)
        }
    }

    /// Another user than root serves when the two folders and the key are its own: the driver, root, may connect.
    @Test(arguments: Client.allCases) func servesAsAnotherUserThanRoot(_ client: Client) async throws {
        try await withContainerNode(user: 65532) { containers in
            let daemon = try await containers.start()
            let process = try await daemon.processID()
            #expect(try status("Uid", of: process) == "65532\t65532\t65532\t65532")
            let driver = Driver(client: client, node: containers.node)
            try await driver.play("mount", driver.volume(of: .build(1)))
            try await driver.play("republish", driver.volume(of: .build(1)))
            #expect(containers.node.forge.mintCount == 1)
            #expect(await daemon.process.stop() == 0, "\(daemon.process.log)")
        }
    }
}
