// The rules of the gate before one store, event by event and in random order.

import Testing

@testable import Leases

struct StoreGateStateTests {
    private typealias Decision = StoreGateState.Decision

    private let limits = StoreLimits(rate: 1, burst: 4, concurrent: 2, breakerFailures: 2, waiting: 3)

    private func turn(_ id: UInt64) -> Decision { Decision(id: id) }

    private func enter(
        _ gate: inout StoreGateState,
        _ id: UInt64,
        _ namespace: String = "a",
        until deadline: Int = 1000,
        at now: Int = 0
    ) -> [Decision] {
        gate.enter(id, namespace: namespace, deadline: .seconds(deadline), at: .seconds(now))
    }

    @Test func letsPassAsManyAsMayRun() {
        var gate = StoreGateState(limits)
        #expect(enter(&gate, 1) == [turn(1)])
        #expect(enter(&gate, 2) == [turn(2)])
        #expect(enter(&gate, 3) == [])
        #expect(enter(&gate, 4, "b") == [])
        #expect(gate.running == 2 && gate.waiting == 2)
        #expect(gate.nextEvent(after: .zero) == .seconds(1000))
        #expect(gate.leave(.answered, at: .zero) == [turn(3)])
        #expect(gate.leave(.answered, at: .zero) == [turn(4)])
        #expect(gate.leave(.answered, at: .zero) == [])
        #expect(gate.leave(.answered, at: .zero) == [])
        #expect(gate.running == 0 && gate.waiting == 0)
        #expect(gate.nextEvent(after: .zero) == nil)
        // One too many does no harm.
        #expect(gate.leave(.answered, at: .zero) == [])
        #expect(gate.running == 0)
    }

    @Test func keepsToTheRate() {
        var gate = StoreGateState(StoreLimits(rate: 1, burst: 2, concurrent: 9))
        #expect(enter(&gate, 1) == [turn(1)])
        #expect(enter(&gate, 2) == [turn(2)])
        #expect(enter(&gate, 3, until: 1) == [])
        #expect(gate.nextEvent(after: .zero) == .seconds(1))
        // The turn would come at 2.
        #expect(enter(&gate, 4, until: 1) == [Decision(id: 4, refusal: .rate(turn: .seconds(2), ahead: 1))])
        #expect(enter(&gate, 5, until: 2) == [])
        // Another namespace is before the second of the first one, but for its turn at 2.
        #expect(enter(&gate, 6, "b", until: 1) == [Decision(id: 6, refusal: .rate(turn: .seconds(2), ahead: 1))])
        #expect(gate.advance(to: .milliseconds(999)) == [])
        #expect(gate.advance(to: .seconds(1)) == [turn(3)])
        #expect(gate.advance(to: .seconds(2)) == [turn(5)])
    }

    @Test func noTimeMeansNowOrNever() {
        var gate = StoreGateState(StoreLimits(concurrent: 1))
        #expect(enter(&gate, 1, until: 5, at: 5) == [turn(1)])
        let late = GateRefusal.late(waited: .zero, running: 1, waiting: 0, failures: 0, last: nil)
        #expect(enter(&gate, 2, until: 5, at: 5) == [Decision(id: 2, refusal: late)])
        #expect(gate.waiting == 0)
    }

    @Test func refusesThoseWhoseTimeIsOver() {
        var gate = StoreGateState(StoreLimits(concurrent: 1))
        _ = enter(&gate, 1)
        #expect(enter(&gate, 2, until: 7, at: 3) == [])
        #expect(enter(&gate, 3, until: 9, at: 3) == [])
        #expect(gate.nextEvent(after: .seconds(3)) == .seconds(7))
        let late = GateRefusal.late(waited: .seconds(4), running: 1, waiting: 1, failures: 0, last: nil)
        #expect(gate.advance(to: .seconds(7)) == [Decision(id: 2, refusal: late)])
        // Late by a timer that was late: nobody gets a turn after its time.
        let later = GateRefusal.late(waited: .seconds(7), running: 0, waiting: 0, failures: 0, last: nil)
        #expect(gate.leave(.answered, at: .seconds(10)) == [Decision(id: 3, refusal: later)])
        #expect(gate.running == 0)
        #expect(enter(&gate, 4, until: 20, at: 10) == [turn(4)])
        #expect(enter(&gate, 5, until: 20, at: 13) == [])
        #expect(gate.leave(.answered, at: .seconds(20)) == [turn(5)])
    }

