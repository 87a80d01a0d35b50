// The promises of the leases, against thousands of random sequences of events.

import Support
import Testing

@testable import Leases

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// `DAYPASS_PROPERTY_RUNS` says how many sequences are played, `DAYPASS_PROPERTY_SEED` with which seed the first one is.
struct LeasePropertyTests {
    @Test func thePromisesHoldWhateverHappens() {
        let runs = Self.number("DAYPASS_PROPERTY_RUNS") ?? 80
        let first = Self.number("DAYPASS_PROPERTY_SEED") ?? 1
        var tally: [String: Int] = [:]
        var events = 0
        for seed in first..<first + runs {
            var world = LeaseWorld(seed: UInt64(seed))
            world.play(steps: 400)
            world.conclude()
            events += world.events.count
            tally.merge(world.tally) { $0 + $1 }
            if let violation = world.violation {
                Issue.record("seed \(seed) breaks a promise: \(violation)\n\(world.events.joined(separator: "\n"))")
                return
            }
        }
        if Self.number("DAYPASS_PROPERTY_RUNS") != nil {
            print(
                "\(runs) sequences, \(events) events: \(tally.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" })"
            )
        }
        // A generator that does not get there proves nothing.
        guard runs >= 80 else { return }
        for what in Self.reached { #expect(tally[what, default: 0] > 0, "never happened: \(what)") }
    }

    private static let reached = [
        "served", "delivered", "stale", "abandoned", "crash", "reboot", "forgotten", "not revoked", "given up",
        "found 0", "found 1", "late mint", "came dead", "lease not written", "mint failed: answer lost",
        "mint failed: refused",
        "mint failed: no turn", "mint failed: intent not written", "revoked: buildEnded", "revoked: volumeGone",
        "revoked: superseded", "revoked: mountFailed", "revoked: lostAnswer", "revoked: notJournalled",
        "revoked: asked",
    ]

    private static func number(_ name: String) -> Int? {
        ProcessInfo.processInfo.environment[name].flatMap(Int.init)
    }
}

extension LeaseWorld {
    /// Plays random events until a promise is broken.
    mutating func play(steps: Int) {
        for _ in 0..<steps where violation == nil {
            // No two events at the same time: the order of leases is theirs.
            time += .microseconds(1)
            step()
            check()
        }
    }

    private mutating func step() {
        let dice = Int.random(in: 0..<1000, using: &random)
        if isCalm, dice >= 950, chance(85) { return dice < 970 ? growOld() : () }
        switch dice {
        case ..<170: beginMount()
        case ..<420: stepJob()
        case ..<520: startWrite()
        case ..<620: finishWrite()
        case ..<730: finishMount()
        case ..<750: cancelMount(answersStale: false)
        case ..<765: cancelMount(answersStale: true)
        case ..<795: republish()
        case ..<850: tick()
        case ..<900: stepErrand()
        case ..<950: advance(.seconds([1, 10, 60, 120, 400, 1500, 3000].randomElement(using: &random) ?? 1))
        case ..<957: jump()
        case ..<969: endPod()
        case ..<978: hearOfEnd()
        case ..<981: volumeGone()
        case ..<983: askedToRevoke(.store(Kind.allCases.randomElement(using: &random)?.rawValue ?? ""))
        case ..<990: crash(reboots: chance(15))
        case ..<993:
            isJournalFull.toggle()
            events.append("the journal \(isJournalFull ? "is full" : "has space")")
        case ..<995:
            isSourceDown.toggle()
            events.append("the source is \(isSourceDown ? "down" : "up")")
        case ..<996:
            // A source that stays away for long, with a daemon that keeps trying.
            events.append("the source is down for long")
            isSourceDown = true
            defer { isSourceDown = false }
            for _ in 0..<20 {
                tick()
                startWrite()
                finishWrite()
                for _ in 0..<3 { stepErrand() }
                advance(table.pause(now: now, limit: .seconds(300)) + .microseconds(1))
            }
        default: break
        }
    }

    /// A build that runs for hours: its tokens are replaced in time, and their grace periods end.
    private mutating func growOld() {
        advance(.seconds(1250))
        for _ in 0..<2 {
            beginMount()
            for _ in 0..<30 {
                time += .microseconds(1)
                stepJob()
                startWrite()
                finishWrite()
                if chance(20) { finishMount() }
                check()
            }
            advance(.seconds(155))
            tick()
        }
    }
}
