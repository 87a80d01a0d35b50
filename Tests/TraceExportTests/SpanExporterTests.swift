// Spans on their way to a collector.

import Foundation
import HTTPTransfer
import Logging
import Support
import Testing
import TokenStore
import TraceContext
import TraceExport
import Tracing

@Suite(.enabled(if: Collector.python != nil, "run scripts/install-opentelemetry")) struct SpanExporterTests {
    /// Runs `body` with an exporter to `path` of a collector.
    private func withExporter(
        _ path: String,
        ratio: Double = 1,
        capacity: Int = 2048,
        _ body: (SpanTracer, SpanExporter, Collector, CollectedLog) async throws -> Void
    ) async throws {
        let log = CollectedLog()
        try await Collector.run { collector in
            try await withCurlTransport(HTTPTransferOptions(proxy: .none, environment: [:]), logger: log.logger) {
                http in
                let tracer = SpanTracer(capacity: capacity)
                var options = SpanExporter.Options()
                options.batch = 4
                options.interval = .milliseconds(20)
                options.pause = .milliseconds(5)
                let exporter = SpanExporter(
                    tracer,
                    http: http,
                    resource: ["service.name": "daypass", "k8s.node.name": "node-1"],
                    version: "1.2.3",
                    options: options,
                    logger: log.logger
                )
                exporter.apply(endpoint: collector.url + path, ratio: ratio)
                try await body(tracer, exporter, collector, log)
                #expect(!collector.text.contains("problem"), "\(collector.text)")
            }
        }
    }

    /// Runs the exporter beside `body`.
    private func running(_ exporter: SpanExporter, _ body: () async throws -> Void) async rethrows {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await exporter.run() }
            try await body()
            group.cancelAll()
        }
    }

    @Test func whatIsRecordedArrives() async throws {
        try await withExporter("/v1/traces") { tracer, exporter, collector, _ in
            let header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
            var caller = try #require(TraceParent(traceparent: header.utf8))
            caller.state = "a=1"
            await withTracer(tracer) {
                await ServiceContext.$current.withValue(ServiceContext(tracer.place(caller))) {
                    await traced("outer", .server) {
                        CurrentSpan.set("text", "\u{E9}\"\n")
                        CurrentSpan.set("number", number: .max)
                        await traced("inner", .client) { CurrentSpan.fail("busy") }
                    }
                }
            }
            await running(exporter) { await until { exporter.counts.exported == 2 } }
            await until { collector.spans.count == 2 }
            let outer = try #require(collector.spans("outer").first)
            let inner = try #require(collector.spans("inner").first)
            #expect(outer["trace"] as? String == "4bf92f3577b34da6a3ce929d0e0e4736")
            #expect(inner["trace"] as? String == outer["trace"] as? String)
            #expect(outer["parent"] as? String == "00f067aa0ba902b7")
            #expect(inner["parent"] as? String == outer["id"] as? String)
            #expect(outer["kind"] as? Int == 2 && inner["kind"] as? Int == 3)
            #expect(outer["status"] as? Int == 0 && inner["status"] as? Int == 2)
            #expect(outer["state"] as? String == "a=1")
            let attributes = try #require(outer["attributes"] as? [String: Any])
            #expect(attributes["text"] as? String == "\u{E9}\"\n" && attributes["number"] as? Int == .max)
            #expect((inner["attributes"] as? [String: Any])?["error.type"] as? String == "busy")
            #expect(outer["scope"] as? [String] == ["daypass", "1.2.3"])
            #expect(outer["resource"] as? [String: String] == ["service.name": "daypass", "k8s.node.name": "node-1"])
            #expect(exporter.counts == .init(exported: 2, dropped: 0, failedRequests: 0))
        }
    }

    @Test func everyKindOfAttributeIsEncoded() async throws {
        try await withExporter("/v1/traces") { tracer, exporter, collector, _ in
            let span = tracer.startSpan("all", context: .topLevel)
            span.attributes = [
                "bool": true, "double": 0.5, "nan": .double(.nan), "ints": .int64Array([1, -2]),
                "texts": .stringArray(["a", "b"]), "convertible": .stringConvertible(Duration.seconds(1)),
            ]
            span.addEvent("happened")
            let other = TraceParent(traceID: .random(), spanID: 7)
            span.addLink(SpanLink(context: ServiceContext(other), attributes: [:]))
            span.end()
            span.end()
            span.attributes.set("late", value: "x")
            await exporter.flush(within: .seconds(60))
            await until { collector.spans.count == 1 }
            let read = try #require(collector.spans.first)
            let attributes = try #require(read["attributes"] as? [String: Any])
            #expect(attributes["bool"] as? Bool == true && attributes["double"] as? Double == 0.5)
            #expect(attributes["ints"] as? [Int] == [1, -2] && attributes["texts"] as? [String] == ["a", "b"])
            #expect(attributes["convertible"] as? String == "1.0 seconds" && attributes["late"] == nil)
            #expect(read["events"] as? [String] == ["happened"] && read["links"] as? [String] == ["\(other.traceID)"])
        }
    }

    @Test func aBusyCollectorIsAskedAgain() async throws {
        try await withExporter("/busy/3") { tracer, exporter, collector, log in
            for _ in 0..<3 { tracer.startSpan("x", context: .topLevel).end() }
            await running(exporter) { await until { exporter.counts.exported == 3 } }
            #expect(exporter.counts == .init(exported: 3, dropped: 0, failedRequests: 3))
            #expect(collector.spans.count == 3)
            #expect(log.lines.filter { $0.contains("spans can't be exported") }.count == 1)
            #expect(log.lines.filter { $0.contains("exported again") }.count == 1)
        }
    }

    @Test(arguments: [("/reject", 1), ("/busy/1000", 5)])
    func whatIsNotTakenIsDroppedAndCounted(path: String, requests: Int) async throws {
        try await withExporter(path) { tracer, exporter, collector, _ in
            for _ in 0..<3 { tracer.startSpan("x", context: .topLevel).end() }
            await running(exporter) { await until { exporter.counts.dropped == 3 } }
            #expect(exporter.counts == .init(exported: 0, dropped: 3, failedRequests: requests))
            #expect(collector.spans.isEmpty)
        }
    }

    @Test func whatACollectorRejectsIsCounted() async throws {
        try await withExporter("/partial") { tracer, exporter, _, _ in
            for _ in 0..<3 { tracer.startSpan("x", context: .topLevel).end() }
            await exporter.flush(within: .seconds(60))
            #expect(exporter.counts == .init(exported: 1, dropped: 2, failedRequests: 0))
        }
    }

    @Test func thereIsRoomForSoManyAndTheEndSendsThem() async throws {
        try await withExporter("/v1/traces", capacity: 10) { tracer, exporter, collector, _ in
            for _ in 0..<13 { tracer.startSpan("x", context: .topLevel).end() }
            #expect(exporter.counts.dropped == 3)
            // Batches of four: three requests.
            await exporter.flush(within: .seconds(60))
            await until { collector.spans.count == 10 }
            #expect(exporter.counts.exported == 10)
        }
    }

    @Test func aCollectorThatIsNotThereStopsNobody() async throws {
        try await withCurlTransport(HTTPTransferOptions(proxy: .none, environment: [:]), logger: CollectedLog().logger)
        { http in
            let tracer = SpanTracer()
            let exporter = SpanExporter(tracer, http: http, resource: [:], version: "", logger: CollectedLog().logger)
            exporter.apply(endpoint: "http://127.0.0.1:9/v1/traces", ratio: 1)
            tracer.startSpan("x", context: .topLevel).end()
            await exporter.flush(within: .seconds(30))
            #expect(exporter.counts.failedRequests == 1 && exporter.counts.exported == 0)
        }
    }
}
