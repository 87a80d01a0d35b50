// Work in spans, and work that nobody records.

import Logging
import Support
import Testing
import TraceContext
import Tracing

@Suite struct TracedTests {
    private struct Failure: Error {}

    @Test func withoutATracerWorkIsJustDone() async throws {
        let place = TraceParent(traceID: .random(), isSampled: true)
        let value = await ServiceContext.$current.withValue(ServiceContext(place)) {
            await traced("work", isRoot: true) { () -> Int in
                CurrentSpan.set("a", Self.never())
                CurrentSpan.fail(Self.never())
                return ServiceContext.current?.span == nil ? 1 : 0
            }
        }
        #expect(value == 1)
        await #expect(throws: Failure.self) { try await traced("work") { () async throws(Failure) in throw Failure() } }
    }

    private static func never() -> String {
        Issue.record("made for nobody")
        return ""
    }

    @Test func logLinesHaveTheirTrace() {
        let log = CollectedLog()
        let place = TraceParent(traceID: .random())
        #expect(Logger.MetadataProvider.traceID.get().isEmpty)
        ServiceContext.$current.withValue(ServiceContext(place)) {
            #expect(Logger.MetadataProvider.traceID.get() == ["trace_id": "\(place.traceID)"])
        }
        #expect(log.lines.isEmpty)
    }
}