    @Test func boundsItsQueue() {
        var gate = StoreGateState(limits)
        for id in 1...5 as ClosedRange<UInt64> { _ = enter(&gate, id) }
        #expect(gate.waiting == 3)
        let full = GateRefusal.full(turn: .seconds(2), waiting: 3)
        #expect(enter(&gate, 6) == [Decision(id: 6, refusal: full)])
        let (waiting, twice, running) = (gate.withdraw(4), gate.withdraw(4), gate.withdraw(1))
        #expect(waiting && !twice && !running)
        #expect(enter(&gate, 7) == [])
        // Without a queue there is a turn at once, or none.
        var none = StoreGateState(StoreLimits(concurrent: 1, waiting: 0))
        #expect(enter(&none, 1) == [turn(1)])
        #expect(enter(&none, 2) == [Decision(id: 2, refusal: .full(turn: .zero, waiting: 0))])
    }

    @Test func waitsWhenTheSourceNamesATime() {
        var gate = StoreGateState(limits)
        _ = enter(&gate, 1)
        _ = enter(&gate, 2)
        _ = enter(&gate, 3, until: 20)
        _ = enter(&gate, 4, until: 40)
        let paused = GateRefusal.paused(until: .seconds(30))
        // Who can't wait as long learns it at once.
        #expect(gate.leave(.limited(until: .seconds(30)), at: .zero) == [Decision(id: 3, refusal: paused)])
        #expect(enter(&gate, 5, until: 29) == [Decision(id: 5, refusal: paused)])
        #expect(gate.nextEvent(after: .zero) == .seconds(30))
        // An answer that was under way does not end the pause, and a shorter pause does not shorten it.
        #expect(gate.leave(.answered, at: .seconds(1)) == [])
        #expect(gate.leave(.limited(until: .seconds(10)), at: .seconds(1)) == [])
        #expect(gate.advance(to: .seconds(29)) == [])
        #expect(gate.advance(to: .seconds(30)) == [turn(4)])
    }

    @Test func doublesThePauseWhenTheSourceNamesNoTime() {
        var gate = StoreGateState(StoreLimits(rate: 1000, burst: 1000))
        var now = Duration.seconds(100)
        var pauses: [Duration] = []
        for id in 1...8 as ClosedRange<UInt64> {
            #expect(gate.enter(id * 2, namespace: "a", deadline: now, at: now) == [turn(id * 2)])
            #expect(gate.enter(id * 2 + 1, namespace: "a", deadline: now, at: now) == [turn(id * 2 + 1)])
            // Two that were refused together are one refusal; a time in the past is none.
            _ = gate.leave(.limited(until: nil), at: now)
            _ = gate.leave(.limited(until: now - .seconds(1)), at: now)
            pauses.append((gate.pausedUntil ?? now) - now)
            now = gate.pausedUntil ?? now
        }
        #expect(pauses == [1, 2, 4, 8, 16, 32, 60, 60].map { .seconds($0) })
        _ = gate.enter(100, namespace: "a", deadline: now, at: now)
        _ = gate.leave(.answered, at: now)
        _ = gate.enter(101, namespace: "a", deadline: now, at: now)
        _ = gate.leave(.limited(until: nil), at: now)
        #expect(gate.pausedUntil == now + .seconds(1))
    }

    @Test func boundsThePauseThatASourceNames() {
        var gate = StoreGateState(limits)
        _ = enter(&gate, 1)
        _ = gate.leave(.limited(until: .seconds(10 * 365 * 86_400)), at: .zero)
        #expect(gate.pausedUntil == .seconds(3600))
    }

