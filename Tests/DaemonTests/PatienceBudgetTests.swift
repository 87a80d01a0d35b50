// How long log lines may wait, all together.

import Testing

@testable import Daemon

@Suite struct LogOutputPatienceTests {
    /// When a wait ended and how long it was, and what is left at a time; in milliseconds.
    struct Case: Sendable, CustomTestStringConvertible {
        let waits: [(end: Int, length: Int)]
        let now: Int
        let left: Int
        var testDescription: String { "\(waits) at \(now)" }
    }

    @Test(arguments: [
        Case(waits: [], now: 0, left: 200),
        Case(waits: [(100, 50)], now: 100, left: 150),
        Case(waits: [(100, 50), (200, 100)], now: 200, left: 50),
        Case(waits: [(100, 150), (200, 100)], now: 200, left: 0),
        Case(waits: [(200, 200)], now: 5199, left: 0),
        Case(waits: [(200, 200)], now: 5200, left: 200),
        Case(waits: [(200, 120), (1000, 80)], now: 5500, left: 120),
        Case(waits: [(200, 120), (1000, 80)], now: 6000, left: 200),
        // A wait counts at least a millisecond.
        Case(waits: [(1, 0), (2, 0), (3, 0)], now: 3, left: 197),
        // A slow reader: a line each 10 ms waits 8 of them. It is done after 25.
        Case(waits: (1...25).map { ($0 * 10, 8) }, now: 250, left: 0),
    ])
    func whatIsLeft(_ example: Case) {
        let start = ContinuousClock.now
        var budget = PatienceBudget(limit: .milliseconds(200), window: .seconds(5))
        for wait in example.waits {
            budget.spend(.milliseconds(wait.length), at: start + .milliseconds(wait.end))
        }
        #expect(budget.left(at: start + .milliseconds(example.now)) == .milliseconds(example.left))
    }

    @Test func noWindowHasMoreThanTheLimit() {
        let start = ContinuousClock.now
        var budget = PatienceBudget(limit: .milliseconds(200), window: .seconds(5))
        var waits: [(end: Int, length: Int)] = []
        var now = 0
        // Each line takes what it may have, up to 30 ms.
        while now < 60_000 {
            let length = min(30, Int(budget.left(at: start + .milliseconds(now)) / .milliseconds(1)))
            now += length
            if length > 0 {
                budget.spend(.milliseconds(length), at: start + .milliseconds(now))
                waits.append((now, length))
            }
            now += 7
        }
        #expect(waits.count > 50)
        for wait in waits {
            let inWindow = waits.filter { $0.end <= wait.end && $0.end > wait.end - 5000 }
            #expect(inWindow.reduce(0) { $0 + $1.length } <= 200)
        }
    }
}
