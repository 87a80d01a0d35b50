// The pure parts of the server's thread: the times of a drain, and of calls that keep it waiting.

import Testing

@testable import UnaryRPC

@Suite("Times of the server's thread")
struct DrainPlanTests {
    private let start = ContinuousClock.now

    @Test(
        "the phases of a drain",
        arguments: [
            // settle, total, grace; when the phases after the first begin, in milliseconds
            (2000, 10_000, 1000, [2000, 9000, 10_000, 11_000]),
            (2000, 30_000, 1000, [2000, 29_000, 30_000, 31_000]),
            (2000, 1000, 250, [750, 750, 1000, 2000]),
            (2000, 500, 1000, [0, 0, 500, 1500]),
            (2000, 0, 1000, [0, 0, 0, 1000]),
            (-5, -5, -5, [0, 0, 0, 1000]),
        ]
    )
    func phases(settle: Int, total: Int, grace: Int, begins: [Int]) {
        let plan = DrainPlan(
            from: start,
            settle: .milliseconds(settle),
            total: .milliseconds(total),
            grace: .milliseconds(grace)
        )
        for time in Set([0, 1] + begins.flatMap { [max(0, $0 - 1), $0, $0 + 1] }) {
            let now = start + .milliseconds(time)
            #expect(plan.phase(at: now).rawValue == begins.filter { $0 <= time }.count)
            #expect(plan.nextChange(after: now) == begins.first { $0 > time }.map { start + .milliseconds($0) })
        }
    }

    @Test("a drain in a hurry cancels at once, and ends within two seconds")
    func hurried() {
        var plan = DrainPlan(from: start, settle: .seconds(2), total: .seconds(1000), grace: .seconds(1000))
        plan.hurry(at: start + .seconds(1))
        #expect(plan.phase(at: start + .seconds(1)) == .cancelling)
        #expect(plan.phase(at: start + .seconds(2)) == .givingUp)
        #expect(plan.phase(at: start + .seconds(3)) == .closing)
        #expect(plan.nextChange(after: start + .seconds(3)) == nil)
    }

    @Test(
        "a time span of the core is never negative",
        arguments: [
            (.nanoseconds(-1), (0, 0)), (.milliseconds(-500), (0, 0)), (.milliseconds(-1500), (0, 0)), (.zero, (0, 0)),
            (.nanoseconds(1), (0, 1)), (.milliseconds(1500), (1, 500_000_000)),
            (.seconds((1 << 32) - 1), ((1 << 32) - 1, 0)), (.seconds(1 << 32), nil), (.seconds(Int64.min), (0, 0)),
        ] as [(Duration, (Int64, Int32)?)]
    )
    func spans(duration: Duration, expected: (Int64, Int32)?) {
        #expect(duration.coreSpan?.seconds == expected?.0)
        #expect(duration.coreSpan?.nanoseconds == expected?.1)
    }

    @Test("what keeps waiting too long is found, the rest is not")
    func patience() {
        var patience = Patience<Int>(limit: .seconds(30))
        #expect(patience.nextLook == nil)
        patience.begin(1, at: start)
        patience.begin(2, at: start + .seconds(1))
        patience.begin(3, at: start + .seconds(2))
        patience.end(1)
        #expect(patience.nextLook == start + .seconds(30))
        #expect(patience.expire(at: start + .seconds(30)) == [])
        #expect(patience.nextLook == start + .seconds(31))
        #expect(patience.expire(at: start + .seconds(31)) == [2])
        patience.end(3)
        #expect(patience.nextLook == nil)
        #expect(patience.expire(at: start + .seconds(90)) == [])
    }
}
