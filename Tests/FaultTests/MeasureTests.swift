// Figures for people: how fast ends are noticed, how long a restart takes. Nothing is asserted about time.

import Daemon
import DriverCall
import Foundation
import Leases
import LoopbackCluster
import LoopbackForge
import Support
import Testing
import TokenStore

/// Runs with `DAYPASS_MEASURE=1` only; prints what it measured.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["DAYPASS_MEASURE"] != nil))
struct MeasureTests {
    private func milliseconds(_ duration: Duration) -> Double {
        Double(duration.components.seconds) * 1000 + Double(duration.components.attoseconds) / 1e15
    }

    private func tell(_ what: String, _ values: [Duration]) {
        let sorted = values.map(milliseconds).sorted()
        print("MEASURED \(what): median \(sorted[sorted.count / 2]) ms, max \(sorted.last ?? 0) ms, of \(sorted.count)")
    }

    private func timeToRevoked(_ life: Life, _ number: Int, _ end: () throws -> Void) async throws -> Duration {
        let begin = ContinuousClock.now
        try end()
        await until { life.liveTokens(number).isEmpty }
        return ContinuousClock.now - begin
    }

    @Test func fromTheEndOfAPodToItsTokensEnd() async throws {
        try await Life.withPods(builds: 50) { life in
            let pods = try #require(life.pods)
            for number in 1...50 { _ = try await life.mount(number) }
            var times: [Duration] = []
            for number in 1...50 {
                times.append(
                    try await timeToRevoked(life, number) {
                        pods.setPhase("Succeeded", of: Subject.build(number).podUID)
                    }
                )
            }
            tell("end of Pod to revoked, Pod watch", times)
        }
    }

    @Test func fromTheEndOfADirectoryToItsTokensEnd() async throws {
        try await Life.with(builds: 50) { life in
            for number in 1...50 { _ = try await life.mount(number) }
            var times: [Duration] = []
            for number in 1...50 { times.append(try await timeToRevoked(life, number) { try life.end(number) }) }
            tell("directory gone to revoked, pathDelay 200 ms", times)
        }
    }

    /// One repository for all: what is measured is the daemon.
    @Test func aRestartWithAThousandLeases() async throws {
        try await Life.with(builds: 1) { life in
            let kubelet = life.node.path("kubelet")
            func mount(_ number: Int) async throws -> MountAnswer {
                let attributes = try life.node.attributes(for: .build(number), repository: Life.repository(1))
                let target = attributes.targetPath(volume: "credentials", kubelet: kubelet)
                try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true)
                return try await life.node.mount(attributes, kubelet: kubelet)
            }
            try await life.node.waitUntilServing(life.daemon)
            for first in stride(from: 1, to: 1000, by: 8) {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in first..<first + 8 {
                        group.addTask {
                            while try await mount(number).line != "OK" { try await Task.sleep(for: .milliseconds(200)) }
                        }
                    }
                    try await group.waitForAll()
                }
            }
            let held = try await life.report().counts.live
            await life.kill()
            var times: [Duration] = []
            for _ in 0..<5 {
                let begin = ContinuousClock.now
                try await life.start()
                let answer = try await mount(500)
                times.append(ContinuousClock.now - begin)
                #expect(answer.line == "OK")
                await life.kill()
            }
            #expect(life.node.forge.mintCount == held)
            tell("restart with \(held) leases, from the start to the first answer", times)
        }
    }
}
