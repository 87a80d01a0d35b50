// What is counted while Mounts are answered: nothing is lost, nothing is negative, every reason has a place.

import MountService
import Refusals
import Testing

@testable import NodeMetrics

struct CountingTests {
    @Test func noAdditionIsLostWhenManyAdd() async {
        let counter = Counter()
        let histogram = Histogram(limits: [.milliseconds(1), .milliseconds(2)])
        await withDiscardingTaskGroup { group in
            for task in 0..<8 {
                group.addTask {
                    for number in 0..<10_000 {
                        counter.add()
                        histogram.observe(.microseconds(500 + (number % 3) * 1000 + task))
                    }
                }
            }
        }
        #expect(counter.total == 80_000)
        let reading = histogram.reading
        #expect(reading.counts == [26672, 26664, 26664])
        // 500, 1500 and 2500 us, and the number of the task.
        let microseconds = 26672 * 500 + 26664 * 1500 + 26664 * 2500 + 10_000 * (0..<8).reduce(0, +)
        #expect(abs(reading.seconds - Double(microseconds) / 1_000_000) < 0.000001)
    }

    @Test func aCounterNeverGoesBack() {
        let counter = Counter()
        counter.add(3)
        counter.add(-5)
        counter.add(0)
        #expect(counter.total == 3)
    }

    @Test func aClockThatGoesBackCostsNothing() {
        let histogram = Histogram(limits: [.seconds(1)])
        histogram.observe(.seconds(-5))
        #expect(histogram.reading == Histogram.Reading(limits: [1], counts: [1, 0], seconds: 0))
    }

    @Test func everyWayToEndHasItsCounterFromTheStart() {
        let mounts = MountMetrics()
        #expect(mounts.counts.count == 3 + Reason.all.count)
        #expect(mounts.counts.allSatisfy { $0.value == 0 })
        mounts.count(.fresh, .microseconds(50))
        mounts.count(.issued, .milliseconds(300))
        mounts.count(.stale, .seconds(2))
        for reason in Reason.all { mounts.count(.refused(reason), .microseconds(20)) }
        #expect(mounts.counts.allSatisfy { $0.value == 1 })
        let refused = mounts.counts.filter { $0.labels[0] == "refused" }.map { $0.labels[1] }
        #expect(refused == Reason.all.map(\.code))
        let times = Dictionary(uniqueKeysWithValues: mounts.times.map { ($0.labels[0], $0.reading) })
        #expect(
            times.mapValues { $0.counts.reduce(0, +) } == [
                "fresh": 1, "issued": 1, "stale": 1, "refused": Reason.all.count,
            ]
        )
        #expect(times["fresh"]?.counts.first == 1 && times["stale"]?.seconds == 2)
    }
}
