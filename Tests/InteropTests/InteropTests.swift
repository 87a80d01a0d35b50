// The real daemon and clients on other stacks: grpc-go, which the driver is built on, and gRPC's C++ library.

import DriverCall
import Foundation
import LoopbackForge
import Support
import Testing
import TokenStore

@Suite(.serialized) struct InteropTests {
    private func withDriver(
        _ client: Client,
        _ body: (Driver, DaemonProcess) async throws -> Void
    ) async throws {
        try await withNode { node in
            let daemon = try await node.startDaemon()
            try await body(Driver(client: client, node: node), daemon)
            let (secrets, leaked) = node.leaks()
            #expect(secrets > 0 && leaked.isEmpty)
        }
    }

    /// Every driver's authority is taken, repetitions get the same bytes, and one Pod costs one mint.
    @Test(arguments: Client.allCases) func answers(_ client: Client) async throws {
        try await withDriver(client) { driver, daemon in
            for authority in ["localhost", "raw", "encoded"] {
                try await driver.play("version", ["--authority", authority])
                try await driver.play("mount", ["--authority", authority] + driver.volume(of: .build(1)))
            }
            try await driver.play("republish", driver.volume(of: .build(1)))
            #expect(driver.node.forge.mintCount == 1)
            try await driver.play("reconnect", driver.volume(of: .build(1)))
            #expect(driver.node.forge.mintCount == 1)
            #expect(await daemon.stop() == 0)
        }
    }

    @Test(arguments: Client.allCases) func refuses(_ client: Client) async throws {
        try await withDriver(client) { driver, daemon in
            var stranger = Subject.build(1)
            stranger.namespace = "somewhere"
            let refused = try await driver.play(
                "refused",
                ["--expect-code", "PERMISSION_DENIED", "--expect-text", "no grant names namespace \"somewhere\""]
                    + driver.volume(of: stranger)
            )
            #expect(refused.hasPrefix("refused PERMISSION_DENIED: NotGranted: "))
            let unproved = try driver.volume(of: .build(2)) { $0.tokens = [] }
            try await driver.play(
                "refused",
                ["--expect-code", "FAILED_PRECONDITION", "--expect-text", "TokenMissing"] + unproved
            )
            let large = try await driver.play(
                "large",
                ["--size", "5242880", "--expect-code", "INVALID_ARGUMENT"] + driver.volume(of: .build(3))
            )
            #expect(large.hasPrefix("refused INVALID_ARGUMENT: RequestTooLarge: the Mount call has 52"))
            #expect(driver.node.forge.requests.isEmpty && driver.node.forge.mintCount == 0)
            #expect(await daemon.stop() == 0)
        }
    }

    @Test(arguments: Client.allCases) func servesAHundredCallersAtOnce(_ client: Client) async throws {
        try await withDriver(client) { driver, daemon in
            // One Pod: while its mint hangs, all callers come to wait for it.
            let gate = ForgeGate()
            driver.node.forge.fail(.mint, .held(gate))
            let one = try driver.volume(of: .build(1000))
            async let callers = driver.play("concurrent", ["--callers", "100"] + one)
            await until { gate.arrivals == 1 }
            gate.open()
            _ = try await callers
            #expect(driver.node.forge.mintCount == 1 && gate.arrivals == 1)

            let pods = try (1...100).flatMap { try driver.volume(of: .build($0)) }
            try await driver.play("concurrent", ["--callers", "100"] + pods)
            let values = Set(driver.node.forge.tokens.map(\.value))
            #expect(driver.node.forge.mintCount == 101 && values.count == 101, "each Pod has a token of its own")
            #expect(await daemon.stop() == 0)
        }
    }

    /// The caller goes while the mint hangs: the provider notices, the mint goes on, and the next call gets its token.
    @Test(arguments: Client.allCases) func callersThatLeaveLoseNothing(_ client: Client) async throws {
        try await withDriver(client) { driver, daemon in
            let forge = driver.node.forge
            for (round, scenario) in ["deadline", "cancel"].enumerated() {
                let gate = ForgeGate()
                forge.fail(.mint, .held(gate))
                let volume = try driver.volume(of: .build(round + 1))
                // Our own limit comes before the caller's, so that the caller learns what became of its call.
                let inTime = [
                    "--deadline-ms", "2000", "--expect-code", "INTERNAL", "--expect-text", " ms; the mint goes on",
                ]
                let flags = scenario == "deadline" ? inTime : []
                let reason = scenario == "deadline" ? "OutOfTime" : "Cancelled"
                try await driver.play(scenario, flags + volume) { question in
                    switch question {
                    case "arrived": return await answer(question) { gate.arrivals > 0 }
                    case "ended":
                        return await daemon.waitForLog("build-\(round + 1)", "\"reason\":\"\(reason)\"")
                            ? "done" : "the provider did not notice: \(daemon.log)"
                    default: return "unknown question"
                    }
                }
                #expect(forge.mintCount == round, "the mint still hangs")
                async let retry = driver.play("mount", volume)
                gate.open()
                _ = try await retry
                #expect(forge.mintCount == round + 1 && gate.arrivals == 1, "the retry joins the mint")
            }
            #expect(await daemon.stop() == 0)
        }
    }

