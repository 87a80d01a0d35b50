// The Mounts: counted by how they ended, and timed.

package import MountService
import Refusals

/// Counts Mounts. All counters are there from the start: to count is two atomic additions, and for a refusal a look-up and
/// a third.
package final class MountMetrics: Sendable {
    /// The upper ends of the sizes of ``NodeMetric/mountDuration``: from a fresh lease to kubelet's patience.
    static let limits: [Duration] = [
        .microseconds(100), .microseconds(500), .milliseconds(1), .milliseconds(5), .milliseconds(10),
        .milliseconds(50), .milliseconds(100), .milliseconds(250), .milliseconds(500), .seconds(1),
        .milliseconds(2500), .seconds(5), .seconds(10), .seconds(30), .seconds(60), .seconds(100),
    ]

    private let fresh = Histogram(limits: limits)
    private let issued = Histogram(limits: limits)
    private let stale = Histogram(limits: limits)
    private let refused = Histogram(limits: limits)
    private let reasons = Dictionary(uniqueKeysWithValues: Reason.all.map { ($0, Counter()) })

    package init() {}

    /// Counts a Mount that ended.
    package func count(_ outcome: MountOutcome, _ took: Duration) {
        switch outcome {
        case .fresh: fresh.observe(took)
        case .issued: issued.observe(took)
        case .stale: stale.observe(took)
        case .refused(let reason):
            // A test of the reasons holds that every one of them is in the list.
            reasons[reason]?.add()
            refused.observe(took)
        }
    }

    /// The values of ``NodeMetric/mounts``.
    var counts: [(labels: [String], value: Double)] {
        let answered = [("fresh", fresh), ("issued", issued), ("stale", stale)]
            .map { (labels: [$0.0, ""], value: Double($0.1.reading.counts.reduce(0, +))) }
        return answered
            + Reason.all.map { (labels: ["refused", $0.code], value: Double(reasons[$0]?.total ?? 0)) }
    }

    /// The values of ``NodeMetric/mountDuration``.
    var times: [(labels: [String], reading: Histogram.Reading)] {
        [("fresh", fresh), ("issued", issued), ("stale", stale), ("refused", refused)]
            .map { (labels: [$0.0], reading: $0.1.reading) }
    }
}
