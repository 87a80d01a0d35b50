// The Pod watch before an API server that behaves.

import BuildEnds
import Foundation
import KubernetesAPI
import Leases
import LoopbackCluster
import Support
import Testing

@Suite struct PodWatchTests {
    /// Each way in which a Pod ends, seen by the watch alone.
    @Test func endsAreHeardOf() async throws {
        try await PodScene.run { scene in
            for number in 1...6 { scene.pods.addPod(PodScene.subject(number)) }
            scene.track(1...6)
            await until { scene.pods.openWatches == 1 }
            scene.pods.setPhase("Succeeded", of: PodScene.uid(2))
            scene.pods.setPhase("Failed", of: PodScene.uid(3))
            scene.pods.deletePod(PodScene.uid(4))
            scene.pods.replacePod(PodScene.uid(5), by: "another")
            scene.pods.beginDeletion(of: PodScene.uid(6))
            await until { scene.ended.count == 4 }
            #expect(scene.how(2) == .succeeded && scene.how(3) == .failed && scene.how(4) == .deleted)
            #expect(scene.how(5) != nil)
            #expect(scene.how(1) == nil && scene.how(6) == nil, "both run; one in its grace period")
            #expect(scene.pods.count(.list) == 1 && scene.pods.count(.watch) == 1)
            #expect(scene.watch.status.isWatching && scene.watch.status.lastSync != nil)
            #expect(scene.log.text.contains("watching the Pods of this node"))
            #expect(!scene.log.text.contains(PodScene.token))
        }
    }

    /// The Pods were there, and had ended, before the watch began.
    @Test func theListTellsOfEnds() async throws {
        let options = PodWatchOptions(pace: PodBook.Pace(first: .milliseconds(200)), pageSize: 2)
        try await PodScene.run(options) { pods in
            for number in 1...5 { pods.addPod(PodScene.subject(number)) }
            pods.setPhase("Failed", of: PodScene.uid(5))
            pods.addPod(PodScene.subject(6), node: "node-2")
        } _: { scene in
            scene.track(1...5)
            await until { scene.ended.count == 1 }
            #expect(scene.how(5) == .failed)
            #expect(scene.pods.count(.list) == 3, "five Pods in pages of two")
        }
    }

    @Test func aPodThatWasNeverSeenIsAskedFor() async throws {
        try await PodScene.run { pods in
            pods.addPod(PodScene.subject(9))
        } _: { scene in
            await until { scene.pods.openWatches == 1 }
            scene.track(1...1)
            await until { scene.how(1) != nil }
            #expect(scene.how(1) == .deleted)
            #expect(scene.pods.count(.get) >= 1)
        }
    }

    /// A wrong node name is not the end of all builds: it costs questions, and is said once.
    @Test func podsOfAnotherNodeAreAskedForByName() async throws {
        try await PodScene.run { scene in
            for number in 1...2 { scene.pods.addPod(PodScene.subject(number), node: "node-9") }
            scene.track(1...2)
            await until { scene.pods.count(.get) >= 6 }
            #expect(scene.ended.isEmpty)
            #expect(scene.log.lines.count { $0.contains("is on another node") } == 1)
            scene.pods.deletePod(PodScene.uid(2))
            await until { scene.ended.count == 1 }
            #expect(scene.how(2) == .deleted && scene.how(1) == nil)
        }
    }

    /// What the watch did not tell is found by the next list, and by a question.
    @Test func aRelistHealsWhatWasMissed() async throws {
        var options = PodScene.quick
        options.relistEvery = .milliseconds(500)
        try await PodScene.run(options) { pods in
            pods.fail(.watch, .losesEvents)
            for number in 1...4 { pods.addPod(PodScene.subject(number)) }
        } _: { scene in
            scene.track(1...4)
            await until { scene.pods.openWatches == 1 }
            scene.pods.setPhase("Succeeded", of: PodScene.uid(2))
            scene.pods.deletePod(PodScene.uid(3))
            scene.pods.replacePod(PodScene.uid(4), by: "another")
            await until { scene.ended.count == 3 }
            #expect(scene.how(2) == .succeeded && scene.how(3) == .deleted && scene.how(4) == .replaced)
            #expect(scene.how(1) == nil)
            #expect(!scene.log.text.contains("can't be watched"), "listing anew is no loss")
        }
    }

    /// The watch goes on from where it was: nothing is missed between two connections.
    @Test func aWatchThatTheServerEndsGoesOn() async throws {
        try await PodScene.run { scene in
            for number in 1...3 { scene.pods.addPod(PodScene.subject(number)) }
            scene.track(1...3)
            await until { scene.pods.openWatches == 1 }
            scene.pods.fail(.watch, .drops)
            scene.pods.endWatches()
            await until { scene.pods.count(.watch) >= 2 && scene.pods.openWatches == 0 }
            scene.pods.deletePod(PodScene.uid(2))
            scene.pods.heal()
            await until { scene.how(2) != nil }
            #expect(scene.ended.count == 1 && scene.pods.count(.list) == 1)
        }
    }

