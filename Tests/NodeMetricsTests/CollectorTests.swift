// A scrape of a node: every figure where it belongs, bounded labels, counters that only grow.

import MountService
import Refusals
import Support
import Testing
import TokenStore
import TokenStoreTesting

@testable import NodeMetrics

struct CollectorTests {
    @Test func whatIsConfiguredHasItsSeriesFromTheStart() async throws {
        try await NodeBench.with { bench in
            let values = bench.scrape()
            for store in ["github", "quay"] {
                for outcome in ["minted", "failed", "lost"] {
                    #expect(values["daypass_mints_total{store=\"\(store)\",outcome=\"\(outcome)\"}"] == 0)
                }
                #expect(values["daypass_mint_duration_seconds_count{store=\"\(store)\"}"] == 0)
                #expect(values["daypass_leases{store=\"\(store)\",state=\"live\"}"] == 0)
                #expect(values["daypass_source_paused{store=\"\(store)\"}"] == 0)
                // Without a live token nobody knows when the next one ends.
                #expect(values["daypass_token_expiry_seconds{store=\"\(store)\"}"] == nil)
                #expect(values["daypass_source_rate_limit_remaining{store=\"\(store)\"}"] == nil)
            }
            #expect(values["daypass_mounts_total{outcome=\"refused\",reason=\"NotGranted\"}"] == 0)
            #expect(values["daypass_mounts_total{outcome=\"fresh\",reason=\"\"}"] == 0)
            #expect(values["daypass_journal_writable"] == 1)
        }
    }

    @Test func everythingThatHappensIsCountedForItsStore() async throws {
        try await NodeBench.with { bench in
            await bench.live()
            let values = bench.scrape()
            let expected: [String: Double] = [
                "daypass_mints_total{store=\"github\",outcome=\"minted\"}": 3,
                "daypass_mints_total{store=\"github\",outcome=\"failed\"}": 0,
                "daypass_mints_total{store=\"quay\",outcome=\"minted\"}": 2,
                "daypass_mints_total{store=\"quay\",outcome=\"failed\"}": 2,
                "daypass_mints_total{store=\"quay\",outcome=\"lost\"}": 1,
                "daypass_mint_duration_seconds_count{store=\"github\"}": 3,
                "daypass_mint_duration_seconds_bucket{store=\"github\",le=\"0.1\"}": 0,
                "daypass_mint_duration_seconds_bucket{store=\"github\",le=\"0.25\"}": 3,
                "daypass_mint_duration_seconds_count{store=\"quay\"}": 5,
                "daypass_refreshes_total{store=\"github\",outcome=\"refreshed\"}": 1,
                "daypass_refreshes_total{store=\"quay\",outcome=\"failed\"}": 1,
                "daypass_stale_answers_total{store=\"quay\"}": 1,
                "daypass_stale_answers_total{store=\"github\"}": 0,
                "daypass_revocations_total{store=\"github\",outcome=\"revoked\"}": 1,
                "daypass_revocations_total{store=\"quay\",outcome=\"left_to_expire\"}": 1,
                "daypass_leases{store=\"quay\",state=\"live\"}": 1,
                "daypass_leases{store=\"quay\",state=\"lost\"}": 1,
                "daypass_revocation_debt{store=\"github\"}": 2,
                "daypass_revocation_debt{store=\"quay\"}": 0,
                "daypass_source_rate_limit_remaining{store=\"github\"}": 4987,
                "daypass_mounts_total{outcome=\"fresh\",reason=\"\"}": 100,
                "daypass_mounts_total{outcome=\"refused\",reason=\"NotGranted\"}": 1,
                "daypass_mount_duration_seconds_bucket{outcome=\"fresh\",le=\"0.0005\"}": 100,
                "daypass_mount_duration_seconds_bucket{outcome=\"fresh\",le=\"0.0001\"}": 0,
                "daypass_mount_duration_seconds_count{outcome=\"refused\"}": 2,
                "daypass_configuration_info{digest=\"abc123\"}": 1,
                "daypass_configuration_reloads_total{outcome=\"unchanged\"}": 2,
                "daypass_build_end_watching{detector=\"target paths\"}": 0,
                "daypass_build_info{version=\"1.2.3\"}": 1,
                "daypass_refused_connections_total": 4,
                "daypass_log_lines_lost_total{audit=\"true\"}": 2,
                "daypass_log_lines_lost_total{audit=\"false\"}": 5,
                "daypass_tokens_expiring{store=\"quay\"}": 1,
                "daypass_tokens_expiring{store=\"github\"}": 0,
                "daypass_pod_events_total{reason=\"RefreshFailed\",outcome=\"written\"}": 3,
            ]
            for (series, value) in expected { #expect(values[series] == value, "\(series)") }
            let left = try #require(values["daypass_token_expiry_seconds{store=\"quay\"}"])
            #expect((500...600).contains(left))
            bench.clock.advance(by: .seconds(50))
            let oldest = try #require(bench.scrape()["daypass_oldest_unrevoked_seconds"])
            #expect(oldest >= 50)
        }
    }

    @Test func noSeriesAndNoTextComesFromATenant() async throws {
        try await NodeBench.with { bench in
            for number in 0..<50 { await bench.mount("tenant-\(number)\"}\n") }
            await bench.live()
            let before = bench.scrape().count
            for number in 50..<100 { await bench.mount("tenant-\(number)") }
            #expect(bench.scrape().count == before)
            let text = bench.collector.exposition()
            #expect(!text.contains("tenant") && !text.contains("pod-") && !text.contains("SECRET"))
        }
    }

    @Test func countersNeverGoBackOverAReload() async throws {
        try await NodeBench.with { bench in
            await bench.live()
            let before = bench.scrape()
            // Another configuration: a store is gone, another is new.
            bench.connect(["github", "vault"], digest: "def456")
            let after = bench.scrape()
            let counters = NodeMetric.all.filter { $0.kind != .gauge }.map(\.name)
            func isCounter(_ series: String) -> Bool { counters.contains { series.hasPrefix($0) } }
            #expect(before.keys.count(where: isCounter) > 100)
            for (series, value) in before where isCounter(series) {
                #expect(after[series].map { $0 >= value } == true, "\(series)")
            }
            #expect(after["daypass_mints_total{store=\"vault\",outcome=\"minted\"}"] == 0)
            #expect(after["daypass_configuration_info{digest=\"abc123\"}"] == nil)
            #expect(after["daypass_configuration_info{digest=\"def456\"}"] == 1)
            // A gate is there for what is configured.
            #expect(after["daypass_source_paused{store=\"quay\"}"] == nil)
        }
    }

    @Test func aCollectorWithNothingConnectedTellsWhatItKnows() throws {
        let collector = NodeMetricsCollector(clock: SystemClock(), process: { ProcessFigures() })
        let names = collector.exposition().split(separator: "\n").filter { $0.hasPrefix("# TYPE") }
            .map { $0.split(separator: " ")[2] }
        #expect(names == ["daypass_build_info", "daypass_mounts_total", "daypass_mount_duration_seconds"])
    }

    @Test func aScrapeHasEveryMetricInTheOrderOfTheList() async throws {
        try await NodeBench.with { bench in
            await bench.live()
            let names = bench.collector.exposition().split(separator: "\n").filter { $0.hasPrefix("# TYPE") }
                .map { String($0.split(separator: " ")[2]) }
            #expect(names == NodeMetric.all.map(\.name))
        }
    }
}
