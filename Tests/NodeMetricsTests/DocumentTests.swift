// docs/metrics.md says what there is.

import Testing

@testable import NodeMetrics

struct DocumentTests {
    @Test func thePageListsExactlyTheMetricsThatThereAre() throws {
        let page = try ProjectFiles.text("docs/metrics.md")
        // | `name` | type | labels | meaning |
        let rows = page.split(separator: "\n").filter { $0.hasPrefix("| `") }.map { row in
            row.split(separator: "|").map { String($0.trimmingPrefix(" ").reversed().drop { $0 == " " }.reversed()) }
        }
        func row(_ family: MetricFamily) -> [String] {
            let labels = family.labels.map { "`\($0)`" }.joined(separator: ", ")
            return ["`\(family.name)`", family.kind.rawValue, labels]
        }
        let listed = rows.filter { $0[0].hasPrefix("`daypass_") || $0[0].hasPrefix("`process_") }
            .map { Array($0.prefix(3)) }
        #expect(listed.map { $0[0] } == NodeMetric.all.map { "`\($0.name)`" })
        for (listed, family) in zip(listed, NodeMetric.all) { #expect(listed == row(family)) }
    }

    @Test func thePageHasTheCardinalityOfANode() async throws {
        let page = try ProjectFiles.text("docs/metrics.md")
        func series(_ stores: Int) async throws -> Int {
            var count = 0
            try await NodeBench.with { bench in
                bench.connect((0..<stores).map { "store-\($0)" })
                count = bench.scrape().count
            }
            return count
        }
        let (one, three) = (try await series(1), try await series(3))
        let perStore = (three - one) / 2
        // What a store has only while it says so: the limit of its source, and the end of its next token.
        #expect(page.contains("\(perStore + 2) for each store"), "\(perStore + 2)")
        let node = try #require(page.firstMatch(of: /some (\d+) for the node/).flatMap { Int($0.output.1) })
        #expect((node - 15...node + 15).contains(one - perStore), "\(one - perStore)")
    }

    @Test func theExampleIsOfARealScrape() async throws {
        let page = try ProjectFiles.text("docs/metrics.md")
        let example = try #require(page.split(separator: "```").dropFirst().first).split(separator: "\n")
        func isValue(_ line: Substring) -> Bool { !line.hasPrefix("#") }
        try await NodeBench.with { bench in
            bench.connect(["github"])
            await bench.live()
            let scrape = bench.collector.exposition().split(separator: "\n")
            let series = Set(scrape.filter(isValue).map { $0.split(separator: " ").dropLast().joined(separator: " ") })
            for line in example where isValue(line) {
                let name = line.split(separator: " ").dropLast().joined(separator: " ")
                // The version and the digest are others'.
                if name.contains("_info{") { continue }
                #expect(series.contains(name), "\(line)")
            }
            for line in example where !isValue(line) { #expect(scrape.contains(line), "\(line)") }
            #expect(example.count > 20)
        }
    }
}
