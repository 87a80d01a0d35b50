// The Mounts: counted by how they ended, and timed.

package import MountService
import Refusals

/// Counts Mounts. All counters are there from the start: to count is a look-up and three atomic additions, for a fresh
/// lease without the look-up.
package final class MountMetrics: Sendable {
    /// The upper ends of the sizes of ``NodeMetric/mountDuration``: from a fresh lease to kubelet's patience.
    static let limits: [Duration] = [
        .microseconds(100), .microseconds(500), .milliseconds(1), .milliseconds(5), .milliseconds(10),
        .milliseconds(50), .milliseconds(100), .milliseconds(250), .milliseconds(500), .seconds(1),
        .milliseconds(2500), .seconds(5), .seconds(10), .seconds(30), .seconds(60), .seconds(100),
    ]

    /// One way to end.
    private struct Way: Sendable {
        let count = Counter()
        let times = Histogram(limits: limits)
    }

    private let fresh = Way()
    private let issued = Way()
    private let stale = Way()
    private let refusedTimes = Histogram(limits: limits)
    private let refused = Dictionary(uniqueKeysWithValues: Reason.all.map { ($0, Counter()) })

    package init() {}

    /// Counts a Mount that ended.
    package func count(_ outcome: MountOutcome, _ took: Duration) {
        switch outcome {
        case .fresh: count(fresh, took)
        case .issued: count(issued, took)
        case .stale: count(stale, took)
        case .refused(let reason):
            // Every reason is in the list, which a test of the reasons holds.
            refused[reason]?.add()
            refusedTimes.observe(took)
        }
    }

    private func count(_ way: Way, _ took: Duration) {
        way.count.add()
        way.times.observe(took)
    }

    /// The values of ``NodeMetric/mounts``.
    var counts: [(labels: [String], value: Double)] {
        let answered = [("fresh", fresh), ("issued", issued), ("stale", stale)]
            .map { (labels: [$0.0, ""], value: Double($0.1.count.total)) }
        return answered
            + Reason.all.map { (labels: ["refused", $0.code], value: Double(refused[$0]?.total ?? 0)) }
    }

    /// The values of ``NodeMetric/mountDuration``.
    var times: [(labels: [String], reading: Histogram.Reading)] {
        [("fresh", fresh.times), ("issued", issued.times), ("stale", stale.times), ("refused", refusedTimes)]
            .map { (labels: [$0.0], reading: $0.1.reading) }
    }
}
