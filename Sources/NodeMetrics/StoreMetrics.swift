// What a scrape says of the stores: their mints, leases, revocations and sources.

import Leases

/// The stores of a node as they are at one scrape.
struct Stores {
    private typealias Sample = (labels: [String], value: Double)

    /// Of the configuration, and those that have figures: a store that is not configured any more keeps its counters.
    private let names: [String]
    private let counts: LeaseCounts
    private let gates: [StoreGateStatus]
    private let remaining: [String: Int]
    private let hasLeases: Bool

    init(_ counts: LeaseCounts?, configured: [String], gate: ((String) -> StoreGateStatus)?, remaining: [String: Int]) {
        self.counts = counts ?? LeaseCounts()
        hasLeases = counts != nil
        self.remaining = remaining
        names = Set(configured).union(self.counts.byStore.keys).sorted()
        gates = gate.map { Set(configured).sorted().map($0) } ?? []
    }

    func write(to text: inout ExpositionText) {
        if hasLeases { writeLeases(to: &text) }
        text.write(
            NodeMetric.sourceRateLimit,
            remaining.sorted { $0.key < $1.key }.map { (labels: [$0.key], value: Double($0.value)) }
        )
        text.write(NodeMetric.sourcePaused, gates.map { ([$0.store], $0.pausedUntil == nil ? 0 : 1) })
        text.write(NodeMetric.sourceBreaker, gates.map { ([$0.store], $0.breaker == .closed ? 0 : 1) })
        text.write(NodeMetric.sourceWaiting, gates.map { ([$0.store], Double($0.waiting)) })
    }

    private func writeLeases(to text: inout ExpositionText) {
        text.write(
            NodeMetric.mints,
            byOutcome([("minted", \.minted), ("failed", \.mintsFailed), ("lost", \.answersLost)])
        )
        text.write(
            NodeMetric.mintDuration,
            names.map { (labels: [$0], reading: (counts.byStore[$0]?.mintTimes ?? MintTimes()).reading) }
        )
        text.write(
            NodeMetric.refreshes,
            byOutcome([("refreshed", \.refreshed), ("failed", \.refreshesFailed)])
        )
        text.write(NodeMetric.staleAnswers, each(\.servedStale))
        text.write(
            NodeMetric.revocations,
            byOutcome([("revoked", \.revoked), ("failed", \.revocationsFailed), ("left_to_expire", \.leftToExpire)])
        )
        text.write(
            NodeMetric.leases,
            names.flatMap { name in
                LeaseState.allCases.map { ([name, $0.rawValue], Double(self[name][$0])) }
            }
        )
        text.write(NodeMetric.debt, each(\.revoking))
        text.write(NodeMetric.givenUp, each(\.givenUp))
        text.write(NodeMetric.oldestUnrevoked, counts.oldestDebtSeconds)
        text.write(
            NodeMetric.tokenExpiry,
            names.compactMap { name in self[name].nextExpirySeconds.map { ([name], Double($0)) } }
        )
        text.write(NodeMetric.tokensExpiring, each(\.expiring))
    }

    private subscript(name: String) -> StoreLeaseCounts { counts.byStore[name] ?? StoreLeaseCounts() }

    private func each(_ figure: KeyPath<StoreLeaseCounts, Int>) -> [Sample] {
        names.map { ([$0], Double(self[$0][keyPath: figure])) }
    }

    private func byOutcome(_ figures: [(String, KeyPath<StoreLeaseCounts, Int>)]) -> [Sample] {
        names.flatMap { name in figures.map { ([name, $0.0], Double(self[name][keyPath: $0.1])) } }
    }
}

extension MintTimes {
    var reading: Histogram.Reading {
        Histogram.Reading(
            limits: Self.limits.map { Double($0) / 1000 },
            counts: counts,
            seconds: Double(totalMicroseconds) / 1_000_000
        )
    }
}
