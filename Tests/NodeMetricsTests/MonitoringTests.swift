// What an operator gives to Prometheus and Grafana: read by their own programs, against a real scrape.

import Foundation
import MountService
import Refusals
import Support
import Testing
import Yams

@testable import NodeMetrics

struct MonitoringTests {
    // MARK: The files

    private func groups(_ yaml: String, _ path: [String]) throws -> [[String: Any]] {
        var place = try Yams.load(yaml: yaml)
        for key in path { place = (place as? [String: Any])?[key] }
        return try #require(place as? [[String: Any]])
    }

    private func rules() throws -> [[String: Any]] {
        try groups(ProjectFiles.text("daemonset/monitoring/alerts.yaml"), ["groups"])
            .flatMap { $0["rules"] as? [[String: Any]] ?? [] }
    }

    @Test func theOperatorsObjectHasTheSameRules() throws {
        let alerts = try ProjectFiles.text("daemonset/monitoring/alerts.yaml")
        let object = try ProjectFiles.text("daemonset/monitoring/prometheusrule.yaml")
        let lines = alerts.split(separator: "\n", omittingEmptySubsequences: false).drop { $0 != "groups:" }
        let indented = lines.map { $0.isEmpty ? "" : "  \($0)" }.joined(separator: "\n")
        #expect(object.hasSuffix("spec:\n\(indented)"), "run scripts/prometheus-rule")
        #expect(try groups(object, ["spec", "groups"]).count == groups(alerts, ["groups"]).count)
    }

    @Test func everyAlertSaysWhatIsWrongAndWhereToRead() throws {
        let rules = try rules()
        #expect(rules.count > 15)
        let tests = try ProjectFiles.text("daemonset/monitoring/alerts.test.yaml")
        for rule in rules {
            let name = try #require(rule["alert"] as? String)
            let severity = (rule["labels"] as? [String: String])?["severity"] ?? ""
            #expect(["critical", "warning", "info"].contains(severity), "\(name)")
            let notes = try #require(rule["annotations"] as? [String: String])
            #expect(notes.keys.sorted() == ["description", "runbook_url", "summary"], "\(name)")
            #expect(notes["runbook_url"] == "docs/operations.md#\(name.lowercased())")
            // One that fires, and one that does not.
            let tested = tests.split(separator: "\n").filter { $0.contains("expr: 'ALERTS{alertname=\"\(name)\"") }
            #expect(tested.count >= 2, "\(name) has no test in alerts.test.yaml")
            #expect(tests.contains("labels: 'ALERTS{alertname=\"\(name)\", alertstate=\"firing\""), "\(name)")
        }
        #expect(Set(rules.compactMap { $0["alert"] as? String }).count == rules.count)
    }

    private struct Panel {
        let id: Int
        let title: String
        let place: [String: Int]
        let queries: [String]
    }

    private func panels() throws -> [Panel] {
        let text = try ProjectFiles.text("daemonset/monitoring/grafana-dashboard.json")
        let board = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
        return try #require(board?["panels"] as? [[String: Any]]).map { panel in
            let targets = panel["targets"] as? [[String: Any]] ?? []
            return Panel(
                id: try #require(panel["id"] as? Int),
                title: try #require(panel["title"] as? String),
                place: try #require(panel["gridPos"] as? [String: Int]),
                queries: try targets.map { try #require($0["expr"] as? String) }
            )
        }
    }

