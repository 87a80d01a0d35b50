// Watches the Pods of this node on the API server.

import KubernetesAPI
package import Leases
import LogEvents
package import Logging
import Synchronization
import TokenStore

/// Finds out from the API server that a build has ended: by list and watch of this node's Pods, and by asking for a Pod
/// by name when neither told of it.
///
/// A server that can't be asked says nothing about any build. It asks again, at growing intervals, for ever.
package final class PodWatch: BuildEndDetector {
    private struct State {
        var book: PodBook
        var health = WatchHealth()
        var pageSize: Int?
        var getError: KubernetesError.Code?
        var hasWarnedOfNode = false
    }

    package let name = "pod watch"
    private let api: any PodAPI
    private let nodeName: String
    private let options: PodWatchOptions
    private let clock: LeaseClock
    private let random: @Sendable () -> Double
    private let logger: Logger
    private let state: Mutex<State>
    private let bell = Bell()

    /// - Parameters:
    ///   - api: the API server; ``KubernetesPods``.
    ///   - nodeName: the name of this node's Node object (`spec.nodeName` of its Pods).
    ///   - random: a number from 0 to 1.
    package init(
        api: any PodAPI,
        nodeName: String,
        options: PodWatchOptions = PodWatchOptions(),
        clock: LeaseClock = .system,
        random: @escaping @Sendable () -> Double = { Double.random(in: 0...1) },
        logger: Logger
    ) {
        self.api = api
        self.nodeName = nodeName
        self.options = options
        self.clock = clock
        self.random = random
        self.logger = logger
        state = Mutex(State(book: PodBook(nodeName: nodeName, pace: options.pace), pageSize: options.pageSize))
    }

    /// How the watch fares.
    package var status: WatchStatus {
        let health = state.withLock { $0.health }
        return WatchStatus(
            name: name,
            isWatching: health.isWatching,
            lastError: health.lastError,
            lastSync: health.lastSync
        )
    }

    /// The Pods of this node that run, as far as lists and events told.
    package var pods: [PodFacts] { state.withLock { $0.book.onNode } }

    /// The Pod with this UID, when it is known to run on this node.
    package func pod(_ uid: String) -> PodFacts? { state.withLock { $0.book.onNode(uid) } }

    package func run(_ builds: TrackedBuilds, ended: @escaping @Sendable (BuildEnd) -> Void) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for await _ in builds.changes() {
                    self.learn(ended) { book, now in book.track(builds.volumes, at: now) }
                }
            }
            group.addTask { await self.follow(ended) }
            group.addTask { await self.askByName(ended) }
        }
        state.withLock { $0.health.ended() }
    }

    // MARK: List and watch

    private func follow(_ ended: @escaping @Sendable (BuildEnd) -> Void) async {
        var backoff = options.backoff
        while !Task.isCancelled {
            do throws(KubernetesError) {
                let version = try await list(ended)
                try await watch(from: version, &backoff, ended)
            } catch {
                await pause(error, &backoff)
            }
        }
    }

    /// Lists all Pods of the node.
    ///
    /// - Returns: The resource version from which to watch.
    private func list(_ ended: (BuildEnd) -> Void) async throws(KubernetesError) -> String {
        let size = state.withLock { state in
            state.book.beginList()
            return state.pageSize
        }
        var version: String?
        var next: String?
        var pages = 0
        repeat {
            let page: PodPage
            do throws(KubernetesError) {
                page = try await api.list(node: nodeName, limit: size, continuing: next)
            } catch {
                if error.code == .tooLarge {
                    state.withLock { $0.pageSize = size.map { max(1, $0 / 2) } ?? PodWatchOptions.firstPageSize }
                }
                throw error
            }
            learn(ended) { book, _ in book.take(page: page.pods) }
            // All pages are of one moment and have one version.
            version = version ?? page.version
            next = page.next
            pages += 1
            guard pages < Self.mostPages else {
                throw KubernetesError(.unreadable, "the list of the pods on node \(nodeName) has no end")
            }
        } while next != nil
        learn(ended) { book, now in book.endList(at: now) }
        let wall = clock.wall.now
        state.withLock { $0.health.synced(at: wall) }
        logger.log(
            .podsListed,
            "Pods of this node listed",
            metadata: ["node": "\(nodeName)", "pages": "\(pages)"]
        )
        return version ?? ""
    }

    private static let mostPages = 1000

    /// Watches from `version` on, with as many connections as it takes, until it is time to list again.
    private func watch(
        from version: String,
        _ backoff: inout Backoff,
        _ ended: (BuildEnd) -> Void
    ) async throws(KubernetesError) {
        var version = version
        let relistAt = clock.steady() + spread(options.relistEvery)
        while !Task.isCancelled {
            let began = clock.steady()
            guard began < relistAt else { return }
            let span = min(relistAt - began, spread(options.watchSpan))
            var failure: KubernetesError?
            do throws(KubernetesError) {
                try await api.watch(node: nodeName, from: version, span: span, opened: noteOpened) { event in
                    take(event, &version, ended)
                }
            } catch {
                if error.code == .expired { throw error }
                failure = error
            }
            let now = clock.steady()
            let hasStood = now - began >= min(options.calm, span)
            if hasStood {
                backoff.reset()
                // It said nothing to its end, or less than bookmarks would: that happens on quiet nodes.
                if failure == nil || failure?.code == .silent {
                    note { $0.proved(at: now) }
                    continue
                }
            }
            await pause(failure ?? Self.endedAtOnce(nodeName), &backoff)
        }
    }

    private static func endedAtOnce(_ node: String) -> KubernetesError {
        KubernetesError(.unreachable, "the API server took the watch of node \(node) and ended it at once")
    }

    private func noteOpened() { note { $0.opened() } }

    private func take(_ event: PodEvent, _ version: inout String, _ ended: (BuildEnd) -> Void) {
        let now = clock.steady()
        note { $0.proved(at: now) }
        switch event {
        case .state(let pod), .deleted(let pod): version = pod.version
        case .bookmark(let bookmark): version = bookmark
        case .failure, .other: break
        }
        learn(ended) { book, _ in book.take(event) }
    }

    private func pause(_ error: KubernetesError, _ backoff: inout Backoff) async {
        guard error.code != .cancelled, !Task.isCancelled else { return }
        let now = clock.steady()
        // That a version is too old is a server's right; it is a loss only when it goes on.
        if error.code != .expired || backoff.count > 1 { note { $0.failed(error, at: now) } }
        let pause = backoff.next(random: random(), retryAfter: error.retryAfter)
        logger.log(
            .podWatchPaused,
            "Pod watch pauses",
            metadata: ["because": "\(error.message)", "for": "\(pause)"]
        )
        try? await clock.sleep(pause)
    }

    /// From nine tenths to the whole of `time`.
    private func spread(_ time: Duration) -> Duration { time * (0.9 + 0.1 * random()) }

    // MARK: Questions by name

    private func askByName(_ ended: (BuildEnd) -> Void) async {
        var backoff = options.backoff
        while !Task.isCancelled {
            let next = state.withLock { $0.book.nextQuestion }
            let now = clock.steady()
            let pause = next.map { max(.zero, $0 - now) } ?? Self.longWait
            await bell.wait { [clock] in try? await clock.sleep(pause) }
            for question in state.withLock({ $0.book.questions(at: clock.steady()) }) {
                guard !Task.isCancelled else { return }
                do throws(KubernetesError) {
                    let answer = try await api.get(question.name)
                    backoff.reset()
                    state.withLock { $0.getError = nil }
                    noteAnswer(answer, to: question)
                    learn(ended) { book, now in book.take(answer, to: question, at: now) }
                } catch {
                    guard error.code != .cancelled, !Task.isCancelled else { return }
                    noteGet(error)
                    learn(ended) { book, now in book.take(nil, to: question, at: now) }
                    try? await clock.sleep(backoff.next(random: random(), retryAfter: error.retryAfter))
                }
            }
        }
    }

    private static let longWait: Duration = .seconds(3600)

    private func noteAnswer(_ answer: PodAnswer, to question: PodBook.Question) {
        guard case .found(let pod) = answer, pod.uid == question.uid, pod.nodeName != nodeName else { return }
        let isFirst = state.withLock { state in
            defer { state.hasWarnedOfNode = true }
            return !state.hasWarnedOfNode
        }
        guard isFirst else { return }
        logger.log(
            .podOnOtherNode,
            "a Pod that mounts here is on another node, so the watch does not see it; it is asked for by name",
            metadata: [
                "pod": "\(question.name.namespace)/\(question.name.name)", "its_node": "\(pod.nodeName)",
                "node": "\(nodeName)", "fix": "set the node name to this node's (spec.nodeName by the downward API)",
            ]
        )
    }

    private func noteGet(_ error: KubernetesError) {
        let isNew = state.withLock { state in
            defer { state.getError = error.code }
            return state.getError != error.code
        }
        guard isNew else { return }
        logger.log(.podLookupFailed, "a Pod can't be asked for by name", metadata: Self.metadata(error))
    }

    // MARK: Telling

    /// Changes the book, reports the ends that follow from it, and wakes who asks by name when there is more to ask.
    private func learn(_ ended: (BuildEnd) -> Void, _ change: (inout PodBook, Duration) -> [BuildEnd]) {
        let now = clock.steady()
        let (ends, hasEarlier) = state.withLock { state in
            let before = state.book.nextQuestion
            let ends = change(&state.book, now)
            guard let after = state.book.nextQuestion else { return (ends, false) }
            return (ends, before.map { after < $0 } ?? true)
        }
        for end in ends { ended(end) }
        if hasEarlier { bell.ring() }
    }

    private func note(_ change: (inout WatchHealth) -> WatchHealth.Line?) {
        switch state.withLock({ change(&$0.health) }) {
        case .watching?:
            logger.log(.podsWatched, "watching the Pods of this node", metadata: ["node": "\(nodeName)"])
        case .watchingAgain(let time)?:
            logger.log(
                .podsWatchedAgain,
                "watching the Pods of this node again",
                metadata: ["node": "\(nodeName)", "lost_for_seconds": "\(time.components.seconds)"]
            )
        case .lost(let error)?:
            logger.log(.podWatchFailed, "the Pods of this node can't be watched", metadata: Self.metadata(error))
        case nil:
            break
        }
    }

    private static func metadata(_ error: KubernetesError) -> Logger.Metadata {
        var metadata: Logger.Metadata = ["because": "\(error.message)"]
        if !error.fix.isEmpty { metadata["fix"] = "\(error.fix)" }
        return metadata
    }
}
