// The daemon is killed at each named point, and the forge's books are read afterwards.

import Daemon
import Leases
import LoopbackForge
import Support
import Testing

/// What is asserted comes from the forge: no live token without a running Pod, no second mint for a running Pod, and
/// the same bytes after a restart as before.
@Suite(.serialized) struct CrashTests {
    /// Where the daemon dies while tokens are minted; how many answers of the forge are lost there, so that nobody can
    /// know those tokens (GitHub neither names nor lists them); and how many intents are reported as lost: the journal
    /// can't know whether the forge was asked.
    static let minting: [(point: CrashPoint, nth: Int, lost: Int, reported: Int)] = [
        (.beforeIntent, 1, 0, 0), (.beforeIntent, 2, 0, 0), (.afterIntent, 1, 0, 1), (.afterIntent, 2, 0, 1),
        (.afterMint, 1, 1, 1), (.afterMint, 2, 1, 1), (.insideTransaction, 1, 0, 0), (.insideTransaction, 2, 1, 1),
        (.insideTransaction, 4, 1, 1), (.afterLease, 1, 0, 0), (.afterLease, 2, 0, 0), (.beforeAnswer, 1, 0, 0),
        (.beforeAnswer, 2, 0, 0),
    ]

    @Test(arguments: minting) func whileMinting(
        _ point: CrashPoint,
        _ nth: Int,
        _ lost: Int,
        _ reported: Int
    ) async throws {
        try await Life.with(crashAt: "\(point.rawValue):\(nth)") { life in
            let first = try await life.mount(1)
            _ = try await life.mount(2)
            #expect(life.restarts == 1, "the daemon did not die")
            try await balance(life, first: first, lost: lost, reported: reported)
        }
    }

    static let ending: [CrashPoint] = [.beforeRevoking, .afterRevoking, .afterRevocation]

    @Test(arguments: ending) func whileRevoking(_ point: CrashPoint) async throws {
        try await Life.with(crashAt: point.rawValue) { life in
            let first = try await life.mount(1)
            _ = try await life.mount(2)
            try await balance(life, first: first, lost: 0)
            #expect(life.restarts == 1, "the daemon did not die")
        }
    }

    static let starting: [CrashPoint] = [.afterLoad, .afterNewKey, .afterResealing, .duringCompaction]

    @Test(arguments: starting) func whileStarting(_ point: CrashPoint) async throws {
        try await Life.with { life in
            let first = try await life.mount(1)
            _ = try await life.mount(2)
            await life.kill()
            try await life.start(crashAt: point.rawValue)
            #expect(await life.daemon.waitForEnd() == -1, "\(life.daemon.log)")
            try await balance(life, first: first, lost: 0)
        }
    }

    /// The daemon dies while it makes its first journal, and while it brings an old one up to date.
    @Test func whileMigrating() async throws {
        try await Life.with(crashAt: "\(CrashPoint.insideMigration.rawValue):2") { life in
            #expect(await life.daemon.waitForEnd() == -1, "\(life.daemon.log)")
            let first = try await life.mount(1)
            await life.kill()
            try await life.sqlite([
                "ALTER TABLE lease DROP COLUMN target_path",
                "ALTER TABLE lease DROP COLUMN origin",
                "DELETE FROM grdb_migrations WHERE identifier = 'v2'",
            ])
            try await life.start(crashAt: CrashPoint.insideMigration.rawValue)
            #expect(await life.daemon.waitForEnd() == -1, "\(life.daemon.log)")
            _ = try await life.mount(2)
            try await balance(life, first: first, lost: 0)
        }
    }

    /// The forge mints, and the daemon dies before the answer comes.
    @Test func whileTheForgeMints() async throws {
        try await Life.with { life in
            let first = try await life.mount(1)
            let gate = ForgeGate()
            life.node.forge.fail(.mint, .held(gate))
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { _ = try await life.tryToMount(2) }
                await until { gate.arrivals == 1 }
                await life.kill()
                gate.open()
                try await group.waitForAll()
            }
            await until { life.tokens(2).count == 1 }
            _ = try await life.mount(2)
            try await balance(life, first: first, lost: 1)
        }
    }

    /// The forge revokes, and the daemon dies before the answer comes.
    @Test func whileTheForgeRevokes() async throws {
        try await Life.with { life in
            let first = try await life.mount(1)
            _ = try await life.mount(2)
            let gate = ForgeGate()
            life.node.forge.fail(.revoke, .held(gate))
            try life.end(2)
            await until { gate.arrivals == 1 }
            await life.kill()
            gate.open()
            try await life.start()
            try await life.waitUntilLive(2, 0)
            try await balance(life, first: first, lost: 0)
        }
    }

    /// Ends build 2 and then build 1, and reads the books after each.
    private func balance(
        _ life: Life,
        first: [String: String],
        lost: Int,
        reported: Int? = nil
    ) async throws {
        // Which of the two builds lost an answer depends on the point; together they lost so many.
        let minted = life.tokens(1).count + life.tokens(2).count
        #expect(minted == 2 + lost)
        try life.end(2)
        try await life.waitUntilLive(2, life.tokens(2).count - 1)

        let again = try await life.mount(1)
        #expect(again == first, "the running Pod has other bytes")
        #expect(life.tokens(1).count + life.tokens(2).count == 2 + lost, "a second mint")
        #expect(life.liveTokens(1).contains { token in first.values.contains { $0.contains(token.value) } })

        let report = try await life.report()
        #expect(report.counts.live == 1 && report.counts.lost == reported ?? lost, "\(report)")
        try life.end(1)
        try await life.waitUntilLive(1, life.tokens(1).count - 1)
        #expect(life.node.forge.liveTokens.count == lost)

        let leaks = life.node.leaks()
        #expect(leaks.secrets > 0 && leaks.leaked.isEmpty)
        #expect(try life.tokensOnDisk().isEmpty)
        #expect(await life.daemon.stop() == 0)
    }
}
