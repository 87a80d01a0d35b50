// Which events are written, and how often.

import BuildEnds
import Leases
import Support
import Testing
import TokenStore

@testable import ClusterEvents

/// A book whose clock a test moves, and what was written.
private struct Bench {
    var book: PodEventBook
    var now: Duration = .seconds(1000)
    var written: [PodEventBook.Write] = []

    init(_ change: (inout PodEventBook.Limits) -> Void = { _ in }) {
        var limits = PodEventBook.Limits()
        change(&limits)
        let count = Box(0)
        book = PodEventBook(limits: limits) { event in
            count.update { $0 += 1 }
            return "\(event.pod.name).\(count.get())"
        }
    }

    static func event(
        _ pod: Int = 1,
        _ reason: PodEventReason = .tokenRefused,
        _ note: String = "no"
    ) -> PodWarning {
        PodWarning(podUID: "u\(pod)", pod: PodName(namespace: "ns", name: "p\(pod)"), reason: reason, note: note)
    }

    mutating func add(_ event: PodWarning) {
        book.add(event, at: Moment(wall: UTCInstant(sinceEpoch: now), steady: now))
    }

    /// Makes the next write if one is due.
    @discardableResult
    mutating func step(_ answer: PodEventBook.Answer = .taken) -> PodEventBook.Step {
        let step = book.next(at: now)
        if case .write(let write) = step {
            written.append(write)
            book.ended(answer, at: now)
        }
        return step
    }

    func count(_ outcome: PodEventOutcome) -> Int {
        book.counts.filter { $0.outcome == outcome }.reduce(0) { $0 + $1.count }
    }
}

@Suite struct PodEventBookTests {
    @Test func theFirstIsWrittenAtOnceAndMoreAreCountedOnceAMinute() {
        var bench = Bench()
        bench.add(Bench.event())
        bench.step()
        #expect(bench.written.count == 1)
        #expect(bench.written[0].isNew && bench.written[0].count == 1 && bench.written[0].name == "p1.1")
        for _ in 0..<5 { bench.add(Bench.event()) }
        #expect(bench.step() == .wait(until: .seconds(1060)))
        bench.now = .seconds(1060)
        bench.step()
        #expect(bench.written.count == 2)
        #expect(!bench.written[1].isNew && bench.written[1].count == 6 && bench.written[1].name == "p1.1")
        #expect(bench.step() == .idle)
        #expect(bench.count(.written) == 6)
    }

    @Test func whatComesWhileOneIsWrittenIsCountedNext() {
        var bench = Bench()
        bench.add(Bench.event())
        guard case .write = bench.book.next(at: bench.now) else {
            Issue.record("nothing to write")
            return
        }
        bench.add(Bench.event())
        bench.add(Bench.event())
        bench.book.ended(.taken, at: bench.now)
        bench.now += .seconds(60)
        bench.step()
        #expect(bench.written.map(\.count) == [3] && bench.count(.written) == 3)
    }

    @Test func podsAndReasonsHaveEventsOfTheirOwn() {
        var bench = Bench()
        bench.add(Bench.event(1))
        bench.add(Bench.event(2))
        bench.add(Bench.event(1, .tokenExpiring))
        for _ in 0..<3 { bench.step() }
        #expect(bench.written.map(\.event.podUID) == ["u1", "u2", "u1"])
        #expect(bench.written.allSatisfy { $0.isNew && $0.count == 1 })
    }

    /// The text of an event can't be changed.
    @Test func anotherTextIsCountedForAWhileThenItIsAnotherEvent() {
        var bench = Bench()
        bench.add(Bench.event(1, .tokenRefused, "one"))
        bench.step()
        bench.now += .seconds(60)
        bench.add(Bench.event(1, .tokenRefused, "two"))
        bench.step()
        #expect(!bench.written[1].isNew)
        bench.now += .seconds(600)
        bench.add(Bench.event(1, .tokenRefused, "two"))
        bench.step()
        #expect(bench.written[2].isNew && bench.written[2].event.note == "two" && bench.written[2].count == 1)
        bench.now += .seconds(700)
        bench.add(Bench.event(1, .tokenRefused, "two"))
        bench.step()
        #expect(!bench.written[3].isNew && bench.written[3].count == 2, "the same text counts on")
        bench.now += .seconds(1801)
        bench.add(Bench.event(1, .tokenRefused, "two"))
        bench.step()
        #expect(bench.written[4].isNew, "servers forget events")
    }

    @Test func aSeriesWhoseEventIsGoneBeginsAnew() {
        var bench = Bench()
        bench.add(Bench.event())
        bench.step()
        bench.now += .seconds(60)
        bench.add(Bench.event())
        bench.step(.noEvent)
        bench.step()
        #expect(bench.written.map(\.isNew) == [true, false, true])
        #expect(bench.written[2].count == 1 && bench.count(.written) == 2)
    }

    @Test func theNodeHasABucket() {
        var bench = Bench()
        for pod in 1...15 { bench.add(Bench.event(pod)) }
        var steps: [PodEventBook.Step] = []
        for _ in 0..<11 { steps.append(bench.step()) }
        #expect(bench.written.count == 10)
        #expect(steps.last == .wait(until: .seconds(1001)))
        bench.now += .seconds(1)
        bench.step()
        #expect(bench.written.count == 11)
        #expect(bench.written.map(\.event.podUID) == (1...11).map { "u\($0)" }, "the oldest first")
    }

    @Test func whatWaitsIsBounded() {
        var bench = Bench { $0.mostWaiting = 4 }
        bench.add(Bench.event(1))
        for pod in 1...6 { bench.add(Bench.event(pod)) }
        #expect(bench.book.waiting == 4)
        #expect(bench.count(.dropped) == 3, "both of the first Pod, and that of the second")
        for _ in 0..<5 { bench.step() }
        #expect(bench.written.map(\.event.podUID) == ["u3", "u4", "u5", "u6"])
    }

