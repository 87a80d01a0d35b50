// Work that is recorded as a span, when somebody wants to know.

package import Tracing

/// Runs `body` in a span of the current tracer.
///
/// Where nothing is recorded, `body` runs and nothing else happens: one look at a task-local value. A failure marks the
/// span as failed, without its words.
///
/// - Parameters:
///   - name: what is done; no names of tenants, of which there are many.
///   - isRoot: whether a trace begins here when there is none.
package nonisolated(nonsending) func traced<Value, Failure: Error>(
    _ name: String,
    _ kind: SpanKind = .internal,
    isRoot: Bool = false,
    _ body: nonisolated(nonsending) () async throws(Failure) -> Value
) async throws(Failure) -> Value {
    guard let span = CurrentSpan.start(name, kind, isRoot: isRoot) else { return try await body() }
    var context = span.context
    context.span = span
    defer { span.end() }
    let result: Result<Value, Failure> = await ServiceContext.$current.withValue(context) {
        do throws(Failure) { return .success(try await body()) } catch { return .failure(error) }
    }
    if case .failure = result { span.setStatus(SpanStatus(code: .error)) }
    return try result.get()
}

/// The span that is recorded where the code runs.
package enum CurrentSpan {
    /// Adds an attribute to it. No secrets, and nothing that a tenant wrote.
    package static func set(_ name: String, _ value: @autoclosure () -> String) {
        guard let span = ServiceContext.current?.span else { return }
        span.attributes.set(name, value: .string(value()))
    }

    /// Adds a number to it.
    package static func set(_ name: String, number: Int) {
        guard let span = ServiceContext.current?.span else { return }
        span.attributes.set(name, value: .int64(Int64(number)))
    }

    /// Marks it as failed.
    ///
    /// - Parameter code: the kind of failure, one of a few.
    package static func fail(_ code: @autoclosure () -> String) {
        guard let span = ServiceContext.current?.span else { return }
        span.attributes.set("error.type", value: .string(code()))
        span.setStatus(SpanStatus(code: .error))
    }

    static func start(_ name: String, _ kind: SpanKind, isRoot: Bool) -> (any Span)? {
        let context = ServiceContext.current
        let isSampled = context?.traceParent?.isSampled
        guard isSampled ?? isRoot, let tracer = InstrumentationSystem.instrument as? any Tracer else { return nil }
        let span: any Span = tracer.startSpan(name, context: context ?? .topLevel, ofKind: kind)
        return span.isRecording ? span : nil
    }
}
