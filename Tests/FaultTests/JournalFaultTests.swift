// The journal is damaged, removed or full: the node goes on serving, and nothing is lost silently.

import Daemon
import Foundation
import Leases
import LoopbackForge
import Support
import Testing

@Suite(.serialized) struct JournalFaultTests {
    private func setAside(_ life: Life) throws -> [String] {
        let folder = URL(filePath: life.node.journal).deletingLastPathComponent().path
        return try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.contains("set-aside") }
    }

    @Test(arguments: [nil, CrashPoint.afterSettingAside.rawValue])
    func aDamagedFileIsSetAside(_ crashAt: String?) async throws {
        try await Life.with { life in
            _ = try await life.mount(1)
            await life.kill()
            try Data("this is no journal".utf8).write(to: URL(filePath: life.node.journal))
            try await life.start(crashAt: crashAt)
            if crashAt != nil { #expect(await life.daemon.waitForEnd() == -1, "\(life.daemon.log)") }
            // The lease is forgotten: the Pod gets a new token, and so does another Pod.
            _ = try await life.mount(1)
            _ = try await life.mount(2)
            #expect(life.tokens(1).count == 2 && life.liveTokens(2).count == 1)
            let names = try setAside(life)
            #expect(!names.isEmpty, "\(life.node.log)")
            #expect(life.node.log.contains("set aside"), "\(life.node.log)")
            #expect(life.node.leaks().leaked.isEmpty)
        }
    }

    @Test func aFileThatVanishesIsWrittenAnew() async throws {
        try await Life.with { life in
            let first = try await life.mount(1)
            for suffix in ["", "-wal", "-shm"] {
                try? FileManager.default.removeItem(atPath: life.node.journal + suffix)
            }
            _ = try await life.mount(2)
            #expect(life.daemon.log.contains("written anew"))
            await life.kill()
            try await life.start()
            let again = try await life.mount(1)
            #expect(again == first && life.tokens(1).count == 1 && life.tokens(2).count == 1)
        }
    }

    @Test func aFullJournalMintsNothingAndLosesNothing() async throws {
        try await Life.with(builds: 20) { life in
            try await life.stopDaemon()
            let file = life.node.path("node.yaml")
            let text = try String(contentsOfFile: file, encoding: .utf8)
            try life.node.write(
                text.replacing("medium: disk", with: "medium: disk\n  journalBytes: 1048576"),
                to: "node.yaml"
            )
            try await life.start()
            let first = try await life.mount(1)
            try await life.stopDaemon()
            let row = "INSERT INTO unreadable (contents, reason, moved_at) VALUES (hex(zeroblob(500)), 'filler', '')"
            try await life.sqlite(Array(repeating: row, count: 1100))
            try await life.start()
            // The pages that are there already take a few leases more.
            var number = 1
            var answer = MountAnswer(line: "OK", files: [:])
            while answer.line == "OK", number < 20 {
                number += 1
                answer = try await life.tryToMount(number)
            }
            #expect(answer.line.hasPrefix("INTERNAL: JournalUnavailable: "), "\(answer.line)")
            #expect(life.tokens(number).isEmpty)
            let again = try await life.mount(1)
            #expect(again == first)
            #expect(life.daemon.log.contains("the journal can't be written"))
            // Room again: the next try is answered.
            try await life.sqlite(["DELETE FROM unreadable"])
            _ = try await life.mount(number)
            #expect(life.tokens(number).count == 1)
        }
    }
}