    /// `kill -9` under a cached client, a call meanwhile, and a new daemon on the same path.
    @Test(arguments: Client.allCases) func survivesARestart(_ client: Client) async throws {
        try await withDriver(client) { driver, first in
            let second = Box<DaemonProcess?>(nil)
            let node = driver.node
            try await driver.play("restart", driver.volume(of: .build(1))) { question in
                switch question {
                case "stop": await first.kill()
                case "start": second.set(try await node.startDaemon())
                default: return "unknown question"
                }
                return "done"
            }
            #expect(first.exitCode == -1)
            #expect(await second.get()?.stop() == 0)
        }
    }

    /// SIGTERM while a call hangs: the call gets its answer, then the daemon ends.
    @Test(arguments: Client.allCases) func drains(_ client: Client) async throws {
        try await withDriver(client) { driver, daemon in
            let gate = ForgeGate()
            let socket = driver.node.socket
            driver.node.forge.fail(.mint, .held(gate))
            try await driver.play("drain", driver.volume(of: .build(1))) { question in
                guard question == "drain" else { return await answer(question) { gate.arrivals > 0 } }
                daemon.terminate()
                defer { gate.open() }
                return await answer(question) {
                    daemon.log.contains("\"message\":\"ending\"") && !FileManager.default.fileExists(atPath: socket)
                }
            }
            #expect(await daemon.waitForEnd() == 0, "\(daemon.log)")
            #expect(daemon.log.contains("\"calls_in_flight\":\"1\""))
        }
    }

    /// Three rolling updates under a client that calls all the time, with mints that hang among them: each new daemon
    /// stands by, takes the socket over, and not one Mount fails.
    @Test func handsOverWithoutAGap() async throws {
        try await withDriver(.go) { driver, first in
            let node = driver.node
            let volumes = try (1...12).flatMap { try driver.volume(of: .build($0)) }
            let current = Box(first)
            let played = try await driver.play("handover", ["--callers", "8"] + volumes) { question in
                guard question == "handover" else { return "unknown question" }
                for round in 1...3 {
                    let next = try node.launchDaemon()
                    guard await next.waitForLog("holding the socket"),
                        await current.get().waitForLog("a successor stands by")
                    else { return "round \(round): the successor does not stand by: \(next.log)" }
                    let gate = ForgeGate()
                    node.forge.fail(.mint, .held(gate))
                    async let slow = node.mount(try node.attributes(for: .build(100 + round)))
                    await until { gate.arrivals > 0 }
                    current.get().terminate()
                    guard await current.get().waitForLog("\"message\":\"ending\"") else { return "it does not end" }
                    gate.open()
                    guard try await slow.line == "OK" else { return "round \(round): the mint that hung failed" }
                    guard await current.get().waitForEnd() == 0 else { return "round \(round): \(current.get().log)" }
                    try await node.waitUntilServing(next)
                    current.set(next)
                }
                return "done"
            }
            #expect(played.contains("mounted "))
            #expect(node.forge.mintCount == 12 + 3, "nothing is minted twice")
            #expect(current.get().log.contains("\"taken_over\":\"true\""))
            #expect(await current.get().stop() == 0)
        }
    }

    /// The daemon that serves is killed: its successor has the socket already, and clients wait in it.
    @Test func aKilledDaemonLeavesItsSocketToItsSuccessor() async throws {
        try await withDriver(.go) { driver, first in
            let node = driver.node
            let volumes = try (1...4).flatMap { try driver.volume(of: .build($0)) }
            let second = Box<DaemonProcess?>(nil)
            try await driver.play("handover", ["--callers", "4"] + volumes) { question in
                guard question == "handover" else { return "unknown question" }
                let next = try node.launchDaemon()
                guard await next.waitForLog("holding the socket") else { return "it does not stand by: \(next.log)" }
                second.set(next)
                await first.kill()
                try await node.waitUntilServing(next)
                return "done"
            }
            #expect(node.forge.mintCount == 4, "a crash loses no lease")
            #expect(await second.get()?.stop() == 0)
        }
    }
}
