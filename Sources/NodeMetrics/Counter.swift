// Instruments that are written while Mounts are answered: a counter, and a histogram of durations.

import Synchronization

/// A number that only grows. One atomic addition to write, one load to read.
package final class Counter: Sendable {
    private let value = Atomic<Int>(0)

    package init() {}

    /// Adds to it; what would make it smaller is not taken.
    package func add(_ number: Int = 1) {
        if number > 0 { value.add(number, ordering: .relaxed) }
    }

    package var total: Int { value.load(ordering: .relaxed) }
}

/// Durations, counted by size. Two atomic additions to write.
package final class Histogram: Sendable {
    /// What was counted when somebody looked.
    package struct Reading: Sendable, Hashable {
        /// The upper ends of the sizes in seconds, inclusive.
        package var limits: [Double]
        /// How many there were of each size alone; one more than there are limits, for what was larger than all.
        package var counts: [Int]
        /// All of them together, in seconds.
        package var seconds: Double

        package init(limits: [Double], counts: [Int], seconds: Double) {
            self.limits = limits
            self.counts = counts
            self.seconds = seconds
        }
    }

    private let limits: [Duration]
    private let counts: [Counter]
    private let nanoseconds = Counter()

    /// - Parameter limits: the upper ends of the sizes, ascending.
    package init(limits: [Duration]) {
        self.limits = limits
        counts = (0...limits.count).map { _ in Counter() }
    }

    /// Counts a duration; one below zero counts as none.
    package func observe(_ duration: Duration) {
        var size = 0
        while size < limits.count, limits[size] < duration { size += 1 }
        counts[size].add()
        nanoseconds.add(Int(clamping: duration.attoseconds / 1_000_000_000))
    }

    /// What was counted so far. Durations that are counted meanwhile may be in the counts and not in the sum.
    package var reading: Reading {
        Reading(
            limits: limits.map { $0 / .seconds(1) },
            counts: counts.map(\.total),
            seconds: Double(nanoseconds.total) / 1_000_000_000
        )
    }
}