    @Test func thePanelsOfTheDashboardLieSideBySide() throws {
        let panels = try panels()
        #expect(Set(panels.map(\.id)).count == panels.count && panels.count > 20)
        var taken: [[Int]: String] = [:]
        for panel in panels {
            let (x, y) = (try #require(panel.place["x"]), try #require(panel.place["y"]))
            let (width, height) = (try #require(panel.place["w"]), try #require(panel.place["h"]))
            #expect(x + width <= 24, "\(panel.title)")
            for column in x..<x + width {
                for line in y..<y + height {
                    #expect(taken.updateValue(panel.title, forKey: [column, line]) == nil, "\(panel.title)")
                }
            }
        }
    }

    /// A query with the dashboard's variables as Grafana would put them in.
    private func filled(_ query: String) -> String {
        query.replacing("$__rate_interval", with: "1m").replacing("$instance", with: ".*")
            .replacing("$store", with: ".*")
    }

    // MARK: Their programs

    @Test(.enabled(if: PrometheusTools.areThere))
    func promtoolTakesTheRules() async throws {
        for arguments in [["check", "rules", "alerts.yaml"], ["test", "rules", "alerts.test.yaml"]] {
            let paths = arguments.dropLast() + ["\(ProjectFiles.monitoring)/\(arguments[2])"]
            let outcome = try await runProgram("promtool", Array(paths))
            #expect(outcome.code == 0, "\(outcome.text)")
            #expect(outcome.text.contains("SUCCESS"), "\(outcome.text)")
        }
    }

    @Test(.enabled(if: PrometheusTools.areThere))
    func promtoolTakesTheScrapeConfiguration() async throws {
        // Debian's Prometheus is built without the discovery of Pods: the rest is checked, with a fixed target.
        let text = try ProjectFiles.text("daemonset/monitoring/scrape-config.yaml")
        var kept: [Substring] = []
        var isDiscovery = false
        for line in text.split(separator: "\n") {
            let isKey = line.hasPrefix("    ") && !line.hasPrefix("     ") && line.contains(":")
            if isKey { isDiscovery = line.contains("kubernetes_sd_configs") }
            if !isDiscovery { kept.append(line) }
        }
        #expect(text.contains("kubernetes_sd_configs:") && kept.count > 10)
        kept.append("    static_configs: [{ targets: [\"127.0.0.1:1\"] }]")
        let file = kept.joined(separator: "\n") + "\n"
        try await withFolder { folder in
            try Data(file.utf8).write(to: URL(filePath: "\(folder)/prometheus.yml"))
            let outcome = try await runProgram("promtool", ["check", "config", "\(folder)/prometheus.yml"])
            #expect(outcome.code == 0, "\(outcome.text)")
        }
    }

    @Test(.enabled(if: PrometheusTools.areThere))
    func promtoolTakesAScrape() async throws {
        try await NodeBench.with { bench in
            for _ in 0..<2 {
                let outcome = try await runProgram(
                    "promtool",
                    ["check", "metrics"],
                    input: bench.collector.exposition()
                )
                #expect(outcome.code == 0 && outcome.text.isEmpty, "\(outcome.text)")
                await bench.live()
            }
        }
    }

    @Test(.enabled(if: PrometheusTools.hasParser))
    func theParserOfPrometheusPythonClientReadsAScrape() async throws {
        let program = """
            import json, sys
            from prometheus_client.parser import text_string_to_metric_families as parse
            families = list(parse(sys.stdin.read()))
            print(json.dumps([[f.name, f.type, f.documentation,
                               [[s.name, s.labels, str(s.value)] for s in f.samples]] for f in families]))
            """
        try await NodeBench.with { bench in
            bench.connect(["github", "quay", "odd \"name\"\\with\nall"])
            await bench.live()
            let text = bench.collector.exposition()
            let outcome = try await runProgram(PrometheusTools.python, ["-c", program], input: text)
            #expect(outcome.code == 0, "\(outcome.error)")
            let parsed = try #require(
                try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [[Any]]
            )
            #expect(parsed.count == NodeMetric.all.count)
            var lines = 0
            var stores: Set<String> = []
            for (family, read) in zip(NodeMetric.all, parsed) {
                // The parser takes the suffix of counters off.
                let name = family.kind == .counter ? String(family.name.dropLast("_total".count)) : family.name
                #expect(read[0] as? String == name && read[1] as? String == family.kind.rawValue)
                #expect(read[2] as? String == family.help)
                for sample in try #require(read[3] as? [[Any]]) {
                    lines += 1
                    let labels = try #require(sample[1] as? [String: String])
                    #expect(Set(labels.keys).subtracting(["le"]) == Set(family.labels), "\(family.name)")
                    if let store = labels["store"] { stores.insert(store) }
                }
            }
            #expect(lines == text.split(separator: "\n").count { !$0.hasPrefix("#") })
            #expect(stores == ["github", "quay", "odd \"name\"\\with\nall"])
        }
    }

    // MARK: A real Prometheus

    @Test(.enabled(if: PrometheusTools.areThere))
    func everyQueryOfDashboardAndRulesWorksOnARealScrape() async throws {
        let panels = try panels()
        let ruleCount = try rules().count
        try await NodeBench.with { bench in
            await bench.live()
            let collector = bench.collector
            let scrapes = Box(0)
            // Something happens between scrapes, so that there are rates.
            let scrape: @Sendable () -> String = {
                scrapes.update { $0 += 1 }
                collector.count(.fresh, .microseconds(300))
                collector.count(.refused(.notGranted), .milliseconds(2))
                return collector.exposition()
            }
            try await withScrapes(scrape) { port in
                try await withPrometheus(scraping: port) { prometheus in
                    await until { scrapes.get() >= 4 }
                    // Another second or so until the last of them is stored.
                    var stored = 0.0
                    for _ in 0..<300 where stored < 3 {
                        try await Task.sleep(for: .milliseconds(100))
                        stored = try await prometheus.values("count_over_time(up[5m])").first?.value ?? 0
                    }
                    #expect(stored >= 3)
                    let up = try await prometheus.values("up{job=\"daypass\"} == 1")
                    #expect(up.count == 1)

                    let names = Set(try #require(try await prometheus.ask("label/__name__/values") as? [String]))
                    for family in NodeMetric.all where family.kind != .histogram {
                        #expect(names.contains(family.name), "\(family.name)")
                    }
                    func checkNames(_ query: String) {
                        for match in query.matches(of: /\b(daypass|process)_[a-z_]+/) {
                            #expect(names.contains(String(match.output.0)), "\(match.output.0) of: \(query)")
                        }
                    }
                    for panel in panels {
                        for query in panel.queries {
                            checkNames(query)
                            let values = try await prometheus.values(filled(query))
                            #expect(!values.isEmpty, "no data in \"\(panel.title)\": \(query)")
                        }
                    }
                    let answer = try await prometheus.ask("rules") as? [String: Any]
                    let rules = (answer?["groups"] as? [[String: Any]] ?? [])
                        .flatMap { $0["rules"] as? [[String: Any]] ?? [] }
                    #expect(rules.count == ruleCount)
                    for rule in rules {
                        let query = try #require(rule["query"] as? String)
                        checkNames(query)
                        _ = try await prometheus.values(query)
                        #expect(rule["health"] as? String == "ok", "\(rule)")
                    }
                    let refused = try await prometheus.values(
                        "sum by (reason) (rate(daypass_mounts_total{outcome=\"refused\"}[1m])) > 0"
                    )
                    #expect(refused.map(\.labels) == [["reason": Reason.notGranted.code]])
                }
            }
        }
    }
}
