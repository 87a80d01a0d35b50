// A cluster at random, told of by a bad messenger: no running Pod may be reported as ended, and in the end every ended
// one must be.

import Leases
import Testing

@testable import BuildEnds

/// A small cluster, and what the messenger has not delivered yet.
private struct World {
    struct Pod {
        var facts: PodFacts
        var exists = true
        var hasEnded: Bool { !exists || facts.end != nil }
    }

    let hasNumbers: Bool
    var random: SeededRandom
    var version = 100
    var pods: [String: Pod] = [:]
    var undelivered: [PodEvent] = []
    var now = Duration.zero
    var tracked: Set<TrackedVolume> = []

    init(seed: UInt64, hasNumbers: Bool) {
        random = SeededRandom(seed: seed)
        self.hasNumbers = hasNumbers
    }

    mutating func nextVersion() -> String {
        version += 1
        return hasNumbers ? "\(version)" : "v\(version % 7)-\(version)"
    }

    /// The Pods that exist, in an order that is the same in every run.
    var existing: [Pod] { pods.values.filter(\.exists).sorted { $0.facts.uid < $1.facts.uid } }

    mutating func live() {
        switch Int.random(in: 0..<6, using: &random) {
        case 0, 1:
            let name = PodName(namespace: "binder", name: "build-\(Int.random(in: 0..<4, using: &random))")
            guard !existing.contains(where: { $0.facts.name == name }) else { return }
            let uid = "u\(version)"
            let node = random.one(in: 6) ? "node-2" : "node-1"
            let facts = PodFacts(uid: uid, name: name, nodeName: node, version: nextVersion())
            pods[uid] = Pod(facts: facts)
            tell(.state(facts))
            // Some begin to hold leases; the Pod exists then.
            guard !random.one(in: 4) else { return }
            tracked.insert(
                TrackedVolume(
                    podUID: uid,
                    namespace: name.namespace,
                    podName: name.name,
                    volume: "v",
                    targetPath: ""
                )
            )
        case 2, 3:
            guard var pod = existing.randomElement(using: &random) else { return }
            pod.facts.version = nextVersion()
            if pod.facts.end == nil, random.one(in: 3) { pod.facts.end = random.one(in: 2) ? .failed : .succeeded }
            pods[pod.facts.uid] = pod
            tell(.state(pod.facts))
        default:
            guard var pod = existing.randomElement(using: &random) else { return }
            pod.facts.version = nextVersion()
            pod.exists = false
            pods[pod.facts.uid] = pod
            tell(.deleted(pod.facts))
        }
    }

    private mutating func tell(_ event: PodEvent) {
        let facts: PodFacts
        switch event {
        case .state(let pod), .deleted(let pod): facts = pod
        default: return
        }
        guard facts.nodeName == "node-1", !random.one(in: 4) else { return }
        undelivered.append(event)
        if random.one(in: 5) { undelivered.append(event) }
    }

    /// The list of node-1 in pages.
    var list: [PodFacts] { existing.map(\.facts).filter { $0.nodeName == "node-1" } }

    func answer(_ question: PodBook.Question) -> PodAnswer {
        existing.first { $0.facts.name == question.name }.map { .found($0.facts) } ?? .notFound
    }

    func isRunning(_ uid: String) -> Bool { pods[uid].map { !$0.hasEnded } ?? false }
}

@Suite struct PodBookRandomTests {
    @Test(arguments: [true, false]) func noRunningPodIsReportedAndNoEndIsMissed(_ hasNumbers: Bool) {
        var reportedInAll = 0
        for seed in UInt64(1)...150 {
            var world = World(seed: seed, hasNumbers: hasNumbers)
            var book = PodBook(nodeName: "node-1")
            var reported: Set<String> = []
            var lateAnswers: [(PodBook.Question, PodAnswer)] = []
            func check(_ ends: [BuildEnd], _ step: String) {
                for end in ends {
                    guard case .pod(let uid, _) = end else {
                        Issue.record("a Pod book tells of Pods only")
                        continue
                    }
                    let isRunning = world.isRunning(uid)
                    #expect(!isRunning, "seed \(seed): \(uid) runs, but \(step) ended it")
                    reported.insert(uid)
                }
            }
            for _ in 0..<250 {
                world.now += .seconds(Int.random(in: 0...3, using: &world.random))
                switch Int.random(in: 0..<10, using: &world.random) {
                case 0...2: world.live()
                case 3...5:
                    // In any order.
                    guard let index = world.undelivered.indices.randomElement(using: &world.random) else { continue }
                    check(book.take(world.undelivered.remove(at: index)), "an event")
                case 6: check(book.track(world.tracked, at: world.now), "tracking")
                case 7:
                    book.beginList()
                    let list = world.list
                    // A whole list, one that broke off, or one that says there is nothing.
                    let kind = Int.random(in: 0..<4, using: &world.random)
                    let count = kind == 0 ? 0 : kind == 1 ? list.count / 2 : list.count
                    check(book.take(page: Array(list.prefix(count))), "a page")
                    if kind != 1 { check(book.endList(at: world.now), "a list") }
                case 8:
                    guard let question = book.questions(at: world.now).first else { continue }
                    let answer = world.random.one(in: 3) ? nil : world.answer(question)
                    if let answer, world.random.one(in: 3) {
                        lateAnswers.append((question, answer))
                    } else {
                        check(book.take(answer, to: question, at: world.now), "an answer")
                    }
                default:
                    guard let (question, answer) = lateAnswers.popLast() else { continue }
                    check(book.take(answer, to: question, at: world.now), "a late answer")
                }
            }
            // All is well again.
            check(book.track(world.tracked, at: world.now), "tracking")
            book.beginList()
            // A node always has a Pod: one without any would be taken for another cluster's.
            check(book.take(page: world.list + [PodFacts.neighbour]), "the last list")
            check(book.endList(at: world.now), "the last list")
            world.now += .seconds(3600)
            for question in book.questions(at: world.now) {
                check(book.take(world.answer(question), to: question, at: world.now), "an answer")
            }
            for volume in world.tracked where !world.isRunning(volume.podUID) {
                let isReported = reported.contains(volume.podUID)
                #expect(isReported, "seed \(seed): the end of \(volume.podUID) was missed")
            }
            reportedInAll += reported.count
        }
        #expect(reportedInAll > 1000, "the cluster is too quiet to prove anything: \(reportedInAll) ends")
    }
}

extension PodFacts {
    /// A Pod that is always there.
    fileprivate static var neighbour: PodFacts {
        PodFacts(
            uid: "neighbour",
            name: PodName(namespace: "kube-system", name: "neighbour"),
            nodeName: "node-1",
            version: "1"
        )
    }
}
