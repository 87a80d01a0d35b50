// Sends ended spans to a collector.

import LogEvents
package import Logging
import Synchronization
package import TokenStore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Sends what a tracer has recorded to a collector, as OTLP/HTTP in JSON (https://opentelemetry.io/docs/specs/otlp/).
///
/// In batches, every few seconds or when there are enough. A batch that the collector can't take now is sent again after
/// a pause; one that it will never take is dropped and counted. No request of ours waits for it.
package final class SpanExporter: Sendable {
    /// Where spans go, and how many.
    package struct Options: Sendable {
        /// The most spans of one request.
        package var batch = 512
        /// The longest that an ended span waits when nothing is wrong.
        package var interval: Duration = .seconds(5)
        /// The time for one request.
        package var timeout: Duration = .seconds(10)
        /// How often a batch is tried.
        package var tries = 5
        /// The first pause after a failure; each one is twice as long as the one before.
        package var pause: Duration = .seconds(1)
        /// The longest pause.
        package var longestPause: Duration = .seconds(30)

        package init() {}
    }

    /// What was done since the beginning.
    package struct Counts: Sendable, Hashable {
        package var exported = 0
        /// Spans that no collector has: there was no room, or it did not take them.
        package var dropped = 0
        package var failedRequests = 0

        package init(exported: Int = 0, dropped: Int = 0, failedRequests: Int = 0) {
            self.exported = exported
            self.dropped = dropped
            self.failedRequests = failedRequests
        }
    }

    private struct State {
        var endpoint: String?
        /// Spans that were taken from the queue and are not delivered yet.
        var batch: [EndedSpan] = []
        var tries = 0
        var counts = Counts()
        var isFailing = false
    }

    /// What becomes of a batch.
    private enum Outcome {
        case taken(rejected: Int)
        /// It is tried again, not before `after` when the collector says so.
        case later(String, after: Duration?)
        case never(String)
    }

    private let tracer: SpanTracer
    private let http: any HTTPTransport
    private let resource: [String: String]
    private let version: String
    private let options: Options
    private let logger: Logger
    private let state = Mutex(State())
    private let wakes: AsyncStream<Void>
    private let wake: AsyncStream<Void>.Continuation

    /// - Parameters:
    ///   - resource: what is the same for all spans.
    ///   - version: the version of Daypass.
    package init(
        _ tracer: SpanTracer,
        http: any HTTPTransport,
        resource: [String: String],
        version: String,
        options: Options = Options(),
        logger: Logger
    ) {
        self.tracer = tracer
        self.http = http
        self.resource = resource
        self.version = version
        self.options = options
        self.logger = logger
        (wakes, wake) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Where spans go from now on, and which part of the traces is recorded; `nil` turns tracing off.
    package func apply(endpoint: String?, ratio: Double) {
        state.withLock { $0.endpoint = endpoint }
        tracer.sample(endpoint == nil ? nil : ratio)
        wake.yield()
    }

    /// What was done since the beginning.
    package var counts: Counts {
        var counts = state.withLock { $0.counts }
        counts.dropped = tracer.queue.withLock { $0.dropped }
        return counts
    }

    /// Exports until the task is cancelled.
    package func run() async {
        for await _ in wakes {
            // Nothing to do, and no timer, while tracing is off.
            while tracer.isEnabled, !Task.isCancelled { await runOnce() }
        }
    }

    /// One batch, or a look whether there is one.
    private func runOnce() async {
        let end = ContinuousClock.now + options.interval
        // Whole intervals when it is quiet, earlier when there is much.
        while tracer.queue.withLock({ $0.count }) < options.batch, ContinuousClock.now < end, !Task.isCancelled {
            try? await Task.sleep(for: min(options.interval, Duration.seconds(1)), clock: .continuous)
        }
        while !Task.isCancelled, let pause = await sendBatch(within: options.timeout) {
            if pause > .zero { try? await Task.sleep(for: pause, clock: .continuous) }
        }
    }

    /// Sends all there is, each batch once.
    ///
    /// - Parameter limit: the time for all of it.
    package func flush(within limit: Duration) async {
        guard tracer.isEnabled else { return }
        let end = ContinuousClock.now + limit
        while true {
            let left = end - .now
            guard left > .zero, let pause = await sendBatch(within: min(left, options.timeout)), pause == .zero else {
                break
            }
        }
    }

    /// Sends one batch.
    ///
    /// - Returns: How long to wait before the next; `nil` when nothing is left.
    private func sendBatch(within limit: Duration) async -> Duration? {
        let (endpoint, batch) = state.withLock { state in
            if state.batch.isEmpty {
                state.batch = tracer.queue.withLock { $0.take(atMost: options.batch) }
                state.tries = 0
            }
            return (state.endpoint, state.batch)
        }
        guard let endpoint, !batch.isEmpty else { return nil }
        let outcome = await send(batch, to: endpoint, within: limit)
        // At the end the last word is flush's.
        if case .later = outcome, Task.isCancelled { return nil }
        let (pause, line) = state.withLock { state -> (Duration, Line?) in
            let wasFailing = state.isFailing
            switch outcome {
            case .taken(let rejected):
                state.counts.exported += batch.count - min(rejected, batch.count)
                state.batch = []
                if rejected > 0 { tracer.queue.withLock { $0.give(up: min(rejected, batch.count)) } }
                state.isFailing = rejected > 0
                if rejected > 0 { return (.zero, wasFailing ? nil : .fails("the collector rejected spans")) }
                return (.zero, wasFailing ? .works : nil)
            case .later(let failure, let after):
                state.counts.failedRequests += 1
                state.tries += 1
                state.isFailing = true
                let pause = min(options.longestPause, options.pause * (1 << min(state.tries - 1, 16)))
                if state.tries >= options.tries { giveUp(&state) }
                return (max(pause, after ?? .zero), wasFailing ? nil : .fails(failure))
            case .never(let failure):
                state.counts.failedRequests += 1
                state.isFailing = true
                giveUp(&state)
                return (options.pause, wasFailing ? nil : .fails(failure))
            }
        }
        tell(line, endpoint)
        return pause
    }

    private enum Line {
        case works
        case fails(String)
    }

    private func giveUp(_ state: inout State) {
        let count = state.batch.count
        state.batch = []
        tracer.queue.withLock { $0.give(up: count) }
    }

    private func tell(_ line: Line?, _ endpoint: String) {
        switch line {
        case .works:
            logger.log(.tracesExported, "spans are exported again", metadata: ["dropped": "\(counts.dropped)"])
        case .fails(let failure):
            logger.log(
                .traceExportFailed,
                "spans can't be exported",
                metadata: [
                    "endpoint": "\(endpoint)", "failure": "\(failure)",
                    "fix": "see tracing.endpoint, and that the collector takes OTLP over HTTP in JSON",
                ]
            )
        case nil: break
        }
    }

    private func send(_ batch: [EndedSpan], to endpoint: String, within limit: Duration) async -> Outcome {
        let bytes: [UInt8]
        do { bytes = try OTLPDocument(batch, resource: resource, version: version).bytes() } catch {
            return .never("the spans can't be encoded")
        }
        let call = HTTPCall(
            "POST",
            endpoint,
            headers: [HTTPField("Content-Type", "application/json")],
            body: bytes,
            timeout: limit,
            bodyLimit: 64 << 10
        )
        let answer: HTTPAnswer
        do throws(HTTPTransportError) { answer = try await http.send(call) } catch {
            return .later(error.description, after: nil)
        }
        switch answer.status {
        case 200..<300: return .taken(rejected: PartialSuccess.rejected(answer.body))
        case 429, 502, 503, 504:
            let seconds = answer.header("Retry-After").flatMap { Int($0) }.map { min(max($0, 0), 300) }
            return .later("HTTP \(answer.status)", after: seconds.map { .seconds($0) })
        default: return .never("HTTP \(answer.status)")
        }
    }
}

/// What a collector did not take of a request that it took.
private struct PartialSuccess: Decodable {
    struct Part: Decodable {
        /// A 64-bit number: a string in the JSON of protobuf, though some write a number.
        let rejectedSpans: Number?
    }

    struct Number: Decodable {
        let value: Int

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let number = try? container.decode(Int.self) {
                value = number
            } else {
                value = Int(try container.decode(String.self)) ?? 0
            }
        }
    }

    let partialSuccess: Part?

    static func rejected(_ body: [UInt8]) -> Int {
        let answer = try? JSONDecoder().decode(Self.self, from: Data(body))
        return max(0, answer?.partialSuccess?.rejectedSpans?.value ?? 0)
    }
}
