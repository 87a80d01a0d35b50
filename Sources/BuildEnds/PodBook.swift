// What is known of a node's Pods, and which builds have ended by it. Pure.

package import Leases

/// The Pods of one node as lists, watch events and answers tell of them, beside those for which leases are held.
///
/// Its one promise: it names an end only on proof. Proof is a phase that is for ever, a `DELETED` event, a later Pod of
/// the same name, or the server's own word that the Pod's name is free, if the server knows this node. A Pod that is only
/// missing somewhere (in a list, because it was never seen, because the server can't be asked) is asked for by name.
package struct PodBook: Sendable {
    /// The times of asking by name.
    package struct Pace: Sendable {
        /// How long a tracked Pod may be unknown before it is asked for.
        package var first: Duration
        /// The time between two questions about one Pod.
        package var again: Duration

        package init(first: Duration = .seconds(5), again: Duration = .seconds(60)) {
            self.first = first
            self.again = again
        }
    }

    /// A Pod that is to be asked for by name.
    package struct Question: Sendable, Hashable {
        package var uid: String
        package var name: PodName
    }

    private struct Tracked {
        var name: PodName
        /// When to ask for it by name; `nil` when lists and events tell of it, or when it has ended.
        var askAt: Duration?
        var wasAsked = false
        var end: PodEnd?
    }

    private struct Listing {
        var listed: Set<String> = []
        /// The Pods that were tracked when the list began.
        var tracked: Set<String>
    }

    /// The most running Pods that are kept. kubelet runs 110 unless told otherwise; a Pod that is not kept costs a
    /// question by name when it has a lease.
    static let mostRunning = 10_000

    private let nodeName: String
    private let pace: Pace
    private var running: [String: PodFacts] = [:]
    private var holders: [PodName: String] = [:]
    private var ended = EndedPods()
    private var tracked: [String: Tracked] = [:]
    private var volumes: Set<TrackedVolume> = []
    private var listing: Listing?
    /// Whether the last complete list had no Pod in it. A node has some; one that has none may be a node of another
    /// cluster, whose server does not know our Pods.
    private var listWasEmpty = false

    package init(nodeName: String, pace: Pace = Pace()) {
        self.nodeName = nodeName
        self.pace = pace
    }

    /// The numbers of Pods that are kept as running and as ended.
    var counts: (running: Int, ended: Int) { (running.count, ended.count) }

    /// The Pods of this node that run, as far as they are known.
    var onNode: [PodFacts] { running.values.filter { $0.nodeName == nodeName } }

    /// The Pod with this UID, when it runs on this node.
    func onNode(_ uid: String) -> PodFacts? { running[uid].flatMap { $0.nodeName == nodeName ? $0 : nil } }

    // MARK: What leases are held for

    /// Takes over the volumes for which leases are held.
    ///
    /// - Returns: The ends, already known, of Pods with new volumes.
    package mutating func track(_ volumes: Set<TrackedVolume>, at now: Duration) -> [BuildEnd] {
        let new = volumes.subtracting(self.volumes)
        self.volumes = volumes
        let uids = Set(volumes.lazy.map(\.podUID))
        tracked = tracked.filter { uids.contains($0.key) }
        for volume in new where tracked[volume.podUID] == nil {
            let uid = volume.podUID
            let isKnown = running[uid] != nil || ended[uid] != nil
            tracked[uid] = Tracked(
                name: PodName(namespace: volume.namespace, name: volume.podName),
                askAt: isKnown ? nil : now + pace.first,
                end: ended[uid]
            )
        }
        return reports(Set(new.lazy.map(\.podUID)))
    }

    // MARK: Lists

    /// A list begins; one that began before and did not come to its end is forgotten.
    package mutating func beginList() {
        listing = Listing(tracked: Set(tracked.keys))
    }

    /// Takes one page of the list.
    package mutating func take(page: [PodFacts]) -> [BuildEnd] {
        listing?.listed.formUnion(page.lazy.map(\.uid))
        return page.flatMap { take($0) }
    }

    /// The last page was taken: what is not in the list is not on this node, unless the list was wrong. Pods with leases
    /// that are missing are asked for by name at once, the others are forgotten.
    ///
    /// - Returns: The ends of all Pods with leases, once more, in case one was not heard.
    package mutating func endList(at now: Duration) -> [BuildEnd] {
        guard let listing else { return [] }
        self.listing = nil
        listWasEmpty = listing.listed.isEmpty
        for (uid, pod) in running where !listing.listed.contains(uid) {
            if tracked[uid] != nil { ask(uid, at: now) } else { forget(uid, pod) }
        }
        for uid in listing.tracked where running[uid] == nil && tracked[uid]?.wasAsked == false { ask(uid, at: now) }
        return reports(Set(tracked.keys))
    }

    // MARK: Events

    /// Takes an event of a watch. Events may come twice, late and in any order.
    package mutating func take(_ event: PodEvent) -> [BuildEnd] {
        switch event {
        case .state(let pod): take(pod)
        case .deleted(let pod): end(pod.uid, pod.end ?? .deleted)
        case .bookmark, .failure, .other: []
        }
    }

    private mutating func take(_ pod: PodFacts) -> [BuildEnd] {
        guard !hasEnded(pod.uid), pod.nodeName == nodeName || tracked[pod.uid] != nil else { return [] }
        var ends = settleName(of: pod)
        if hasEnded(pod.uid) { return ends }
        if let how = pod.end {
            ends += end(pod.uid, how)
            return ends
        }
        if let known = running[pod.uid] {
            if VersionOrder.isLater(known.version, than: pod.version) == true { return ends }
        } else if tracked[pod.uid] == nil, running.count >= Self.mostRunning {
            return ends
        }
        running[pod.uid] = pod
        holders[pod.name] = pod.uid
        if pod.nodeName == nodeName { tracked[pod.uid]?.askAt = nil }
        return ends
    }

    /// Of two Pods of one name the one with the earlier resource versions is gone: its name is free only after its end.
    private mutating func settleName(of pod: PodFacts) -> [BuildEnd] {
        // A tracked Pod that was never seen has no version to compare.
        for (uid, other) in tracked where other.name == pod.name && uid != pod.uid && !other.wasAsked {
            if other.end == nil, running[uid] == nil { ask(uid, at: .zero) }
        }
        guard let holder = holders[pod.name], holder != pod.uid, let other = running[holder] else { return [] }
        switch VersionOrder.isLater(pod.version, than: other.version) {
        case true?:
            return end(holder, .replaced)
        case false?:
            return end(pod.uid, .replaced)
        case nil:
            ask(holder, at: .zero)
            return []
        }
    }

    // MARK: Questions by name

    /// The Pods to ask for now.
    package func questions(at now: Duration) -> [Question] {
        let due = tracked.filter { $0.value.askAt.map { $0 <= now } ?? false }
        let sorted = due.sorted { ($0.value.askAt ?? .zero, $0.key) < ($1.value.askAt ?? .zero, $1.key) }
        return sorted.map { Question(uid: $0.key, name: $0.value.name) }
    }

    /// When the next Pod is to be asked for.
    package var nextQuestion: Duration? { tracked.values.lazy.compactMap(\.askAt).min() }

    /// Takes the answer to a question; `nil` when there was none that says anything.
    package mutating func take(_ answer: PodAnswer?, to question: Question, at now: Duration) -> [BuildEnd] {
        tracked[question.uid]?.wasAsked = true
        if tracked[question.uid]?.askAt != nil { tracked[question.uid]?.askAt = now + pace.again }
        switch answer {
        case .notFound:
            // Of a Pod that it never showed, only a server that shows others of this node knows that it is gone.
            guard running[question.uid] != nil || !listWasEmpty else { return [] }
            return end(question.uid, .deleted)
        case .found(let pod) where pod.uid != question.uid:
            guard pod.name == question.name else { return [] }
            return end(question.uid, .replaced)
        case .found(let pod):
            if let how = pod.end { return end(pod.uid, how) }
            if !hasEnded(pod.uid), tracked[pod.uid] != nil, running[pod.uid] == nil {
                running[pod.uid] = pod
                holders[pod.name] = pod.uid
            }
            return []
        case nil:
            return []
        }
    }

    private mutating func ask(_ uid: String, at time: Duration) {
        guard let pod = tracked[uid], pod.end == nil else { return }
        tracked[uid]?.askAt = min(pod.askAt ?? time, time)
    }

    // MARK: Ends

    private func hasEnded(_ uid: String) -> Bool { tracked[uid]?.end != nil || ended[uid] != nil }

    private mutating func end(_ uid: String, _ how: PodEnd) -> [BuildEnd] {
        guard !hasEnded(uid) else { return [] }
        if let pod = running[uid] { forget(uid, pod) }
        ended.add(uid, how)
        tracked[uid]?.end = how
        tracked[uid]?.askAt = nil
        return reports([uid])
    }

    private mutating func forget(_ uid: String, _ pod: PodFacts) {
        running[uid] = nil
        if holders[pod.name] == uid { holders[pod.name] = nil }
    }

    /// The known ends of those among `uids` that are tracked.
    private func reports(_ uids: Set<String>) -> [BuildEnd] {
        uids.sorted().compactMap { uid in tracked[uid]?.end.map { BuildEnd.pod(uid: uid, how: $0) } }
    }
}
