// A build ends, and its tokens are dead at the forge.

import Daemon
import Leases
import LoopbackForge
import Support
import Testing

@Suite(.serialized) struct EndOfBuildTests {
    @Test func aVanishedVolumeEndsItsTokensAndNoOthers() async throws {
        try await Life.with { life in
            _ = try await life.mount(1)
            _ = try await life.mount(2)
            try life.end(2)
            try await life.waitUntilLive(2, 0)
            #expect(life.liveTokens(1).count == 1)
            // The forge knows it a moment before the daemon has its answer.
            let report = try await life.survive("the end of the debt") {
                let report = try await life.report()
                return report.counts.revoking == 0 ? report : nil
            }
            #expect(report.counts.live == 1 && report.counts.revoked == 1)
            #expect(report.leases.map(\.pod) == ["build-1"])
        }
    }

    /// kubelet clears the directory after a first publish that failed, and tries again: the Pod gets a token.
    @Test func aVolumeThatComesBackGetsANewToken() async throws {
        try await Life.with { life in
            _ = try await life.mount(1)
            try life.end(1)
            try await life.waitUntilLive(1, 0)
            _ = try await life.mount(1)
            #expect(life.liveTokens(1).count == 1 && life.tokens(1).count == 2)
        }
    }

    @Test func anOperatorRevokes() async throws {
        try await Life.with { life in
            _ = try await life.mount(1)
            _ = try await life.mount(2)
            let socket = ["--admin-socket", life.node.adminSocket]
            let listed = try await life.node.daypass(["leases"] + socket)
            #expect(listed.code == 0, "\(listed.text)")
            #expect(listed.output.hasPrefix("POD "))
            #expect(listed.output.contains("binder/build-1") && listed.output.contains("live"))
            let unknown = try await life.node.daypass(["revoke", "--pod", "binder/none"] + socket)
            #expect(unknown.code == 1 && unknown.output.hasPrefix("nothing to revoke"))
            let one = try await life.node.daypass(["revoke", "--pod", "binder/build-1"] + socket)
            #expect(one.code == 0 && one.output == "1 revoked\n", "\(one.text)")
            #expect(life.liveTokens(1).isEmpty && life.liveTokens(2).count == 1)
            life.node.forge.fail(.revoke, .answer(status: 500), times: 3)
            let failed = try await life.node.daypass(["revoke", "--all"] + socket)
            #expect(
                failed.code == 1 && failed.output.contains("1 not revoked yet; the daemon tries on"),
                "\(failed.text)"
            )
            try await life.waitUntilLive(2, 0)
            let malformed = try await life.node.daypass(["revoke", "--all", "--store", "x"])
            #expect(malformed.code == 64)
            let nobody = try await life.node.daypass(["leases", "--admin-socket", life.node.path("none.sock")])
            #expect(nobody.code == 2 && nobody.error.contains("no daemon answers"))
            #expect(life.node.leaks().leaked.isEmpty)
        }
    }
}
