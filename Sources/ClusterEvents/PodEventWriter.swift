// Writes what there is to say of Pods, in the background.

import BuildEnds
package import KubernetesAPI
package import Leases
import LogEvents
package import Logging
import Synchronization

/// Writes events of Pods. Whoever has something to say never waits: ``write(_:)`` takes it, and ``run(_:instance:)``
/// writes it when its turn comes.
package final class PodEventWriter: Sendable {
    private struct State {
        var book: PodEventBook
        /// Why the last write was not taken; `nil` when it was.
        var failure: KubernetesError.Code?
        /// The namespaces that do not take events, and of which that was said.
        var closed: Set<String> = []
    }

    /// The most namespaces that are remembered for the log.
    private static let mostClosed = 256

    private let clock: LeaseClock
    private let random: @Sendable () -> Double
    private let logger: Logger
    private let state: Mutex<State>
    private let bell = Bell()

    package convenience init(clock: LeaseClock = .system, logger: Logger) {
        self.init(book: PodEventBook(), clock: clock, logger: logger)
    }

    init(
        book: PodEventBook,
        clock: LeaseClock,
        random: @escaping @Sendable () -> Double = { Double.random(in: 0...1) },
        logger: Logger
    ) {
        self.clock = clock
        self.random = random
        self.logger = logger
        state = Mutex(State(book: book))
    }

    /// What became of things to say.
    package var counts: [PodEventCounts] { state.withLock { $0.book.counts } }

    /// Says something of a Pod. Does not wait.
    package func write(_ event: PodWarning) {
        let now = clock.now
        state.withLock { $0.book.add(event, at: now) }
        bell.ring()
    }

    /// Counts something that is not said.
    func count(_ reason: PodEventReason, _ outcome: PodEventOutcome) {
        state.withLock { $0.book.count(reason, outcome) }
    }

    /// Writes until the task is cancelled.
    ///
    /// - Parameters:
    ///   - client: the API server.
    ///   - instance: which Daypass says it: the name of the node.
    package func run(_ client: KubernetesClient, instance: String) async {
        let api = EventAPI(client: client, instance: instance)
        var backoff = Backoff(first: .seconds(1), longest: .seconds(60))
        while !Task.isCancelled {
            let now = clock.steady()
            switch state.withLock({ $0.book.next(at: now) }) {
            case .idle: await bell.wait()
            case .wait(let time): await bell.wait { [clock] in try? await clock.sleep(max(.zero, time - now)) }
            case .write(let write):
                var (answer, error) = await api.write(write)
                if case .later(let pause) = answer {
                    answer = .later(backoff.next(random: random(), retryAfter: pause))
                } else {
                    backoff.reset()
                }
                let end = clock.steady()
                state.withLock { $0.book.ended(answer, at: end) }
                tell(write, answer, error)
            }
        }
    }

    /// Says once what keeps events from being written, and when they are written again.
    private func tell(_ write: PodEventBook.Write, _ answer: PodEventBook.Answer, _ error: KubernetesError?) {
        if let error {
            guard error.code != .cancelled else { return }
            let namespace = write.event.pod.namespace
            let isNew = state.withLock { state in
                if answer == .forbiddenInNamespace {
                    if state.closed.count >= Self.mostClosed { state.closed = [] }
                    return state.closed.insert(namespace).inserted
                }
                defer { state.failure = error.code }
                return state.failure != error.code
            }
            guard isNew else { return }
            var metadata: Logger.Metadata = ["because": "\(error.message)"]
            if !error.fix.isEmpty { metadata["fix"] = "\(error.fix)" }
            logger.log(.podEventsFailed, "events of Pods can't be written", metadata: metadata)
        } else if answer == .taken {
            let wasFailing = state.withLock { state in
                defer { state.failure = nil }
                let wasClosed = state.closed.remove(write.event.pod.namespace) != nil
                return state.failure != nil || wasClosed
            }
            if wasFailing { logger.log(.podEventsResumed, "events of Pods are written again") }
            logger.log(
                .podEventWritten,
                "event written",
                metadata: [
                    "namespace": "\(write.event.pod.namespace)", "pod": "\(write.event.pod.name)",
                    "pod_uid": "\(write.event.podUID)", "reason": "\(write.event.reason.rawValue)",
                    "count": "\(write.count)",
                ]
            )
        }
    }
}
