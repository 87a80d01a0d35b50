// Which Pods are said to run on an empty volume, and which never are.

import BuildEnds
import Support
import Testing
import TokenStore

@testable import ClusterEvents

private let begin = UTCInstant(epochSeconds: 1_800_000_000)

private func pod(
    _ uid: String = "u",
    takenUp: Int = 10,
    started: Int? = 20,
    restarts: Int = 0,
    className: String = "c"
) -> PodFacts {
    PodFacts(
        uid: uid,
        name: PodName(namespace: "ns", name: "p-\(uid)"),
        nodeName: "node-1",
        version: "1",
        volumes: [ClassVolume(name: "credentials", className: className)],
        containers: ContainerFacts(
            takenUp: begin.advanced(by: .seconds(takenUp)),
            firstStart: started.map { begin.advanced(by: .seconds($0)) },
            restarts: restarts
        )
    )
}

private func volume(_ uid: String = "u") -> UnansweredPods.Volume {
    UnansweredPods.Volume(podUID: uid, name: "credentials")
}

@Suite struct UnansweredPodsTests {
    /// Looks twice, with the settle time between, and judges the class as ours.
    private func look(
        _ pods: UnansweredPods,
        _ seen: [PodFacts],
        _ verdict: UnansweredPods.Verdict = .ours
    ) -> (told: Int, count: Int) {
        var pods = pods
        var told = 0
        for now in [Duration.seconds(100), .seconds(130), .seconds(160), .seconds(161)] {
            for suspicion in pods.look(at: seen, isCurrent: true, now: now)
            where pods.judge(suspicion, verdict, at: now) {
                told += 1
            }
        }
        return (told, pods.podCount)
    }

    private var new: UnansweredPods { UnansweredPods(since: begin) }

    @Test func aPodThatNobodyAnsweredIsToldOfOnce() {
        #expect(look(new, [pod()]) == (1, 1))
    }

    @Test func itHasTimeToSettle() {
        var pods = new
        #expect(pods.look(at: [pod()], isCurrent: true, now: .seconds(100)).isEmpty)
        #expect(pods.look(at: [pod()], isCurrent: true, now: .seconds(159)).isEmpty)
        #expect(pods.look(at: [pod()], isCurrent: true, now: .seconds(160)).count == 1)
    }

    @Test func aPodThatWasAnsweredIsNever() {
        var pods = new
        pods.answered(volume(), at: .seconds(90))
        #expect(look(pods, [pod()]) == (0, 0))
    }

    @Test(arguments: [
        // Its containers have not started.
        (pod(started: nil), 0),
        // A daemon before this one may have answered: it was taken up and started before.
        (pod(takenUp: -100, started: -90), 0),
        // The first start is forgotten.
        (pod(takenUp: -100, started: 20, restarts: 1), 0),
        // Taken up before and started after: it was being mounted when we began.
        (pod(takenUp: -100, started: 20), 1),
        (pod(takenUp: 0, started: 0), 1),
        (pod(takenUp: 10, started: 20, restarts: 5), 1),
        // It names no class.
        (pod(className: ""), 0),
    ])
    func whoCanBeJudgedIs(_ pod: PodFacts, _ told: Int) {
        #expect(look(new, [pod]).told == told)
    }

    @Test func aPodThatWasSeenBeforeItsStartCanBeJudged() {
        var pods = new
        _ = pods.look(at: [pod(takenUp: -100, started: nil)], isCurrent: true, now: .seconds(50))
        #expect(look(pods, [pod(takenUp: -100, started: -50, restarts: 2)]).told == 1)
    }

    @Test(arguments: [UnansweredPods.Verdict.others, .unknown]) func aClassThatIsNotOursIsNoAccusation(
        _ verdict: UnansweredPods.Verdict
    ) {
        #expect(look(new, [pod()], verdict) == (0, 0))
    }

    @Test func aClassThatCouldNotBeReadIsAskedForAgain() {
        var pods = new
        _ = pods.look(at: [pod()], isCurrent: true, now: .seconds(0))
        var asked: [Int] = []
        for second in stride(from: 60, through: 1000, by: 10) {
            for suspicion in pods.look(at: [pod()], isCurrent: true, now: .seconds(second)) {
                asked.append(second)
                let isTold = pods.judge(suspicion, .unknown, at: .seconds(second))
                #expect(!isTold)
            }
        }
        #expect(asked == [60, 360, 660, 960])
    }