    @Test func whatIsRememberedIsBounded() {
        var bench = Bench {
            $0.mostRemembered = 40
            $0.burst = 1000
        }
        for pod in 1...500 {
            bench.add(Bench.event(pod))
            bench.step()
            bench.now += .seconds(1)
        }
        #expect(bench.book.remembered <= 41)
        #expect(bench.count(.written) == 500)
    }

    @Test func aRoleThatForbidsItIsLeftAloneForAnHour() {
        var bench = Bench()
        bench.add(Bench.event(1))
        bench.add(Bench.event(2))
        bench.step(.forbidden)
        bench.add(Bench.event(3))
        #expect(bench.step() == .idle)
        bench.now += .seconds(3599)
        bench.add(Bench.event(3))
        #expect(bench.step() == .idle)
        #expect(bench.written.count == 1 && bench.count(.forbidden) == 4)
        bench.now += .seconds(1)
        bench.add(Bench.event(3))
        bench.step()
        #expect(bench.written.count == 2 && bench.count(.written) == 1)
    }

    @Test func aNamespaceThatTakesNoEventHoldsUpNoOther() {
        var bench = Bench()
        func elsewhere(_ pod: Int) -> PodWarning {
            var event = Bench.event(pod)
            event.pod = PodName(namespace: "other", name: event.pod.name)
            return event
        }
        bench.add(Bench.event(1))
        bench.add(Bench.event(2))
        bench.add(elsewhere(3))
        bench.step(.forbiddenInNamespace)
        #expect(bench.count(.forbidden) == 2)
        bench.add(Bench.event(1))
        #expect(bench.count(.forbidden) == 3)
        bench.step()
        #expect(bench.count(.written) == 1 && bench.written.last?.event.pod.namespace == "other")
        bench.now += .seconds(599)
        bench.add(Bench.event(1))
        #expect(bench.count(.forbidden) == 4 && bench.step() == .idle)
        bench.now += .seconds(1)
        bench.add(Bench.event(1))
        bench.step()
        #expect(bench.count(.written) == 2)
    }

    @Test func aServerThatWantsToBeLeftAloneIs() {
        var bench = Bench()
        bench.add(Bench.event())
        bench.step(.later(.seconds(7)))
        bench.add(Bench.event())
        #expect(bench.step() == .wait(until: .seconds(1007)))
        bench.now += .seconds(7)
        bench.step()
        #expect(bench.written.count == 2 && bench.written[1].count == 2)
        #expect(bench.written[1].name == bench.written[0].name, "it may have been made")
        #expect(bench.written[1].firstSeen == bench.written[0].firstSeen)
        #expect(bench.count(.written) == 2)
    }

    @Test func oldNewsAreGivenUp() {
        var bench = Bench()
        bench.add(Bench.event())
        for _ in 0..<20 {
            bench.step(.later(.seconds(60)))
            bench.now += .seconds(60)
        }
        #expect(bench.written.count == 11)
        #expect(bench.count(.failed) == 1 && bench.book.waiting == 0 && bench.book.remembered == 0)
    }

    @Test(arguments: [
        (PodEventBook.Answer.noNamespace, PodEventOutcome.gone), (.rejected, .failed),
    ])
    func whatIsNeverTakenIsNotTriedAgain(_ answer: PodEventBook.Answer, _ outcome: PodEventOutcome) {
        var bench = Bench()
        bench.add(Bench.event())
        bench.step(answer)
        #expect(bench.step() == .idle)
        #expect(bench.count(outcome) == 1 && bench.book.remembered == 0)
    }

    /// Whatever happens: each thing to say ends as one count, no two writes of one Pod and reason are less than a minute
    /// apart, and no second has more writes than the bucket gives.
    @Test(arguments: 0..<40) func thePromisesHoldForRandomStories(_ seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var bench = Bench {
            $0.mostWaiting = Int.random(in: 1...20, using: &random)
            $0.mostRemembered = Int.random(in: 20...40, using: &random)
        }
        var added = 0
        var lastTaken: [String: Duration] = [:]
        var times: [Duration] = []
        for _ in 0..<2000 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<5:
                let reason = PodEventReason.allCases.randomElement(using: &random) ?? .tokenRefused
                bench.add(Bench.event(Int.random(in: 0..<12, using: &random), reason, random.text(of: ["a"], most: 1)))
                added += 1
            case 5..<8:
                let answers: [PodEventBook.Answer] = [
                    .taken, .taken, .taken, .noEvent, .noNamespace, .rejected, .later(.seconds(3)),
                    .forbiddenInNamespace,
                ]
                let isRare = Int.random(in: 0..<100, using: &random) == 0
                let answer = isRare ? .forbidden : answers.randomElement(using: &random) ?? .taken
                guard case .write(let write) = bench.step(answer) else { continue }
                times.append(bench.now)
                let key = "\(write.event.podUID) \(write.event.reason)"
                if let last = lastTaken[key], !write.isNew { #expect(bench.now - last >= .seconds(60)) }
                if answer == .taken { lastTaken[key] = bench.now }
            default: bench.now += .milliseconds(Int.random(in: 1...40_000, using: &random))
            }
            let counted = bench.book.counts.reduce(0) { $0 + $1.count }
            #expect(counted <= added)
            #expect(bench.book.waiting <= 20)
        }
        for (index, time) in times.enumerated() where index >= 10 { #expect(time - times[index - 10] >= .seconds(1)) }
        bench.now += .seconds(4000)
        while bench.step() != .idle { bench.now += .seconds(61) }
        #expect(bench.book.counts.reduce(0) { $0 + $1.count } == added)
    }
}
