// Random lives: builds come and go, the forge fails, and the daemon is killed at any moment.

import Daemon
import Foundation
import Leases
import LoopbackForge
import Support
import Testing

/// `make test` plays a few lives; `make soak` plays many (`DAYPASS_SOAK_RUNS`, `DAYPASS_SOAK_SEED`).
@Suite(.serialized) struct SoakTests {
    private static func number(_ name: String, or standard: Int) -> Int {
        ProcessInfo.processInfo.environment[name].flatMap(Int.init) ?? standard
    }

    @Test func randomLives() async throws {
        let first = Self.number("DAYPASS_SOAK_SEED", or: Int.random(in: 0..<1_000_000))
        for run in 0..<Self.number("DAYPASS_SOAK_RUNS", or: 4) {
            let life = RandomLife(seed: UInt64(first + run))
            let problems = try await life.play()
            #expect(problems.isEmpty, "seed \(first + run): \(problems)")
            guard problems.isEmpty else { return }
        }
    }
}

/// One random life of a node.
private struct RandomLife {
    private static let builds = 5
    let seed: UInt64

    /// Plays it. Returns which promises were broken.
    func play() async throws -> [String] {
        var random = Seeded(seed)
        var running: [Int: [String: String]] = [:]
        var publishes = 0
        var problems: [String] = []
        try await Life.with(builds: Self.builds) { life in
            for _ in 0..<12 {
                disturb(life.node.forge, &random)
                let number = Int.random(in: 1...Self.builds, using: &random)
                let delay = Int.random(in: 0...120, using: &random)
                let kills = Int.random(in: 0..<3, using: &random) == 0
                async let killing: Void = kill(life, after: kills ? delay : nil)
                if running[number] != nil, Int.random(in: 0..<3, using: &random) == 0 {
                    try life.end(number)
                    running[number] = nil
                    // Half of the ends are noticed before the build's directory can come back.
                    if Bool.random(using: &random) { try await life.waitUntilNoticed(number) }
                } else {
                    let files = try await life.mount(number)
                    if let old = running[number] {
                        if files != old { problems.append("build \(number) got other bytes") }
                    } else {
                        publishes += 1
                    }
                    running[number] = files
                }
                await killing
            }
            problems += try await balance(life, running, publishes)
        }
        return problems
    }

    /// Lets the forge fail in some way, or not.
    private func disturb(_ forge: LoopbackForge, _ random: inout Seeded) {
        switch Int.random(in: 0..<10, using: &random) {
        case 0: forge.fail(.mint, .answer(status: 500))
        case 1: forge.fail(.mint, .slow(.milliseconds(60)))
        case 2: forge.fail(.revoke, .answer(status: 502))
        case 3: forge.fail(.revoke, .slow(.milliseconds(60)))
        case 4: forge.fail(.revoke, .lostAnswer)
        case 5: forge.fail(.mint, .lostAnswer)
        default: break
        }
    }

    private func kill(_ life: Life, after delay: Int?) async {
        guard let delay else { return }
        try? await Task.sleep(for: .milliseconds(delay))
        await life.kill()
    }

    /// Reads the books: while builds run, and after all have ended.
    private func balance(_ life: Life, _ running: [Int: [String: String]], _ publishes: Int) async throws -> [String] {
        var problems: [String] = []
        for (number, files) in running {
            let again = try await life.mount(number)
            if again != files { problems.append("build \(number) got other bytes at the end") }
            if !life.liveTokens(number).contains(where: { token in again.values.contains { $0.contains(token.value) } })
            {
                problems.append("build \(number) has no live token")
            }
        }
        // Every end is noticed now; what lives beyond the running builds are tokens whose answers were lost.
        for number in 1...Self.builds where running[number] == nil { try await life.waitUntilNoticed(number) }
        _ = try await life.survive("an empty list of revocations") {
            let counts = try await life.report().counts
            return counts.revoking == 0 && counts.superseded == 0 && counts.intended == 0 ? true : nil
        }
        let lost = try await life.report().counts.lost
        let minted = life.node.forge.mintCount
        if minted > publishes + lost { problems.append("\(minted) mints for \(publishes) publishes, \(lost) lost") }
        for number in running.keys { try life.end(number) }
        _ = try await life.survive("the end of all leases") {
            let counts = try await life.report().counts
            return counts.live + counts.revoking + counts.superseded == 0 ? true : nil
        }
        let left = life.node.forge.liveTokens.count
        if left > lost { problems.append("\(left) tokens live, and only \(lost) were lost") }
        problems += life.node.leaks().leaked.isEmpty ? [] : ["a secret was printed"]
        problems += try life.tokensOnDisk().isEmpty ? [] : ["a token is on disk"]
        return problems
    }
}

/// splitmix64: the same life for the same seed, as far as processes allow.
private struct Seeded: RandomNumberGenerator {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
