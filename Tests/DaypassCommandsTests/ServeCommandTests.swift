// The life of `daypass serve`: its socket, its successor, its end.

import Foundation
import Glibc
import Support
import Testing

@Suite struct ServeCommandTests {
    /// Mode and inode of the node's socket; `nil` when there is none.
    private func socketFile(_ node: Node) -> (mode: mode_t, inode: UInt)? {
        var status = stat()
        guard lstat(node.socket, &status) == 0 else { return nil }
        return (status.st_mode, UInt(status.st_ino))
    }

    @Test func aSecondDaemonTakesOver() async throws {
        try await withNode { node in
            let first = try await node.startDaemon()
            let before = try #require(socketFile(node))
            #expect(before.mode == S_IFSOCK | 0o600)
            let asked = try await node.daypass(["version", "--socket", node.socket])
            #expect(asked.output == "daypass 0.1.0, API v1alpha1\n", "\(asked.text)")

            // The second stands by: two daemons must not write one journal.
            let second = try node.launchDaemon()
            #expect(await second.waitForLog("another daemon"))
            #expect(socketFile(node)?.inode == before.inode)
            #expect(await first.stop() == 0, "\(first.log)")
            try await node.waitUntilServing(second)
            let after = try #require(socketFile(node))
            #expect(after.mode == before.mode)
            let answer = try await node.mount(try node.attributes(for: .build(1)))
            #expect(answer.line == "OK")
            #expect(second.log.contains("token minted") && !first.log.contains("token minted"))

            #expect(await second.stop() == 0, "\(second.log)")
            #expect(socketFile(node) == nil)
            let left = try FileManager.default.contentsOfDirectory(atPath: node.folder).filter { $0.contains("sock") }
            #expect(left.isEmpty)
        }
    }

    @Test func aKilledDaemonsSocketIsReplaced() async throws {
        try await withNode { node in
            let first = try await node.startDaemon()
            await first.kill()
            #expect(first.exitCode == -1 && socketFile(node) != nil)
            let second = try await node.startDaemon()
            #expect(await node.version() == "daypass")
            #expect(await second.stop() == 0)
        }
    }

    @Test func aStoreWithoutItsKeyIsToldAndRefused() async throws {
        try await withNode { node in
            let text = try String(contentsOfFile: node.path("node.yaml"), encoding: .utf8)
            try node.write(text.replacing("app.pem", with: "none.pem"), to: "keyless.yaml")
            let daemon = try await node.startDaemon(configuration: "keyless.yaml")
            #expect(await daemon.waitForLog("store can't be used", "none.pem"))
            let answer = try await node.mount(try node.attributes(for: .build(1)))
            #expect(answer.line.hasPrefix("FAILED_PRECONDITION: StoreMisconfigured: store github: "), "\(answer.line)")
            await daemon.stop()
        }
    }
}
