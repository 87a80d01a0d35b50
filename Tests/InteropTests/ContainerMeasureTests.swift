// Figures of the image for people: how fast it starts, and what memory it takes. Nothing is asserted about them.

import DriverCall
import Foundation
import LoopbackForge
import Support
import Testing
import TokenStore

/// Runs with `DAYPASS_MEASURE=1` and `DAYPASS_IMAGE` only; prints what it measured.
@Suite(
    .serialized,
    .enabled(if: ["DAYPASS_MEASURE", "DAYPASS_IMAGE"].allSatisfy { ProcessInfo.processInfo.environment[$0] != nil })
)
struct ContainerMeasureTests {
    private func milliseconds(_ duration: Duration) -> Int { Int(duration / .milliseconds(1)) }

    private func tell(_ what: String, _ values: [Duration]) {
        let sorted = values.map(milliseconds).sorted()
        print("MEASURED \(what): median \(sorted[sorted.count / 2]) ms, \(sorted[0]) to \(sorted[sorted.count - 1]) ms")
    }

    /// What `/proc` and the cgroup say of a daemon.
    private func memory(of daemon: ContainedDaemon, _ when: String) async throws {
        let process = try await daemon.processID()
        let lines = try String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8).split(separator: "\n")
        let kept = ["VmRSS:", "VmHWM:", "RssAnon:", "RssFile:", "Threads:"]
        let figures = lines.filter { line in kept.contains { line.hasPrefix($0) } }.map {
            $0.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        }
        let used = try daemon.memory("memory.usage_in_bytes", "memory.current")
        let most = try daemon.memory("memory.max_usage_in_bytes", "memory.peak")
        let cgroup = "cgroup \(used >> 10) kB, at most \(most >> 10) kB"
        print("MEASURED memory, \(when): \(figures.joined(separator: ", ")); \(cgroup)")
    }

    @Test func startUp() async throws {
        let root = try await ContainerImage.shared.root()
        var bare: [Duration] = []
        var version: [Duration] = []
        var mount: [Duration] = []
        for _ in 0..<7 {
            let begin = ContinuousClock.now
            _ = try await runProgram(ContainerImage.runner, ["--bundle", "\(root).bare", root, "--version"])
            bare.append(ContinuousClock.now - begin)
        }
        tell("a container that prints the version and ends, with runc", bare)
        for _ in 0..<7 {
            try await withContainerNode { containers in
                let attributes = try containers.node.attributes(for: .build(1))
                let begin = ContinuousClock.now
                let daemon = try await containers.start()
                version.append(ContinuousClock.now - begin)
                let answer = try await containers.node.mount(attributes)
                mount.append(ContinuousClock.now - begin)
                #expect(answer.line == "OK")
                #expect(await daemon.process.stop() == 0)
            }
        }
        tell("from the start of runc to an answered Version", version)
        tell("from the start of runc to an answered Mount, with its mint", mount)
    }

    @Test func memoryAtFiveHundredLeases() async throws {
        try await withContainerNode { containers in
            let node = containers.node
            let daemon = try await containers.start()
            try await Task.sleep(for: .seconds(5))
            try await memory(of: daemon, "idle")
            for first in stride(from: 1, through: 500, by: 10) {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in first..<first + 10 {
                        let attributes = try node.attributes(for: .build(number))
                        group.addTask {
                            let answer = try await node.mount(attributes)
                            #expect(answer.line == "OK")
                        }
                    }
                    try await group.waitForAll()
                }
            }
            #expect(node.forge.mintCount == 500)
            try await memory(of: daemon, "500 leases, just minted")
            // What kubelet does every minute or two: each Pod's call again.
            for number in 1...500 { _ = try await node.mount(try node.attributes(for: .build(number))) }
            try await Task.sleep(for: .seconds(10))
            try await memory(of: daemon, "500 leases, after each Pod's second call")
            #expect(await daemon.process.stop() == 0)
            let next = try await containers.start()
            try await memory(of: next, "500 leases, after a restart")
            #expect(await next.process.stop() == 0)
        }
    }
}
