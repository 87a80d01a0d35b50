// The API server tells that a build has ended, tells it late, or says nothing.

import Daemon
import Leases
import LoopbackCluster
import LoopbackForge
import Support
import Testing
import TokenStore

@Suite(.serialized) struct PodEndTests {
    @Test(arguments: ["Succeeded", "Failed", "deleted", "replaced"])
    func aPodThatEndsLosesItsTokens(_ how: String) async throws {
        try await Life.withPods { life in
            let pods = try #require(life.pods)
            _ = try await life.mount(1)
            _ = try await life.mount(2)
            let uid = Subject.build(2).podUID
            switch how {
            case "deleted": pods.deletePod(uid)
            case "replaced": pods.replacePod(uid, by: Subject.build(3).podUID)
            default: pods.setPhase(how, of: uid)
            }
            try await life.waitUntilLive(2, 0)
            #expect(life.liveTokens(1).count == 1)
            // A Mount that comes late gets nothing: nobody would revoke its token.
            let late = try await life.tryToMount(2)
            #expect(late.line.hasPrefix("NOT_FOUND: PodEnded: "), "\(late.line)")
            #expect(life.tokens(2).count == 1)
            #expect(life.node.leaks().leaked.isEmpty)
        }
    }

    @Test func aPodThatIsBeingDeletedKeepsItsTokenWhileItRuns() async throws {
        try await Life.withPods { life in
            let pods = try #require(life.pods)
            let first = try await life.mount(1)
            _ = try await life.mount(2)
            pods.beginDeletion(of: Subject.build(1).podUID)
            pods.deletePod(Subject.build(2).podUID)
            try await life.waitUntilLive(2, 0)
            #expect(life.liveTokens(1).count == 1)
            let again = try await life.mount(1)
            #expect(again == first)
        }
    }

    /// Losing the API server revokes nothing; what ended meanwhile is found out when it is back.
    @Test(arguments: [PodFault.drops, .status(500), .status(403), .emptyList, .talksGarbage])
    func anAPIServerThatIsLostSaysNothing(_ fault: PodFault) async throws {
        try await Life.withPods { life in
            let pods = try #require(life.pods)
            let first = try await life.mount(1)
            _ = try await life.mount(2)
            _ = try await life.survive("a watch") { pods.openWatches > 0 ? true : nil }
            if fault == .emptyList {
                // A list without Pods that is complete is the truth about Pods that were seen; here the daemon is new,
                // has seen none, and asks for each by name.
                pods.fail(.list, fault)
                try await life.stopDaemon()
                try await life.start()
            } else {
                for call in PodCall.allCases { pods.fail(call, fault) }
                pods.endWatches()
            }
            let listsBefore = pods.count(.list)
            pods.setPhase("Running", of: Subject.build(1).podUID)
            _ = try await life.survive("another try") { pods.count(.list) > listsBefore ? true : nil }
            #expect(life.node.forge.revocationCount == 0)
            let again = try await life.mount(1)
            #expect(again == first)
            pods.setPhase("Succeeded", of: Subject.build(2).podUID)
            pods.heal()
            try await life.waitUntilLive(2, 0)
            #expect(life.liveTokens(1).count == 1)
        }
    }

    /// The Pod ends while no daemon runs, and even before any daemon saw it.
    @Test(arguments: [true, false]) func aPodThatEndsWhileNoDaemonRuns(_ wasSeen: Bool) async throws {
        try await Life.withPods { life in
            let pods = try #require(life.pods)
            if !wasSeen { for call in PodCall.allCases { pods.fail(call, .status(503)) } }
            let first = try await life.mount(1)
            _ = try await life.mount(2)
            if wasSeen { _ = try await life.survive("a watch") { pods.openWatches > 0 ? true : nil } }
            await life.kill()
            pods.deletePod(Subject.build(2).podUID)
            pods.heal()
            try await life.start()
            try await life.waitUntilLive(2, 0)
            let again = try await life.mount(1)
            #expect(again == first && life.tokens(1).count == 1)
        }
    }
}
