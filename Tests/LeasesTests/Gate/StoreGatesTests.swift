// The gates as tasks meet them, with clocks that the test moves.

import Foundation
import Support
import Synchronization
import Testing
import TokenStore
import TokenStoreTesting

@testable import Leases

@Suite struct StoreGatesTests {
    @Test func waitsForRoom() async throws {
        try await withGates(StoreLimits(concurrent: 1)) { stage in
            try await stage.gates.enter(store: "s", namespace: "a", within: .zero)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await stage.gates.enter(store: "s", namespace: "a", within: .seconds(10)) }
                await until { stage.gates.status(store: "s").waiting == 1 }
                // Another store has a gate of its own.
                try await stage.gates.enter(store: "t", namespace: "a", within: .zero)
                stage.gates.leave(store: "s", outcome: .success)
                try await group.waitForAll()
            }
            #expect(stage.gates.status(store: "s").running == 1)
            stage.gates.leave(store: "s", outcome: .success)
            stage.gates.leave(store: "t", outcome: .success)
            #expect(stage.gates.status(store: "s") == StoreGateStatus(store: "s"))
        }
    }

    @Test func givesUpWhenItsTimePasses() async throws {
        try await withGates(StoreLimits(concurrent: 1)) { stage in
            try await stage.gates.enter(store: "s", namespace: "a", within: .zero)
            let error = try await stage.refusal(within: .seconds(10)) {
                await stage.timerIsSet(for: .seconds(10))
                stage.clock.advance(by: .seconds(10))
            }
            #expect("\(error.code)" == "unavailable")
            #expect(error.message == "no turn came within 10 s: 1 call runs, 0 more wait")
            let none = try await stage.refusal(within: .zero)
            #expect(none.message == "no turn came within 0 s: 1 call runs, 0 more wait")
        }
    }

    @Test func aSoonerDeadlineWakesTheTimerSooner() async throws {
        try await withGates(StoreLimits(concurrent: 1)) { stage in
            try await stage.gates.enter(store: "s", namespace: "a", within: .zero)
            try await withThrowingTaskGroup(of: Duration?.self) { group in
                for (before, seconds) in [50, 5, 20].enumerated() {
                    group.addTask {
                        do throws(TokenStoreError) {
                            try await stage.gates.enter(store: "s", namespace: "a", within: .seconds(seconds))
                            return nil
                        } catch {
                            return .seconds(seconds)
                        }
                    }
                    await until { stage.gates.status(store: "s").waiting > before }
                }
                for seconds in [5, 20, 50] {
                    await stage.timerIsSet(for: .seconds(seconds))
                    stage.clock.advance(by: .seconds(seconds) - stage.clock.elapsed)
                    let first = try await group.next()
                    #expect(first == .seconds(seconds))
                }
            }
        }
    }

    @Test func keepsToTheRate() async throws {
        try await withGates(StoreLimits(rate: 10, burst: 2)) { stage in
            for _ in 0..<2 { try await stage.gates.enter(store: "s", namespace: "a", within: .zero) }
            let error = try await stage.refusal(within: .milliseconds(99))
            #expect("\(error.code)" == "rateLimited")
            #expect(error.retryAt == UTCInstant(epochSeconds: 1_767_225_601))
            #expect(
                error.message
                    == "0 calls wait already, and 10 a second are made; a turn would come at 2026-01-01T00:00:01Z"
            )
            #expect(error.fix.contains("limits"))
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await stage.gates.enter(store: "s", namespace: "a", within: .milliseconds(100)) }
                await stage.timerIsSet(for: .milliseconds(100))
                #expect(stage.gates.status(store: "s").running == 2)
                stage.clock.advance(by: .milliseconds(100))
                try await group.waitForAll()
            }
        }
    }

    @Test func honoursTheTimeThatASourceNames() async throws {
        try await withGates { stage in
            let retryAt = stage.clock.now.advanced(by: .seconds(30))
            try await stage.gates.enter(store: "s", namespace: "a", within: .zero)
            stage.leave(TokenStoreError(.rateLimited, "slow down", retryAt: retryAt))
            #expect(stage.gates.status(store: "s").pausedUntil == "2026-01-01T00:00:30Z")
            let error = try await stage.refusal(within: .seconds(29))
            #expect("\(error.code)" == "rateLimited")
            #expect(error.retryAt == retryAt)
            #expect(error.message == "its source wants no calls before 2026-01-01T00:00:30Z")
            // A time of day that jumps does not move the end of the pause.
            stage.clock.set(to: stage.clock.now.advanced(by: .seconds(7200)))
            let jumped = try await stage.refusal(within: .seconds(29))
            #expect(jumped.retryAt == retryAt.advanced(by: .seconds(7200)))
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await stage.gates.enter(store: "s", namespace: "a", within: .seconds(60)) }
                await stage.timerIsSet(for: .seconds(30))
                stage.clock.advance(by: .seconds(30))
                try await group.waitForAll()
            }
            #expect(stage.gates.status(store: "s").pausedUntil == nil)
        }
    }

    @Test func leavesAFailingSourceAlone() async throws {
        try await withGates(StoreLimits(breakerFailures: 2)) { stage in
            for _ in 0..<2 { try await stage.gates.enter(store: "s", namespace: "a", within: .zero) }
            stage.leave(TokenStoreError(.unavailable, "api.test can't be reached"))
            stage.leave(TokenStoreError(.unavailable, "the answer is no JSON,\nreally"))
            let error = try await stage.refusal(within: .seconds(4))
            #expect("\(error.code)" == "unavailable")
            #expect(
                error.message == "no call is made before 2026-01-01T00:00:05Z, because 2 calls have failed in a row; "
                    + "the last one: unavailable: the answer is no JSON, really"
            )
            var status = StoreGateStatus(store: "s", breaker: .open, nextTrial: "2026-01-01T00:00:05Z")
            status.failuresInARow = 2
            status.lastFailure = "unavailable: the answer is no JSON, really"
            #expect(stage.gates.status(store: "s") == status)
            let coded = try JSONDecoder().decode(StoreGateStatus.self, from: try JSONEncoder().encode(status))
            #expect(coded == status)

            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<3 {
                    group.addTask { try await stage.gates.enter(store: "s", namespace: "a", within: .seconds(60)) }
                }
                await until { stage.gates.status(store: "s").waiting == 3 }
                await stage.timerIsSet(for: .seconds(5))
                stage.clock.advance(by: .seconds(5))
                try await group.next()
                #expect(stage.gates.status(store: "s").breaker == .trial)
                #expect(stage.gates.status(store: "s").waiting == 2)
                stage.leave(TokenStoreError(.unavailable, "again"))
                #expect(stage.gates.status(store: "s").nextTrial == "2026-01-01T00:00:15Z")
                await stage.timerIsSet(for: .seconds(15))
                stage.clock.advance(by: .seconds(10))
                try await group.next()
                stage.gates.leave(store: "s", outcome: .success)
                try await group.next()
            }
            #expect(stage.gates.status(store: "s").breaker == .closed)
        }
    }

    @Test func refusalsAreAnswers() async throws {
        try await withGates(StoreLimits(rate: 1000, burst: 1000, breakerFailures: 2)) { stage in
            let neither: [TokenStoreError.Code] = [.refused, .misconfigured]
            for code in neither + neither + [.unavailable, .refused, .unavailable, .cancelled] {
                try await stage.gates.enter(store: "s", namespace: "a", within: .zero)
                stage.leave(TokenStoreError(code, "x"))
                #expect(stage.gates.status(store: "s").breaker == .closed)
            }
            // The failure before the cancelled call, and this one: in a row.
            try await stage.gates.enter(store: "s", namespace: "a", within: .zero)
            stage.leave(TokenStoreError(.unavailable, "x"))
            #expect(stage.gates.status(store: "s").breaker == .open)
        }
    }

    @Test func aTurnThatWasNotUsedIsThereForOthers() async throws {
        try await withGates(StoreLimits(rate: 1, burst: 1)) { stage in
            for _ in 0..<5 {
                try await stage.gates.enter(store: "s", namespace: "a", within: .zero)
                stage.gates.leave(store: "s", outcome: .unused)
            }
            try await stage.gates.enter(store: "s", namespace: "a", within: .zero)
            stage.gates.leave(store: "s", outcome: .success)
            let error = try await stage.refusal(within: .zero)
            #expect("\(error.code)" == "rateLimited")
        }
    }

    @Test func namespacesTakeTurns() async throws {
        try await withGates(StoreLimits(rate: 1000, burst: 1000, concurrent: 1)) { stage in
            let order = Box<[String]>([])
            try await stage.gates.enter(store: "s", namespace: "a", within: .zero)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<60 {
                    let namespace = number < 58 ? "big" : "small"
                    group.addTask {
                        try await stage.gates.enter(store: "s", namespace: namespace, within: .seconds(60))
                        order.update { $0.append(namespace) }
                        stage.gates.leave(store: "s", outcome: .success)
                    }
                    await until { stage.gates.status(store: "s").waiting == number + 1 }
                }
                stage.gates.leave(store: "s", outcome: .success)
                try await group.waitForAll()
            }
            #expect(order.get().prefix(5) == ["big", "small", "big", "small", "big"])
            #expect(order.get().count == 60)
        }
    }

    @Test func boundsItsQueue() async throws {
        try await withGates(StoreLimits(concurrent: 1, waiting: 2)) { stage in
            try await stage.gates.enter(store: "s", namespace: "a", within: .zero)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<2 {
                    group.addTask { try await stage.gates.enter(store: "s", namespace: "a", within: .seconds(60)) }
                }
                await until { stage.gates.status(store: "s").waiting == 2 }
                let error = try await stage.refusal(within: .seconds(60))
                #expect("\(error.code)" == "rateLimited")
                #expect(error.message == "2 calls wait already, and no more may")
                for _ in 0..<2 { stage.gates.leave(store: "s", outcome: .success) }
                try await group.waitForAll()
            }
        }
    }

    @Test func cancellationLeavesNoTrace() async throws {
        try await withGates(StoreLimits(concurrent: 1)) { stage in
            try await stage.gates.enter(store: "s", namespace: "a", within: .zero)
            let error = try await stage.refusal(within: .seconds(60), cancelled: true) {
                await until { stage.gates.status(store: "s").waiting == 1 }
            }
            #expect("\(error.code)" == "cancelled")
            #expect(stage.gates.status(store: "s").waiting == 0)
            stage.gates.leave(store: "s", outcome: .success)
            // A task that is cancelled already gets no turn, though there is one.
            let before = try await withThrowingTaskGroup(of: TokenStoreError?.self) { group in
                group.addTask {
                    withUnsafeCurrentTask { $0?.cancel() }
                    return await stage.enter(within: .seconds(60))
                }
                return try await group.next() ?? nil
            }
            #expect(before.map { "\($0.code)" } == "cancelled")
            #expect(stage.gates.status(store: "s") == StoreGateStatus(store: "s"))
        }
    }

    @Test func theEndOfTheTimerSendsAllHome() async throws {
        let codes = Box<[String]>([])
        let stage = Stage([:], StoreLimits(concurrent: 1))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await stage.gates.enter(store: "s", namespace: "a", within: .zero)
                await withTaskGroup(of: TokenStoreError?.self) { inner in
                    for _ in 0..<5 { inner.addTask { await stage.enter(within: .seconds(60)) } }
                    for await error in inner { codes.update { $0.append(error.map { "\($0.code)" } ?? "turn") } }
                }
            }
            await until { stage.gates.status(store: "s").waiting == 5 }
            await withTaskGroup(of: Void.self) { timer in
                timer.addTask { await stage.gates.run() }
                await stage.timerIsSet(for: .seconds(60))
                timer.cancelAll()
            }
            try await group.waitForAll()
        }
        #expect(codes.get() == Array(repeating: "cancelled", count: 5))
        #expect(stage.gates.status(store: "s").waiting == 0)
        let late = await stage.enter(within: .seconds(60))
        #expect(late.map { "\($0.code)" } == "cancelled")
    }

    @Test func storesHaveTheirOwnLimits() async throws {
        try await withGates(["one": StoreLimits(concurrent: 1)], StoreLimits(concurrent: 3)) { stage in
            try await stage.gates.enter(store: "one", namespace: "a", within: .zero)
            #expect(await stage.enter("one", within: .zero) != nil)
            for _ in 0..<3 { try await stage.gates.enter(store: "other", namespace: "a", within: .zero) }
            #expect(await stage.enter("other", within: .zero) != nil)
        }
    }

    /// Many tasks on all threads, some of them cancelled, while time passes.
    @Test(arguments: 0..<4 as Range<UInt64>) func keepsItsPromisesAmongManyTasks(seed: UInt64) async throws {
        let limits = StoreLimits(rate: 100, burst: 10, concurrent: 3, breakerFailures: 4)
        try await withGates(limits) { stage in
            let books = Box<Books>(Books())
            var random = GateRandom(seed: seed)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<200 {
                    let (patience, work) = (random.milliseconds(0...3000), random.milliseconds(0...30))
                    let (kind, isCancelled) = (random.number(1...10), random.chance(15))
                    group.addTask {
                        await withTaskGroup(of: Void.self) { inner in
                            inner.addTask {
                                await visit(stage, books, "n\(number % 5)", patience, work, kind)
                            }
                            if isCancelled {
                                try? await Task.sleep(for: work / 10)
                                inner.cancelAll()
                            }
                        }
                    }
                }
                group.addTask {
                    while books.get().ended < 200 {
                        stage.clock.advance(by: .milliseconds(5))
                        try await Task.sleep(for: .microseconds(200))
                    }
                }
                try await group.waitForAll()
            }
            let end = books.get()
            #expect(end.ended == 200)
            #expect(end.most <= limits.concurrent)
            #expect(end.running == 0)
            #expect(end.turns.count > 5)
            for (number, time) in end.turns.sorted().enumerated() where number >= limits.burst {
                #expect(time >= .milliseconds(10) * (number + 1 - limits.burst))
            }
            let status = stage.gates.status(store: "s")
            #expect(status.waiting == 0 && status.running == 0)
        }
    }

    private struct Books {
        var running = 0
        var most = 0
        var ended = 0
        /// When each turn was seen: a moment after it was given.
        var turns: [Duration] = []
    }

    private func visit(
        _ stage: Stage,
        _ books: Box<Books>,
        _ namespace: String,
        _ patience: Duration,
        _ work: Duration,
        _ kind: Int
    ) async {
        defer { books.update { $0.ended += 1 } }
        do throws(TokenStoreError) {
            try await stage.gates.enter(store: "s", namespace: namespace, within: patience)
        } catch {
            return
        }
        books.update { books in
            books.running += 1
            books.most = max(books.most, books.running)
            if kind != 10 { books.turns.append(stage.clock.elapsed) }
        }
        try? await Task.sleep(for: work / 10)
        books.update { $0.running -= 1 }
        switch kind {
        case 1...6: stage.gates.leave(store: "s", outcome: .success)
        case 7: stage.leave(TokenStoreError(.unavailable, "x"))
        case 8: stage.leave(TokenStoreError(.refused, "x"))
        case 9:
            stage.leave(TokenStoreError(.rateLimited, "x", retryAt: stage.clock.now.advanced(by: .milliseconds(50))))
        default: stage.gates.leave(store: "s", outcome: .unused)
        }
    }
}

