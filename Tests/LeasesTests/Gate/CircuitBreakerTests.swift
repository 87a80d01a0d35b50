// A source that fails again and again is left alone.

import Testing

@testable import Leases

struct CircuitBreakerTests {
    private func breaker() -> CircuitBreaker {
        CircuitBreaker(failures: 3, pause: .seconds(5), longestPause: .seconds(30))
    }

    /// Open since 0.
    private func openBreaker() -> CircuitBreaker {
        var breaker = breaker()
        for number in 1...3 { breaker.failed("failure \(number)", at: .zero) }
        return breaker
    }

    @Test func opensAfterFailuresInARow() {
        var breaker = breaker()
        breaker.failed("a", at: .zero)
        breaker.failed("b", at: .zero)
        #expect(breaker.phase == .closed && breaker.failures == 2 && breaker.lastFailure == "b")
        #expect(breaker.admits(at: .zero, running: 7))
        #expect(breaker.nextTrial == nil)
        // An answer between them begins a new row.
        breaker.answered()
        #expect(breaker.failures == 0 && breaker.lastFailure == nil)
        breaker.failed("c", at: .seconds(1))
        breaker.failed("d", at: .seconds(1))
        #expect(breaker.phase == .closed)
        // What tells nothing counts neither way.
        breaker.toldNothing(at: .seconds(1))
        breaker.failed("e", at: .seconds(2))
        #expect(breaker.phase == .open(until: .seconds(7), pause: .seconds(5)))
        #expect(breaker.nextTrial == .seconds(7))
        #expect(breaker.failures == 3 && breaker.lastFailure == "e")
    }

    @Test func openItAdmitsNobodyBeforeItsTimeAndThenOneAlone() {
        var breaker = openBreaker()
        #expect(!breaker.admits(at: .seconds(5) - .nanoseconds(1), running: 0))
        #expect(breaker.admits(at: .seconds(5), running: 0))
        #expect(!breaker.admits(at: .seconds(5), running: 1))
        breaker.pass()
        #expect(breaker.phase == .trial(pause: .seconds(5)))
        #expect(breaker.nextTrial == nil)
        #expect(!breaker.admits(at: .seconds(99), running: 0))
    }

    @Test func aGoodTrialClosesIt() {
        var breaker = openBreaker()
        breaker.pass()
        breaker.answered()
        #expect(breaker.phase == .closed)
        #expect(breaker.failures == 0)
        // The next pause is the first one again.
        for _ in 0..<3 { breaker.failed("x", at: .seconds(50)) }
        #expect(breaker.phase == .open(until: .seconds(55), pause: .seconds(5)))
    }

    @Test func eachTrialThatFailsDoublesThePauseUpToTheLongest() {
        var breaker = openBreaker()
        var pauses: [Duration] = []
        for _ in 0..<5 {
            guard let time = breaker.nextTrial, breaker.admits(at: time, running: 0) else {
                Issue.record("no trial is due")
                return
            }
            breaker.pass()
            breaker.failed("again", at: time)
            pauses.append((breaker.nextTrial ?? time) - time)
        }
        #expect(pauses == [10, 20, 30, 30, 30].map { .seconds($0) })
        #expect(breaker.failures == 8)
    }

    @Test func aTrialThatTellsNothingIsRepeatedAtOnce() {
        var breaker = openBreaker()
        breaker.pass()
        breaker.toldNothing(at: .seconds(6))
        #expect(breaker.phase == .open(until: .seconds(6), pause: .seconds(5)))
        #expect(breaker.admits(at: .seconds(6), running: 0))
        breaker.pass()
        breaker.failed("x", at: .seconds(6))
        #expect(breaker.phase == .open(until: .seconds(16), pause: .seconds(10)))
    }

    @Test func callsThatBeganBeforeItOpened() {
        var breaker = openBreaker()
        // A failure changes nothing, an answer shows that the source is there.
        breaker.failed("late", at: .seconds(3))
        #expect(breaker.phase == .open(until: .seconds(5), pause: .seconds(5)))
        #expect(breaker.lastFailure == "late")
        breaker.toldNothing(at: .seconds(3))
        #expect(breaker.phase == .open(until: .seconds(5), pause: .seconds(5)))
        breaker.answered()
        #expect(breaker.phase == .closed)
    }
}
