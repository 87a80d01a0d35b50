// Which Pods run although no Mount for their volume was answered. Pure.

package import BuildEnds
package import TokenStore

/// Finds Pods that run on an empty volume.
///
/// The driver (as of v1.6) skips a Mount that comes soon after one that failed, and reports success: the Pod starts on an
/// empty directory, and a later Mount does not reach containers that already run. kubelet mounts all volumes before it
/// starts a container, so a container that has started proves that the driver said yes; whether it asked us, we know.
///
/// It accuses nobody without proof. Who may have been answered by a daemon before this one is not judged: only a Pod that
/// kubelet took up after our start, that was seen before its first container started, or whose first start is known to be
/// after ours. And only a volume whose class names our provider.
package struct UnansweredPods: Sendable {
    /// A volume of a Pod.
    package struct Volume: Sendable, Hashable {
        package var podUID: String
        package var name: String

        package init(podUID: String, name: String) {
            self.podUID = podUID
            self.name = name
        }
    }

    /// A volume that was not answered, if its class is ours.
    package struct Suspicion: Sendable, Hashable {
        package var volume: Volume
        package var pod: PodName
        package var className: String
        /// Whether a Mount was answered after all, too late for the containers that run: then the class is ours.
        package var isLate: Bool
    }

    /// What is known of a class.
    package enum Verdict: Sendable, Hashable {
        case ours
        /// It names another provider.
        case others
        /// It can't be asked for.
        case unknown
    }

    private struct Suspect {
        var since: Duration
        /// The restarts of the Pod's containers when the late answer was first seen.
        var lateAt: Int?
        var verdict: Verdict?
        /// When to ask again for a class that could not be asked for.
        var askAgainAt: Duration = .zero
    }

    /// How long a Pod must run unanswered: the time of the watch and of a Mount that is on its way.
    private let settle: Duration
    /// The time between two questions for a class that could not be asked for.
    private let again: Duration
    /// When we began to know who is answered.
    private let since: UTCInstant
    /// The volumes that were answered, and when that was heard last.
    private var answered: [Volume: Duration] = [:]
    private var seenBeforeStart: Set<String> = []
    private var suspects: [Volume: Suspect] = [:]

    /// The most answered volumes that are remembered while the Pods are not known.
    static let mostAnswered = 20_000
    /// How long an answered volume is remembered whose Pod is not known.
    static let memory: Duration = .seconds(600)

    package init(since: UTCInstant, settle: Duration = .seconds(60), again: Duration = .seconds(300)) {
        self.since = since
        self.settle = settle
        self.again = again
    }

    /// The number of Pods that run unanswered.
    package var podCount: Int {
        Set(suspects.lazy.filter { $0.value.verdict == .ours }.map(\.key.podUID)).count
    }

    /// The number of volumes that are remembered as answered.
    var answeredCount: Int { answered.count }

    /// A Mount was answered, with files.
    package mutating func answered(_ volume: Volume, at now: Duration) {
        answered[volume] = now
        guard answered.count > Self.mostAnswered else { return }
        let oldest = answered.sorted { $0.value < $1.value }.prefix(Self.mostAnswered / 4)
        for (volume, _) in oldest { answered[volume] = nil }
    }

    /// Looks at the node's Pods.
    ///
    /// - Parameters:
    ///   - pods: the Pods of this node that run, read **before** the last ``answered(_:at:)``: a Mount is answered before
    ///     its container starts, so that an answer is never missing here for a start that is seen.
    ///   - isCurrent: whether the watch stands, so that a Pod that is not among them is gone.
    /// - Returns: Those whose class must be judged now: ``judge(_:_:at:)`` follows.
    package mutating func look(at pods: [PodFacts], isCurrent: Bool, now: Duration) -> [Suspicion] {
        var due: [Suspicion] = []
        var present: Set<String> = []
        for pod in pods {
            present.insert(pod.uid)
            guard pod.containers.haveStarted else {
                if !pod.volumes.isEmpty { seenBeforeStart.insert(pod.uid) }
                continue
            }
            for classVolume in pod.volumes where !classVolume.className.isEmpty {
                let volume = Volume(podUID: pod.uid, name: classVolume.name)
                guard let suspect = examine(volume, of: pod, now) else { continue }
                if suspect.verdict == nil || suspect.verdict == .unknown, now - suspect.since >= settle,
                    now >= suspect.askAgainAt
                {
                    due.append(
                        Suspicion(
                            volume: volume,
                            pod: pod.name,
                            className: classVolume.className,
                            isLate: suspect.lateAt != nil
                        )
                    )
                }
            }
        }
        suspects = suspects.filter { present.contains($0.key.podUID) }
        seenBeforeStart.formIntersection(present)
        if isCurrent {
            answered = answered.filter { present.contains($0.key.podUID) || now - $0.value < Self.memory }
        }
        return due.sorted { ($0.volume.podUID, $0.volume.name) < ($1.volume.podUID, $1.volume.name) }
    }

    /// The suspect that a volume of a started Pod is; `nil` when it is none.
    private mutating func examine(_ volume: Volume, of pod: PodFacts, _ now: Duration) -> Suspect? {
        if var suspect = suspects[volume] {
            guard answered[volume] != nil else { return suspect }
            let lateAt = suspect.lateAt ?? pod.containers.restarts
            suspect.lateAt = lateAt
            // A container that started after the answer has the files.
            suspects[volume] = pod.containers.restarts > lateAt ? nil : suspect
            return suspects[volume]
        }
        guard answered[volume] == nil, canBeJudged(pod) else { return nil }
        let suspect = Suspect(since: now)
        suspects[volume] = suspect
        return suspect
    }

    private func canBeJudged(_ pod: PodFacts) -> Bool {
        if seenBeforeStart.contains(pod.uid) { return true }
        if let takenUp = pod.containers.takenUp, takenUp >= since { return true }
        guard pod.containers.restarts == 0, let first = pod.containers.firstStart else { return false }
        return first >= since
    }

    /// The class of a suspicion was looked up.
    ///
    /// - Returns: Whether this Pod's volume is to be told of: once for each.
    package mutating func judge(_ suspicion: Suspicion, _ verdict: Verdict, at now: Duration) -> Bool {
        guard suspects[suspicion.volume] != nil else { return false }
        suspects[suspicion.volume]?.verdict = verdict
        suspects[suspicion.volume]?.askAgainAt = now + again
        return verdict == .ours
    }
}
