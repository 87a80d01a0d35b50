// The forge fails in many ways: running builds keep their tokens, new ones get a final code and then their token.

import Daemon
import Foundation
import Leases
import LoopbackForge
import Support
import Testing

@Suite(.serialized) struct StoreFaultTests {
    private static let faults: [(name: String, fault: ForgeFault, reason: String)] = [
        ("500", .answer(status: 500), "StoreUnavailable"),
        ("503", .answer(status: 503), "StoreUnavailable"),
        ("429", .rateLimited(retryAfter: "1"), "StoreRateLimited"),
        ("garbage", .answer(status: 201, message: "no token here"), "StoreAnswerUnusable"),
        ("10 MiB", .answer(status: 201, message: String(repeating: "x", count: 10 << 20)), "StoreAnswerUnusable"),
        ("lost", .lostAnswer, "StoreUnavailable"),
    ]

    @Test(arguments: faults.indices) func aForgeThatFails(_ index: Int) async throws {
        let (name, fault, reason) = Self.faults[index]
        try await Life.with { life in
            let first = try await life.mount(1)
            life.node.forge.fail(.mint, fault)
            let refused = try await life.tryToMount(2)
            #expect(refused.line.contains(": \(reason): "), "\(name): \(refused.line)")
            let again = try await life.mount(1)
            #expect(again == first)
            // kubelet tries again by itself.
            _ = try await life.mount(2)
            let report = try await life.report()
            #expect(report.counts.live == 2)
            try life.end(1)
            try life.end(2)
            _ = try await life.survive("the end") {
                let counts = try await life.report().counts
                return counts.live + counts.revoking == 0 ? true : nil
            }
            // Only a token whose answer was lost can live on, and it is reported.
            #expect(life.node.forge.liveTokens.count == (name == "lost" ? 1 : 0))
            #expect(try await life.report().counts.lost >= life.node.forge.liveTokens.count)
        }
    }

    /// A forge that hangs costs nobody else: the breaker and our own deadline see to it.
    @Test func aForgeThatHangs() async throws {
        try await Life.with { life in
            try await life.stopDaemon()
            let text = try String(contentsOfFile: life.node.path("node.yaml"), encoding: .utf8)
            try life.node.write(text.replacing("mountDeadline: 110s", with: "mountDeadline: 1s"), to: "node.yaml")
            try await life.start()
            let first = try await life.mount(1)
            let gate = ForgeGate()
            life.node.forge.fail(.mint, .held(gate))
            let late = try await life.tryToMount(2)
            #expect(late.line.hasPrefix("INTERNAL: OutOfTime: "), "\(late.line)")
            let again = try await life.mount(1)
            #expect(again == first)
            gate.open()
            // The mint went on, and the next try finds its token.
            _ = try await life.mount(2)
            #expect(life.tokens(2).count == 1)
        }
    }

    @Test func aRevocationThatFailsIsTriedAgain() async throws {
        try await Life.with { life in
            _ = try await life.mount(1)
            life.node.forge.fail(.revoke, .answer(status: 500), times: 2)
            life.node.forge.fail(.revoke, .lostAnswer)
            try life.end(1)
            try await life.waitUntilLive(1, 0)
            _ = try await life.survive("the end of the debt") {
                try await life.report().counts.revoking == 0 ? true : nil
            }
            let report = try await life.report()
            #expect(report.counts.revocationsFailed >= 2 && report.counts.revoked == 1, "\(report.counts)")
        }
    }
}
