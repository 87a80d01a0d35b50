// The clock of the tests: time passes only when told.

import Testing
import TokenStore
import TokenStoreTesting

@Suite struct ManualClockTests {
    private let clock = ManualClock(now: UTCInstant(epochSeconds: 1000))

    private func sleepers(_ count: Int) async {
        while clock.sleeperCount < count, !Task.isCancelled { await Task.yield() }
    }

    @Test func standsStill() {
        #expect(clock.now == clock.now)
        clock.advance(by: .seconds(5))
        #expect(clock.now == UTCInstant(epochSeconds: 1005))
        clock.set(to: UTCInstant(epochSeconds: 7))
        #expect(clock.now == UTCInstant(epochSeconds: 7))
    }

    @Test(.timeLimit(.minutes(1))) func wakesWhomItPasses() async throws {
        try await withThrowingTaskGroup(of: Int.self) { group in
            for seconds in [1, 2, 50] {
                group.addTask {
                    try await clock.sleep(for: .seconds(seconds))
                    return seconds
                }
            }
            await sleepers(3)
            clock.advance(by: .seconds(2))
            let woken = try await [group.next(), group.next()].compactMap(\.self)
            #expect(Set(woken) == [1, 2])
            #expect(clock.sleeperCount == 1)
            clock.advance(by: .seconds(48))
            #expect(try await group.next() == 50)
        }
    }

    @Test(.timeLimit(.minutes(1))) func doesNotSleepIntoThePast() async throws {
        try await clock.sleep(until: UTCInstant(epochSeconds: 1000), tolerance: nil)
        try await clock.sleep(until: UTCInstant(epochSeconds: 1), tolerance: nil)
    }

    @Test(.timeLimit(.minutes(1))) func aSleeperCanBeCancelled() async {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask { await sleepIsCancelled() }
            await sleepers(1)
            group.cancelAll()
            #expect(await group.next() == true)
            // And one that is cancelled before it sleeps.
            group.addTask { await sleepIsCancelled() }
            #expect(await group.next() == true)
        }
        #expect(clock.sleeperCount == 0)
    }

    private func sleepIsCancelled() async -> Bool {
        do {
            try await clock.sleep(for: .seconds(1))
            return false
        } catch {
            return error is CancellationError
        }
    }
}