    @Test func leavesAFailingSourceAlone() {
        var gate = StoreGateState(limits)
        _ = enter(&gate, 1)
        _ = enter(&gate, 2)
        _ = enter(&gate, 3, until: 4)
        _ = enter(&gate, 4, until: 100)
        _ = enter(&gate, 5, until: 100)
        #expect(gate.leave(.failed("x"), at: .zero) == [turn(3)])
        let open = GateRefusal.open(trial: .seconds(5), failures: 2, last: "y")
        #expect(gate.leave(.failed("y"), at: .zero) == [])
        #expect(enter(&gate, 6, until: 4) == [Decision(id: 6, refusal: open)])
        #expect(gate.nextEvent(after: .zero) == .seconds(5))
        // One still runs: the trial waits for it.
        #expect(gate.advance(to: .seconds(6)) == [])
        #expect(gate.nextEvent(after: .seconds(6)) == .seconds(100))
        #expect(gate.leave(.nothing, at: .seconds(7)) == [turn(4)])
        // The trial is alone, whatever else there is room for.
        #expect(gate.advance(to: .seconds(8)) == [])
        #expect(gate.nextEvent(after: .seconds(8)) == .seconds(100))
        #expect(enter(&gate, 7, until: 15, at: 9) == [])
        let again = GateRefusal.open(trial: .seconds(20), failures: 3, last: "z")
        #expect(gate.leave(.failed("z"), at: .seconds(10)) == [Decision(id: 7, refusal: again)])
        #expect(gate.advance(to: .seconds(20)) == [turn(5)])
        #expect(enter(&gate, 8, until: 90, at: 20) == [])
        #expect(gate.leave(.answered, at: .seconds(21)) == [turn(8)])
        #expect(gate.breaker.phase == .closed)
    }

    @Test func whoWaitsBehindATrialLearnsWhy() {
        var gate = StoreGateState(StoreLimits(concurrent: 1, breakerFailures: 1))
        _ = enter(&gate, 1)
        _ = gate.leave(.failed("x"), at: .zero)
        #expect(enter(&gate, 2, until: 6, at: 5) == [turn(2)])
        #expect(enter(&gate, 3, until: 6, at: 5) == [])
        let late = GateRefusal.late(waited: .seconds(1), running: 1, waiting: 0, failures: 1, last: "x")
        #expect(gate.advance(to: .seconds(6)) == [Decision(id: 3, refusal: late)])
    }

    @Test func answersOfAllKindsCloseTheBreaker() {
        for report in [StoreGateState.Report.answered, .limited(until: nil), .limited(until: .seconds(9))] {
            var gate = StoreGateState(StoreLimits(breakerFailures: 1))
            _ = enter(&gate, 1)
            _ = gate.leave(.failed("x"), at: .zero)
            #expect(enter(&gate, 2, at: 5) == [turn(2)])
            _ = gate.leave(report, at: .seconds(6))
            #expect(gate.breaker.phase == .closed)
        }
        for report in [StoreGateState.Report.nothing, .unused] {
            var gate = StoreGateState(StoreLimits(breakerFailures: 1))
            _ = enter(&gate, 1)
            _ = gate.leave(.failed("x"), at: .zero)
            #expect(enter(&gate, 2, at: 5) == [turn(2)])
            _ = gate.leave(report, at: .seconds(6))
            #expect(gate.breaker.phase == .open(until: .seconds(6), pause: .seconds(5)))
        }
    }

    @Test func anUnusedTurnIsOneMoreForOthers() {
        var gate = StoreGateState(StoreLimits(rate: 1, burst: 1))
        #expect(enter(&gate, 1) == [turn(1)])
        #expect(enter(&gate, 2, until: 5) == [])
        #expect(gate.leave(.unused, at: .zero) == [turn(2)])
        #expect(enter(&gate, 3, until: 5) == [])
        #expect(gate.leave(.nothing, at: .zero) == [])
    }

