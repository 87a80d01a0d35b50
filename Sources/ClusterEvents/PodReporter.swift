// Notices what goes wrong for Pods that already run, and says so in their events, in the log and in a count.

package import BuildEnds
package import KubernetesAPI
package import Leases
import LogEvents
package import Logging
package import Refusals
import Synchronization
package import TokenStore

/// The driver hides from kubelet what fails after the first Mount, so that nobody would see it in the Pod's events. This
/// is what sees it.
///
/// The Mount service calls ``answered(_:volume:)``, ``servedStale(_:store:failure:)`` and ``refused(_:_:isProved:)``; none of them
/// waits. Nothing is said of a Pod that the watch does not know on this node by UID and name: who is refused may have
/// lied about who it is.
package final class PodReporter: Sendable {
    private enum Notice: Sendable {
        case stale(Subject, store: String, failure: String)
        case refused(Subject, text: String, note: String)

        var reason: PodEventReason {
            switch self {
            case .stale: .tokenRefreshFailed
            case .refused: .tokenRefused
            }
        }
    }

    private struct State {
        var writesEvents: Bool
        var notices: [Notice] = []
        var unanswered: UnansweredPods
        var expiring = ExpiringTokens()
        /// Why the last Mount of a Pod that brought no new token did not, by UID, and when that was.
        var troubles: [String: (text: String, at: Duration)] = [:]
        var unansweredPods = 0
    }

    /// What is said of a refusal whose asker was not proved.
    private static let unproved =
        "a Mount that names this Pod was refused before it had proved whose it is; the log of Daypass on this node says why"

    /// The most notices that wait for a look at their Pods.
    private static let mostNotices = 256

    private let provider: String
    private let clock: LeaseClock
    private let tick: Duration
    private let logger: Logger
    private let writer: PodEventWriter
    private let state: Mutex<State>
    private let bell = Bell()

    /// - Parameters:
    ///   - provider: our name, as SecretProviderClasses have it in `spec.provider`.
    ///   - settle: how long a Pod must run unanswered before it is told of.
    ///   - tick: the time between two looks at leases and Pods.
    package init(
        provider: String,
        writesEvents: Bool,
        settle: Duration = .seconds(60),
        tick: Duration = .seconds(10),
        clock: LeaseClock = .system,
        logger: Logger
    ) {
        self.provider = provider
        self.clock = clock
        self.tick = tick
        self.logger = logger
        writer = PodEventWriter(clock: clock, logger: logger)
        let unanswered = UnansweredPods(since: clock.wall.now, settle: settle)
        state = Mutex(State(writesEvents: writesEvents, unanswered: unanswered))
    }

    /// What became of events: `daypass_pod_events_total`.
    package var eventCounts: [PodEventCounts] { writer.counts }

    /// How many Pods run although no Mount for them was answered: `daypass_unanswered_pods`.
    package var unansweredPods: Int { state.withLock { $0.unansweredPods } }

    /// Sets whether events are written from now on.
    package func setWritesEvents(_ writes: Bool) { state.withLock { $0.writesEvents = writes } }

    // MARK: What Mounts tell

    /// A Mount was answered with files.
    package func answered(_ subject: Subject, volume: String) {
        let now = clock.steady()
        state.withLock { state in
            state.unanswered.answered(UnansweredPods.Volume(podUID: subject.podUID, name: volume), at: now)
        }
    }

    /// A refresh failed, and the old token was handed out again.
    package func servedStale(_ subject: Subject, store: String, failure: String) {
        add(.stale(subject, store: store, failure: failure))
    }

    /// A Mount was refused. Where who asked was not proved, its text is not repeated: anybody may have chosen it.
    package func refused(_ refusal: Refusal, _ claimed: Subject, isProved: Bool) {
        // The end of a build, of a caller or of ours is nothing to mend.
        guard ![.podEnded, .cancelled, .shuttingDown].contains(refusal.reason) else { return }
        if isProved {
            let text = refusal.description
            let note = "\(text); the volume keeps the files that it has, and their token ends"
            add(.refused(claimed, text: text, note: note))
        } else {
            let text = "\(refusal.reason.code): \(Self.unproved)"
            add(.refused(claimed, text: text, note: text))
        }
    }

    private func add(_ notice: Notice) {
        let dropped = state.withLock { state -> Notice? in
            state.notices.append(notice)
            return state.notices.count > Self.mostNotices ? state.notices.removeFirst() : nil
        }
        if let dropped { writer.count(dropped.reason, .dropped) }
        bell.ring()
    }

    // MARK: Looking

    /// Watches leases and Pods, and writes events, until the task is cancelled.
    ///
    /// - Parameters:
    ///   - pods: the watch of this node's Pods; it must run.
    ///   - node: the node's name.
    package func run(_ client: KubernetesClient, pods: PodWatch, leases: LeaseManager, node: String) async {
        let judge = ClassJudge(ClassAPI(client: client), provider: provider, clock: clock, logger: logger)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [writer] in await writer.run(client, instance: node) }
            group.addTask {
                while !Task.isCancelled {
                    self.drain(pods)
                    await self.bell.wait()
                }
            }
            group.addTask {
                while !Task.isCancelled {
                    await self.look(pods, leases, judge)
                    try? await self.clock.sleep(self.tick)
                }
            }
        }
    }

    private func drain(_ pods: PodWatch) {
        let notices = state.withLock { state in
            defer { state.notices = [] }
            return state.notices
        }
        for notice in notices {
            switch notice {
            case .stale(let subject, let store, let failure):
                guard known(subject, pods) != nil else {
                    writer.count(notice.reason, .unknownPod)
                    continue
                }
                note(trouble: "store \(store): \(failure)", subject)
                say(
                    notice.reason,
                    subject,
                    "store \(store): \(failure); the token in the volume's files is still good, a new one is tried for "
                        + "with each Mount"
                )
            case .refused(let subject, let text, let note):
                guard let pod = known(subject, pods) else {
                    writer.count(notice.reason, .unknownPod)
                    continue
                }
                // Before its containers start, the driver passes the refusal on, and kubelet writes the event.
                guard pod.containers.haveStarted else { continue }
                self.note(trouble: text, subject)
                say(notice.reason, subject, note)
            }
        }
    }

    private func known(_ subject: Subject, _ pods: PodWatch) -> PodFacts? {
        guard let pod = pods.pod(subject.podUID) else { return nil }
        return pod.name == PodName(namespace: subject.namespace, name: subject.podName) ? pod : nil
    }

    private func note(trouble: String, _ subject: Subject) {
        let now = clock.steady()
        state.withLock { $0.troubles[subject.podUID] = (trouble, now) }
    }

    private func look(_ watch: PodWatch, _ leases: LeaseManager, _ judge: ClassJudge) async {
        // In this order: an answer is never missing for a start that is seen.
        let isCurrent = watch.status.isWatching
        let pods = watch.pods
        let outlooks = leases.outlooks
        let now = clock.steady()
        let (suspicions, expiring) = state.withLock { state in
            for lease in outlooks {
                let volume = UnansweredPods.Volume(podUID: lease.subject.podUID, name: lease.volume)
                state.unanswered.answered(volume, at: now)
            }
            let uids = Set(pods.map(\.uid))
            state.troubles = state.troubles.filter { uids.contains($0.key) }
            let suspicions = state.unanswered.look(at: pods, isCurrent: isCurrent, now: now)
            return (suspicions, state.expiring.look(outlooks))
        }
        for lease in expiring { tell(expiring: lease, watch) }
        for suspicion in suspicions {
            let verdict = await judge.verdict(suspicion)
            guard !Task.isCancelled else { return }
            guard let verdict else { continue }
            let isNew = state.withLock { $0.unanswered.judge(suspicion, verdict, at: now) }
            if isNew { tell(unanswered: suspicion) }
        }
        state.withLock { $0.unansweredPods = $0.unanswered.podCount }
    }

    // MARK: Telling

    private func tell(expiring lease: LeaseOutlook, _ pods: PodWatch) {
        guard let end = lease.expiresAt?.rfc3339 else { return }
        // What went wrong before this refresh was due was mended since.
        let due = clock.steady() - lease.overdue
        let trouble = state.withLock { $0.troubles[lease.subject.podUID] }.flatMap { $0.at >= due ? $0.text : nil }
        let why =
            trouble.map { "no refresh has worked, the last because of: \($0)" }
            ?? "nobody has asked for a new one: the driver's rotation is off (enableSecretRotation, requiresRepublish), "
            + "or the node's driver or kubelet is in trouble"
        logger.log(
            .tokenExpiring,
            "a token is about to end without a new one",
            metadata: [
                "namespace": "\(lease.subject.namespace)", "pod": "\(lease.subject.podName)",
                "pod_uid": "\(lease.subject.podUID)", "volume": "\(lease.volume)", "store": "\(lease.store)",
                "lease": "\(lease.id)", "expires": "\(end)", "because": "\(why)",
            ]
        )
        guard known(lease.subject, pods) != nil else { return writer.count(.tokenExpiring, .unknownPod) }
        say(.tokenExpiring, lease.subject, "token \(lease.token) of store \(lease.store) ends at \(end); \(why)")
    }

    private func tell(unanswered suspicion: UnansweredPods.Suspicion) {
        let fix = "delete the Pod, so that it is made anew"
        logger.log(
            .podUnanswered,
            "a Pod runs on an empty volume: no Mount for it was answered",
            metadata: [
                "namespace": "\(suspicion.pod.namespace)", "pod": "\(suspicion.pod.name)",
                "pod_uid": "\(suspicion.volume.podUID)", "volume": "\(suspicion.volume.name)",
                "class": "\(suspicion.className)", "fix": "\(fix)",
            ]
        )
        let text =
            suspicion.isLate
            ? "the Mount was answered only after the containers had started, and its files do not reach them"
            : "the containers have started, though Daypass was not asked for the volume's files or did not answer"
        say(
            .volumeUnanswered,
            podUID: suspicion.volume.podUID,
            suspicion.pod,
            "volume \(Refusal.quoted(suspicion.volume.name)) is empty: \(text); \(fix)"
        )
    }

    private func say(_ reason: PodEventReason, _ subject: Subject, _ note: String) {
        let name = PodName(namespace: subject.namespace, name: subject.podName)
        say(reason, podUID: subject.podUID, name, note)
    }

    private func say(_ reason: PodEventReason, podUID: String, _ pod: PodName, _ note: String) {
        guard state.withLock({ $0.writesEvents }) else { return }
        writer.write(PodWarning(podUID: podUID, pod: pod, reason: reason, note: note))
    }
}
