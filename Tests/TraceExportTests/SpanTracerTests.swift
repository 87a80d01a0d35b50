// Which traces are recorded.

import Testing
import TraceContext
import TraceExport
import Tracing

@Suite struct SpanTracerTests {
    @Test func theCallersFlagIsHonoured() {
        let tracer = SpanTracer()
        let caller = TraceParent(traceID: .random(), spanID: 1, isSampled: true)
        var silent = caller
        silent.isSampled = false
        #expect(!tracer.place(caller).isSampled, "it is off")
        tracer.sample(0)
        #expect(tracer.place(caller).isSampled && !tracer.place(silent).isSampled)
        tracer.sample(1)
        #expect(tracer.place(caller).isSampled && !tracer.place(silent).isSampled)
        #expect(tracer.place(caller).traceID == caller.traceID)
        tracer.sample(nil)
        #expect(!tracer.place(caller).isSampled && !tracer.place(nil).isSampled)
    }

    @Test(arguments: [0.0, 0.25, 1.0])
    func aPartOfTheOthersIsRecorded(ratio: Double) {
        let tracer = SpanTracer()
        tracer.sample(ratio)
        let count = (0..<4000).count { _ in tracer.place(nil).isSampled }
        switch ratio {
        case 0: #expect(count == 0)
        case 1: #expect(count == 4000)
        // Six standard deviations.
        default: #expect(abs(count - 1000) < 165)
        }
    }

    @Test func whatIsNotSampledIsNotRecorded() async {
        let tracer = SpanTracer()
        tracer.sample(0)
        let span = tracer.startSpan("x", context: .topLevel)
        #expect(!span.isRecording && span.context.traceParent?.isSampled == false)
        span.attributes.set("a", value: "b")
        #expect(span.attributes.isEmpty)
        span.end()
        await withTracer(tracer) {
            #expect(SpanTracer.current === tracer)
            await traced("x", isRoot: true) { #expect(ServiceContext.current?.span == nil) }
        }
        #expect(SpanTracer.current == nil)
        tracer.sample(1)
        await withTracer(tracer) {
            // Nothing that belongs to no trace begins one, unless it is meant to.
            await traced("x") { #expect(ServiceContext.current?.span == nil) }
            await traced("x", isRoot: true) { #expect(ServiceContext.current?.span != nil) }
        }
    }

    private struct Headers: Extractor, Injector {
        func extract(key: String, from carrier: [String: String]) -> String? { carrier[key] }
        func inject(_ value: String, forKey key: String, into carrier: inout [String: String]) { carrier[key] = value }
    }

    @Test func aPlaceGoesInAndOut() {
        let headers = ["traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "tracestate": "a=1"]
        var context = ServiceContext.topLevel
        SpanTracer().extract(headers, into: &context, using: Headers())
        var out: [String: String] = [:]
        SpanTracer().inject(context, into: &out, using: Headers())
        #expect(out == headers)
        var none = ServiceContext.topLevel
        SpanTracer().extract(["traceparent": "00-0-0-01"], into: &none, using: Headers())
        #expect(none.traceParent == nil)
    }
}