    /// Random events; a model beside it keeps the books.
    @Test(arguments: 0..<60 as Range<UInt64>) func keepsItsPromises(seed: UInt64) {
        var random = GateRandom(seed: seed)
        let limits = StoreLimits(
            rate: Double(random.number(1...10)),
            burst: random.number(1...6),
            concurrent: random.number(1...4),
            breakerFailures: random.number(1...4),
            waiting: random.number(5...40)
        )
        var books = Books(limits)
        for _ in 0..<400 {
            let wanted = books.now + random.milliseconds(0...(random.chance(10) ? 20_000 : 300))
            // The timer comes when it was asked to, or a little late.
            while let next = books.gate.nextEvent(after: books.now), next <= wanted {
                #expect(next > books.now)
                books.now = random.chance(80) ? next : min(wanted, next + random.milliseconds(0...50))
                books.settle(books.gate.advance(to: books.now))
            }
            books.now = wanted
            switch random.number(1...10) {
            case 1...5: books.enter("n\(random.number(0...3))", for: random.milliseconds(0...8000))
            case 6: books.withdraw(books.waiting.keys.randomElement(using: &random))
            default:
                guard let id = books.running.keys.randomElement(using: &random) else { break }
                let asked = random.chance(50) ? books.now + random.milliseconds(-500...5000) : nil
                switch random.number(1...12) {
                case 1...6: books.leave(id, .answered)
                case 7...9: books.leave(id, .failed("f"))
                case 10: books.leave(id, .limited(until: asked))
                case 11: books.leave(id, .nothing)
                default: books.leave(id, .unused)
                }
            }
        }
        #expect(books.turns.count > 10)
        let times = books.turns.map(\.value).sorted()
        let interval = Duration.seconds(1) / limits.rate
        #expect(staysWithinRate(times, burst: limits.burst, interval: interval))

        // When all is quiet again, nobody is left.
        while !books.running.isEmpty || !books.waiting.isEmpty {
            if let id = books.running.keys.first {
                books.leave(id, .answered)
            } else if let next = books.gate.nextEvent(after: books.now) {
                books.now = next
                books.settle(books.gate.advance(to: next))
            } else {
                Issue.record("somebody waits for nothing")
                return
            }
        }
        #expect(books.gate.waiting == 0 && books.gate.running == 0)
        #expect(books.decided == books.entered)
    }

    /// Who waits and who runs, by what was decided.
    private struct Books {
        var gate: StoreGateState
        var now = Duration.seconds(1000)
        var waiting: [UInt64: (namespace: String, deadline: Duration)] = [:]
        var running: [UInt64: Duration] = [:]
        var turns: [UInt64: Duration] = [:]
        var entered = 0
        var decided = 0
        var pausedUntil = Duration.zero
        let limits: StoreLimits

        init(_ limits: StoreLimits) {
            self.limits = limits
            gate = StoreGateState(limits)
        }

        mutating func enter(_ namespace: String, for time: Duration) {
            entered += 1
            let id = UInt64(entered)
            waiting[id] = (namespace, now + time)
            settle(gate.enter(id, namespace: namespace, deadline: now + time, at: now))
        }

        mutating func withdraw(_ id: UInt64?) {
            guard let id else { return }
            let didWait = gate.withdraw(id)
            #expect(didWait)
            waiting[id] = nil
            decided += 1
            settle(gate.advance(to: now))
        }

        mutating func leave(_ id: UInt64, _ report: StoreGateState.Report) {
            running[id] = nil
            if case .unused = report { turns[id] = nil }
            if case .limited(let until?) = report { pausedUntil = max(pausedUntil, until) }
            settle(gate.leave(report, at: now))
        }

        mutating func settle(_ decisions: [StoreGateState.Decision]) {
            for decision in decisions {
                guard let (namespace, deadline) = waiting.removeValue(forKey: decision.id) else {
                    Issue.record("\(decision) was decided twice")
                    continue
                }
                decided += 1
                guard decision.refusal == nil else { continue }
                #expect(now <= deadline)
                #expect(now >= pausedUntil)
                #expect(!waiting.contains { $0.value.namespace == namespace && $0.key < decision.id })
                running[decision.id] = now
                turns[decision.id] = now
            }
            #expect(running.count <= limits.concurrent)
            #expect(gate.running == running.count)
            #expect(gate.waiting == waiting.count)
            #expect(gate.waiting <= limits.waiting)
            #expect(!waiting.contains { $0.value.deadline <= now })
            if case .trial = gate.breaker.phase { #expect(running.count == 1) }
            if let trial = gate.breaker.nextTrial, trial > now {
                #expect(!decisions.contains { $0.refusal == nil })
            }
        }
    }
}
