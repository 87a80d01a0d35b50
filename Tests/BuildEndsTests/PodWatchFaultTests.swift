// The Pod watch before an API server that misbehaves. In each case: no running Pod is reported, and each ended one is
// once the server is well again.

import BuildEnds
import Leases
import LoopbackCluster
import Support
import Testing

@Suite struct PodWatchFaultTests {
    private static let anyCall: [PodFault] = [
        .status(500), .status(503, retryAfter: 0), .status(401), .status(403), .status(404),
        .status(429, retryAfter: 0),
        .hangs, .drops, .talksGarbage,
    ]

    private static let limits = KubernetesPods.Limits(
        answer: .milliseconds(700),
        page: 1 << 20,
        pod: 1 << 20,
        line: 64 << 10,
        idle: .milliseconds(700)
    )

    /// Pods 1 to 5: the first two go on; the others end while the server misbehaves.
    private func promise(
        _ call: PodCall,
        _ fault: PodFault,
        _ options: PodWatchOptions,
        calls: Int = 3,
        alsoLosesEvents: Bool = false
    ) async throws {
        try await PodScene.run(options, limits: Self.limits) { pods in
            for number in 1...5 { pods.addPod(PodScene.subject(number)) }
            if alsoLosesEvents { pods.fail(.watch, .losesEvents) }
        } _: { scene in
            scene.track(1...5)
            await until { scene.pods.openWatches == 1 }
            let before = scene.pods.count(call)
            scene.pods.fail(call, fault)
            scene.pods.endWatches()
            scene.pods.setPhase("Succeeded", of: PodScene.uid(3))
            scene.pods.deletePod(PodScene.uid(4))
            scene.pods.replacePod(PodScene.uid(5), by: "another")
            await until { scene.pods.count(call) >= before + calls }
            #expect(scene.pods.count(call) >= before + calls, "the watch gave up")
            #expect(scene.ended.isSubset(of: [PodScene.uid(3), PodScene.uid(4), PodScene.uid(5)]))
            scene.pods.heal()
            await until { scene.ended.count >= 3 }
            #expect(scene.ended == [PodScene.uid(3), PodScene.uid(4), PodScene.uid(5)])
            // One more round of everything: those that run still do.
            scene.pods.endWatches()
            scene.pods.deletePod(PodScene.uid(2))
            await until { scene.how(2) != nil }
            #expect(scene.ended.count == 4 && scene.how(1) == nil)
        }
    }

    /// The next list is a minute away: the watch itself must come back and go on from where it was.
    @Test(
        arguments: anyCall + [
            .expiresWatch, .endsAtOnce, .closesInMidLine, .endsInMidLine, .garbageLine, .longLine(200_000),
            .staysSilent, .duplicates,
        ]
    )
    func watchFaults(_ fault: PodFault) async throws {
        try await promise(.watch, fault, PodScene.quick, calls: fault == .duplicates ? 1 : 3)
    }

    /// What is held back or left out is found by the next list.
    @Test(arguments: [PodFault.losesEvents, .reorders])
    func watchesThatTellTooLittle(_ fault: PodFault) async throws {
        var options = PodScene.quick
        options.relistEvery = .milliseconds(500)
        try await promise(.watch, fault, options)
    }

    @Test(arguments: anyCall + [.emptyList, .cutsList, .expiresPages, .delays(.milliseconds(100))])
    func listFaults(_ fault: PodFault) async throws {
        var options = PodScene.quick
        options.relistEvery = .milliseconds(400)
        options.pageSize = fault == .expiresPages ? 2 : nil
        try await promise(.list, fault, options, alsoLosesEvents: true)
    }

    @Test(arguments: anyCall + [.delays(.milliseconds(100))])
    func getFaults(_ fault: PodFault) async throws {
        var options = PodScene.quick
        options.relistEvery = .milliseconds(400)
        let answersInTheEnd = fault == .delays(.milliseconds(100))
        try await promise(.get, fault, options, calls: answersInTheEnd ? 1 : 2, alsoLosesEvents: true)
    }

    /// Running Pods that are asked for by name, because the watch does not see them: only the server's own word ends one.
    @Test(arguments: anyCall) func badAnswersEndNothing(_ fault: PodFault) async throws {
        try await PodScene.run(limits: Self.limits) { pods in
            for number in 1...3 { pods.addPod(PodScene.subject(number), node: "node-9") }
            pods.addPod(PodScene.subject(9))
            pods.fail(.get, fault)
        } _: { scene in
            scene.track(1...3)
            await until { scene.pods.count(.get) >= 4 }
            #expect(scene.pods.count(.get) >= 4 && scene.ended.isEmpty)
            scene.pods.deletePod(PodScene.uid(2))
            scene.pods.heal()
            await until { scene.how(2) != nil }
            #expect(scene.how(2) == .deleted && scene.ended.count == 1)
        }
    }

    /// The whole API server is lost: no build has ended by that.
    @Test func aLostServerEndsNothing() async throws {
        try await PodScene.run { scene in
            for number in 1...3 { scene.pods.addPod(PodScene.subject(number)) }
            scene.track(1...3)
            await until { scene.pods.openWatches == 1 }
            for call in PodCall.allCases { scene.pods.fail(call, .drops) }
            scene.pods.endWatches()
            // A Mount comes meanwhile: its Pod is asked for by name, without an answer.
            scene.track(1...4)
            let before = scene.pods.count(.watch)
            await until { scene.pods.count(.watch) >= before + 8 && scene.pods.count(.get) > 1 }
            #expect(scene.pods.count(.get) > 1)
            #expect(scene.ended.isEmpty && !scene.watch.status.isWatching)
            #expect(scene.log.lines.count { $0.contains("can't be watched") } == 1)
            #expect(scene.log.lines.count { $0.contains("can't be asked for by name") } == 1)
        }
    }
}