    /// What comes after the containers have started does not reach them.
    @Test func aLateAnswerDoesNotMakeItGood() throws {
        var pods = new
        _ = pods.look(at: [pod()], isCurrent: true, now: .seconds(100))
        pods.answered(volume(), at: .seconds(110))
        let due = pods.look(at: [pod()], isCurrent: true, now: .seconds(160))
        let suspicion = try #require(due.first)
        #expect(suspicion.isLate)
        let isTold = pods.judge(suspicion, .ours, at: .seconds(160))
        #expect(isTold && pods.podCount == 1)
        _ = pods.look(at: [pod(restarts: 1)], isCurrent: true, now: .seconds(170))
        #expect(pods.podCount == 0, "a container that was started anew has the files")
        #expect(look(pods, [pod(restarts: 1)]) == (0, 0))
    }

    @Test func aPodThatIsGoneIsNotCounted() {
        var pods = new
        _ = pods.look(at: [pod()], isCurrent: true, now: .seconds(0))
        for suspicion in pods.look(at: [pod()], isCurrent: true, now: .seconds(60)) {
            _ = pods.judge(suspicion, .ours, at: .seconds(60))
        }
        #expect(pods.podCount == 1)
        _ = pods.look(at: [], isCurrent: true, now: .seconds(70))
        #expect(pods.podCount == 0)
    }

    @Test func answersAreForgottenWithTheirPodsAndOnlyByAWatchThatStands() {
        var pods = new
        pods.answered(volume(), at: .zero)
        _ = pods.look(at: [], isCurrent: false, now: .seconds(5000))
        #expect(pods.answeredCount == 1)
        _ = pods.look(at: [pod()], isCurrent: true, now: .seconds(5000))
        #expect(pods.answeredCount == 1)
        _ = pods.look(at: [], isCurrent: true, now: .seconds(599))
        #expect(pods.answeredCount == 1, "the watch may be behind")
        _ = pods.look(at: [], isCurrent: true, now: .seconds(600))
        #expect(pods.answeredCount == 0)
    }

    @Test func answersAreBounded() {
        var pods = new
        for number in 0..<(UnansweredPods.mostAnswered + 10) {
            pods.answered(volume("u\(number)"), at: .seconds(number))
        }
        #expect(pods.answeredCount <= UnansweredPods.mostAnswered)
    }

    /// Random nodes with a kubelet that never starts a container before its Mount was answered: nobody is accused. With
    /// one that does, exactly those Pods are, once each.
    @Test(arguments: 0..<60) func onlyTheGuiltyAreAccused(_ seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var pods = new
        struct Life {
            var takenUp: Int
            var answeredAt: Int?
            var startsAt: Int
            var restartsAt: Int
            var endsAt: Int
        }
        var lives: [String: Life] = [:]
        for number in 0..<30 {
            let takenUp = Int.random(in: -300...600, using: &random)
            let isSkipped = Int.random(in: 0..<4, using: &random) == 0
            let starts = takenUp + Int.random(in: 1...120, using: &random)
            lives["u\(number)"] = Life(
                takenUp: takenUp,
                answeredAt: isSkipped
                    ? (Bool.random(using: &random) ? starts + Int.random(in: 30...300, using: &random) : nil)
                    : Int.random(in: takenUp...starts, using: &random),
                startsAt: starts,
                restartsAt: starts + Int.random(in: 400...2000, using: &random),
                endsAt: starts + Int.random(in: 100...1000, using: &random)
            )
        }
        var told: [String: Int] = [:]
        for second in 0...2000 {
            let isLook = second % 10 == 0
            let seen = lives.filter { $0.value.takenUp <= second && second < $0.value.endsAt }.map { uid, life in
                pod(
                    uid,
                    takenUp: life.takenUp,
                    started: life.startsAt <= second ? life.startsAt : nil,
                    restarts: life.restartsAt <= second ? 1 : 0
                )
            }
            // What an older daemon answered is not known here, unless its lease is in the journal.
            for (uid, life) in lives where life.answeredAt == second {
                pods.answered(volume(uid), at: .seconds(second))
            }
            if second == 0 {
                for (uid, life) in lives where life.answeredAt.map({ $0 < 0 }) ?? false && life.startsAt >= 0 {
                    pods.answered(volume(uid), at: .zero)
                }
            }
            guard isLook else { continue }
            for suspicion in pods.look(at: seen, isCurrent: true, now: .seconds(second))
            where pods.judge(suspicion, .ours, at: .seconds(second)) {
                told[suspicion.volume.podUID, default: 0] += 1
            }
        }
        for (uid, life) in lives {
            let isGuilty = life.answeredAt.map { $0 > life.startsAt } ?? true
            if !isGuilty || life.startsAt < 0 { #expect(told[uid] == nil, "\(life)") }
            if isGuilty, life.startsAt >= 0, life.endsAt - life.startsAt > 80,
                (life.answeredAt ?? .max) - life.startsAt > 20
            {
                #expect(told[uid] == 1, "\(life)")
            }
        }
    }
}