/// Gates on clocks of their own.
private struct Stage: Sendable {
    let gates: StoreGates
    let clock: ManualClock
    /// The times for which the timer was set.
    private let timers: Box<[Duration]>

    init(_ limits: [String: StoreLimits], _ standard: StoreLimits) {
        let (clock, timers) = (ManualClock(), Box<[Duration]>([]))
        self.clock = clock
        self.timers = timers
        gates = StoreGates(
            limits: limits,
            standard: standard,
            steady: { clock.elapsed },
            wall: clock,
            sleep: { time in
                let end = clock.elapsed + time
                timers.update { $0.append(end) }
                while clock.elapsed < end { try await Task.sleep(for: .milliseconds(1)) }
            }
        )
    }

    func timerIsSet(for time: Duration) async { await until { timers.get().contains(time) } }

    func leave(_ error: TokenStoreError) { gates.leave(store: "s", outcome: .failure(error)) }

    func enter(_ store: String = "s", within time: Duration) async -> TokenStoreError? {
        do throws(TokenStoreError) {
            try await gates.enter(store: store, namespace: "a", within: time)
            return nil
        } catch {
            return error
        }
    }

    /// The error of one who enters while `meanwhile` happens.
    func refusal(
        within time: Duration,
        cancelled: Bool = false,
        _ meanwhile: @Sendable () async -> Void = {}
    ) async throws -> TokenStoreError {
        try await withThrowingTaskGroup(of: TokenStoreError?.self) { group in
            group.addTask { await enter(within: time) }
            await meanwhile()
            if cancelled { group.cancelAll() }
            return try #require(try await group.next() ?? nil)
        }
    }
}

/// Runs `body` with gates whose timer runs.
private func withGates(
    _ limits: [String: StoreLimits] = [:],
    _ standard: StoreLimits = StoreLimits(),
    _ body: (Stage) async throws -> Void
) async throws {
    let stage = Stage(limits, standard)
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await stage.gates.run() }
        defer { group.cancelAll() }
        try await body(stage)
    }
}

private func withGates(_ standard: StoreLimits, _ body: (Stage) async throws -> Void) async throws {
    try await withGates([:], standard, body)
}