    @Test func aBookmarkIsWhereTheNextWatchBegins() async throws {
        try await PodScene.run { scene in
            for number in 1...2 { scene.pods.addPod(PodScene.subject(number)) }
            scene.track(1...2)
            await until { scene.pods.openWatches == 1 }
            // Other nodes' Pods move the version on; then the history up to it is forgotten.
            for number in 3...5 { scene.pods.addPod(PodScene.subject(number), node: "node-2") }
            scene.pods.compact()
            scene.pods.sendBookmarks()
            scene.pods.endWatches()
            await until { scene.pods.count(.watch) == 2 }
            scene.pods.deletePod(PodScene.uid(1))
            await until { scene.how(1) != nil }
            #expect(scene.pods.count(.list) == 1, "the bookmark's version was new enough")
            #expect(scene.how(1) == .deleted && scene.how(2) == nil)
        }
    }

    @Test func anOldVersionMakesANewList() async throws {
        try await PodScene.run { scene in
            for number in 1...2 { scene.pods.addPod(PodScene.subject(number)) }
            scene.track(1...2)
            await until { scene.pods.openWatches == 1 }
            scene.pods.fail(.watch, .drops)
            scene.pods.endWatches()
            await until { scene.pods.openWatches == 0 }
            scene.pods.deletePod(PodScene.uid(2))
            scene.pods.compact()
            scene.pods.heal()
            await until { scene.how(2) != nil }
            #expect(scene.how(2) == .deleted && scene.how(1) == nil)
            #expect(scene.pods.count(.list) == 2)
        }
    }

    /// kubelet replaces the token's file; each call reads it.
    @Test func theTokenIsReadForEachCall() async throws {
        try await PodScene.run { scene in
            scene.pods.addPod(PodScene.subject(1))
            scene.track(1...1)
            await until { scene.pods.openWatches == 1 }
            scene.pods.setAccessToken("new-token-77aa")
            scene.pods.endWatches()
            await until { scene.pods.deniedCalls > 0 && scene.log.text.contains("answers 401") }
            #expect(!scene.watch.status.isWatching && scene.watch.status.lastError != nil)
            try Data("new-token-77aa".utf8).write(to: URL(filePath: scene.tokenFile))
            await until { scene.pods.openWatches == 1 }
            scene.pods.deletePod(PodScene.uid(1))
            await until { scene.how(1) != nil }
            #expect(scene.how(1) == .deleted)
            #expect(!scene.log.text.contains("new-token-77aa"))
        }
    }

    @Test func aMissingRoleIsNamed() async throws {
        try await PodScene.run { pods in
            pods.fail(.list, .status(403))
        } _: { scene in
            await until { scene.pods.count(.list) >= 4 }
            let lines = scene.log.lines.filter { $0.contains("can't be watched") }
            #expect(lines.count == 1, "one line, not one for each retry")
            #expect(lines.first?.contains("get, list and watch on pods") == true)
        }
    }

    @Test func aServerThatAsksForPatienceGetsIt() async throws {
        try await PodScene.run(longestPause: .milliseconds(10)) { pods in
            pods.fail(.list, .status(429, retryAfter: 17), times: 1)
        } _: { scene in
            await until { scene.pods.openWatches == 1 }
            #expect(scene.pauses.get().contains { $0 >= .seconds(17) && $0 <= .seconds(19) })
        }
    }

    /// A server that takes each watch and ends it at once is not asked in a tight loop, and is not praised each time.
    @Test func watchesThatEndAtOnceMakeLongerPauses() async throws {
        var options = PodScene.quick
        options.backoff = Backoff(first: .milliseconds(500), longest: .seconds(30))
        options.relistEvery = .seconds(3600)
        try await PodScene.run(options, longestPause: .milliseconds(1)) { pods in
            pods.fail(.watch, .endsAtOnce)
        } _: { scene in
            await until { scene.pods.count(.watch) >= 12 }
            let pauses = scene.pauses.get().filter { $0 < .seconds(3000) }
            #expect(pauses.count >= 11)
            for (index, pause) in pauses.prefix(6).enumerated() {
                #expect(pause >= .milliseconds(250) * (1 << index), "pause \(index)")
            }
            #expect(pauses.dropFirst(7).allSatisfy { $0 >= .seconds(15) && $0 <= .seconds(30) })
            #expect(scene.log.lines.count { $0.contains("can't be watched") } == 1)
            #expect(scene.log.lines.count { $0.contains("watching the Pods") } == 1)
        }
    }

    /// Pages that are too large are asked for smaller ones.
    @Test func largePagesAreHalved() async throws {
        var limits = KubernetesPods.Limits()
        limits.page = 5000
        try await PodScene.run(limits: limits) { pods in
            for number in 1...12 { pods.addPod(PodScene.subject(number)) }
            pods.setPhase("Failed", of: PodScene.uid(7))
        } _: { scene in
            scene.track(1...12)
            await until { scene.pods.openWatches == 1 }
            await until { scene.ended.count == 1 }
            #expect(scene.how(7) == .failed)
        }
    }
}
