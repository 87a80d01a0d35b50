// A real daemon whose caller sends a trace: its spans at a collector, and its log lines.

import Foundation
import Support
import Testing

@Suite(.enabled(if: Collector.python != nil, "run scripts/install-opentelemetry")) struct MountTraceTests {
    private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    private static let caller = "00f067aa0ba902b7"

    private func objects(_ daemon: DaemonProcess) -> [[String: Any]] {
        daemon.log.split(separator: "\n").compactMap {
            (try? JSONSerialization.jsonObject(with: Data($0.utf8))) as? [String: Any]
        }
    }

    /// Runs `body` with a daemon that exports to a collector.
    private func withTracedNode(
        ratio: Double,
        _ body: (Node, DaemonProcess, Collector) async throws -> Void
    ) async throws {
        try await Collector.run { collector in
            try await withNode { node in
                let text = try String(contentsOfFile: node.path("node.yaml"), encoding: .utf8)
                let tracing = "tracing: { endpoint: \"\(collector.url)/v1/traces\", sampleRatio: \(ratio) }\n"
                try node.write(text + "\n" + tracing, to: "traced.yaml")
                let daemon = try await node.startDaemon(configuration: "traced.yaml")
                try await body(node, daemon, collector)
                #expect(!collector.text.contains("problem"), "\(collector.text)")
                #expect(node.leaks().leaked.isEmpty)
            }
        }
    }

    @Test func aCallersTraceIsGoneOnWith() async throws {
        try await withTracedNode(ratio: 0) { node, daemon, collector in
            let metadata = [("traceparent", "00-\(Self.trace)-\(Self.caller)-01"), ("tracestate", "a=1")]
            let first = try await node.mount(try node.attributes(for: .build(1)), metadata: metadata)
            #expect(first.line == "OK")
            let again = try await node.mount(try node.attributes(for: .build(1)), metadata: metadata)
            #expect(again.files == first.files)
            let refused = try await node.mount(
                try node.attributes(for: .build(2), repository: "else/app"),
                metadata: metadata
            )
            #expect(refused.line.contains("NotGranted"))
            // Not in the trace, and not sampled.
            let answer1 = try await node.mount(try node.attributes(for: .build(3)))
            #expect(answer1.line == "OK")
            let revoked = try await node.daypass(["revoke", "--all", "--admin-socket", node.adminSocket])
            #expect(revoked.output.contains("2 revoked"), "\(revoked.text)")
            // What is recorded is sent at the end.
            #expect(await daemon.stop() == 0)
            await until(limit: .seconds(10)) { collector.spans("Mount").count == 3 }

            let mounts = collector.spans("Mount")
            #expect(mounts.count == 3)
            #expect(
                collector.spans.allSatisfy { $0["trace"] as? String == Self.trace && $0["state"] as? String == "a=1" }
            )
            #expect(mounts.allSatisfy { $0["parent"] as? String == Self.caller && $0["kind"] as? Int == 2 })
            let outcomes = mounts.compactMap { ($0["attributes"] as? [String: Any])?["daypass.outcome"] as? String }
            #expect(outcomes.sorted() == ["fresh", "issued", "refused"])
            let refusal = try #require(mounts.first { $0["status"] as? Int == 2 }?["attributes"] as? [String: Any])
            #expect(refusal["daypass.reason"] as? String == "NotGranted")
            #expect(refusal["rpc.grpc.status_code"] as? Int == 7)

            // One mint below the first Mount, with its journal and its call to the forge.
            let mint = try #require(collector.spans("mint").first)
            #expect(collector.spans("mint").count == 1)
            #expect(mounts.contains { $0["id"] as? String == mint["parent"] as? String })
            let below = collector.spans.filter { $0["parent"] as? String == mint["id"] as? String }
            #expect(below.filter { $0["name"] as? String == "journal" }.count == 2)
            let calls = below.filter { $0["kind"] as? Int == 3 }
            #expect(!calls.isEmpty)
            for call in calls {
                let attributes = try #require(call["attributes"] as? [String: Any])
                #expect(attributes["server.address"] as? String == "127.0.0.1")
                #expect(attributes["http.response.status_code"] as? Int ?? 0 >= 200)
            }
            // Who it was is in the log, not in the trace.
            for name in ["our-org", "build-1", "binder"] { #expect(!collector.text.contains(name), "\(name)") }

            let lines = objects(daemon)
            let minted = lines.filter { $0["event"] as? String == "TokenMinted" }
            #expect(minted.count == 2 && minted[0]["trace_id"] as? String == Self.trace)
            let other = try #require(minted[1]["trace_id"] as? String)
            #expect(other != Self.trace && other.count == 32)
            let no = lines.first { $0["event"] as? String == "MountRefused" }
            #expect(no?["trace_id"] as? String == Self.trace)
            #expect(lines.first { $0["event"] as? String == "Serving" }?["trace_id"] == nil)
        }
    }

    @Test func withoutACallerTheRatioDecides() async throws {
        try await withTracedNode(ratio: 1) { node, daemon, collector in
            // Two of them are none.
            let metadata = Array(repeating: ("traceparent", "00-\(Self.trace)-\(Self.caller)-00"), count: 2)
            let answer2 = try await node.mount(try node.attributes(for: .build(1)), metadata: metadata)
            #expect(answer2.line == "OK")
            let token = try node.attributes(for: .build(2), token: "none")
            let refused = try await node.mount(token)
            #expect(refused.line.hasPrefix("UNAUTHENTICATED"), "\(refused.line)")
            let revoked = try await node.daypass(["revoke", "--all", "--admin-socket", node.adminSocket])
            #expect(revoked.output.contains("1 revoked"))
            #expect(await daemon.stop() == 0)
            await until(limit: .seconds(10)) {
                collector.spans("Mount").count == 2 && !collector.spans("revoke").isEmpty
            }

            let mounts = collector.spans("Mount")
            #expect(mounts.count == 2 && mounts.allSatisfy { $0["parent"] as? String == "" })
            let traces = mounts.compactMap { $0["trace"] as? String }
            #expect(Set(traces).count == 2 && !traces.contains(Self.trace))
            let logged = objects(daemon).filter { ["TokenMinted", "MountRefused"].contains($0["event"] as? String) }
            #expect(Set(logged.compactMap { $0["trace_id"] as? String }) == Set(traces))
            let revoke = try #require(collector.spans("revoke").first)
            #expect(!traces.contains(revoke["trace"] as? String ?? ""))
            #expect((revoke["attributes"] as? [String: Any])?["daypass.cause"] as? String == "asked")
            #expect(revoke["resource"] as? [String: String] == ["service.name": "daypass", "service.version": "0.1.0"])
        }
    }

    @Test func aCollectorThatIsGoneHoldsUpNothing() async throws {
        try await withNode { node in
            let text = try String(contentsOfFile: node.path("node.yaml"), encoding: .utf8)
            let tracing = "tracing: { endpoint: \"http://127.0.0.1:9/v1/traces\", sampleRatio: 1 }\n"
            try node.write(text + "\n" + tracing, to: "traced.yaml")
            let daemon = try await node.startDaemon(configuration: "traced.yaml")
            let answer3 = try await node.mount(try node.attributes(for: .build(1)))
            #expect(answer3.line == "OK")
            #expect(await daemon.waitForLog("TraceExportFailed"))
            let answer4 = try await node.mount(try node.attributes(for: .build(2)))
            #expect(answer4.line == "OK")
            #expect(await daemon.stop() == 0)
        }
    }
}
