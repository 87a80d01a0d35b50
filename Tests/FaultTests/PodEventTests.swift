// What the driver hides is in the Pod's events: with a real daemon, a forge that fails and an API server that is strict.

import Foundation
import LoopbackCluster
import LoopbackForge
import Support
import Testing
import TokenStore

@Suite(.serialized) struct PodEventTests {
    private static let uid = Subject.build(1).podUID

    /// Starts a daemon anew for which the refresh of every token is due. Half of a token's life is left.
    private func startWithDueRefreshes(_ life: Life) async throws {
        try await life.stopDaemon()
        try await life.sqlite(["UPDATE lease SET refresh_after = '0'"])
        try await life.start()
        _ = try await life.survive("a watch") { life.pods.map { $0.openWatches > 0 } == true ? true : nil }
    }

    private func counts(_ life: Life) -> [Int] { life.pods?.events(of: Self.uid).map(\.count) ?? [] }

    @Test func aFailedRefreshIsOneEventThatCounts() async throws {
        try await Life.withPods { life in
            let pods = try #require(life.pods)
            let first = try await life.mount(1)
            try await startWithDueRefreshes(life)
            // While the API server wants to be left alone, what happens is counted.
            pods.fail(.createEvent, .status(429, retryAfter: 2), times: 1)
            life.node.forge.fail(.mint, .answer(status: 503, message: "down"), times: 3)
            for _ in 0..<3 {
                let again = try await life.mount(1)
                #expect(again == first)
            }
            _ = try await life.survive("the event") { pods.events(of: Self.uid).isEmpty ? nil : true }
            let event = try #require(pods.events(of: Self.uid).first)
            #expect(event.reason == "TokenRefreshFailed" && event.namespace == "binder" && event.count == 3)
            #expect(event.note.contains("store github: ") && event.note.contains("is still good"))
            #expect(event.object["reportingInstance"]?.string == "node-1")
            #expect(pods.events.count == 1)
            // The forge is well again: the next Mount brings a new token, and nothing more is said.
            let new = try await life.mount(1)
            #expect(new != first)
            #expect(pods.events.count == 1 && counts(life) == [3])
            life.node.heard(event.note)
            #expect(life.node.leaks().leaked.isEmpty)
        }
    }

    @Test func aRefusalOfARunningPodIsAnEventAndThatOfAFirstMountIsNot() async throws {
        try await Life.withPods { life in
            let pods = try #require(life.pods)
            _ = try await life.mount(1)
            let now = SystemClock().now
            pods.start(Self.uid, takenUp: now, at: now)
            pods.addPod(.build(2))
            // The grants are gone; both are refused, and only the first one runs.
            try await life.stopDaemon()
            let text = try String(contentsOfFile: life.node.path("node.yaml"), encoding: .utf8)
            try life.node.write(text.replacing("our-org/*", with: "other-org/*"), to: "node.yaml")
            try await life.start()
            _ = try await life.survive("a watch") { pods.openWatches > 0 ? true : nil }
            for number in [2, 1] {
                let refused = try await life.tryToMount(number)
                #expect(refused.line.contains("NotGranted"), "\(refused.line)")
            }
            _ = try await life.survive("the event") { pods.events.isEmpty ? nil : true }
            #expect(pods.events.map(\.reason) == ["TokenRefused"])
            #expect(pods.events.first?.podUID == Self.uid)
            #expect(pods.events.first?.note.hasPrefix("NotGranted: ") == true)
        }
    }

    /// A role without the verbs does no harm to Mounts, and is said once.
    @Test func withoutTheRoleMountsGoOn() async throws {
        try await Life.withPods { life in
            let pods = try #require(life.pods)
            let first = try await life.mount(1)
            try await startWithDueRefreshes(life)
            for call in [PodCall.createEvent, .patchEvent, .getClass] { pods.fail(call, .status(403)) }
            life.node.forge.fail(.mint, .answer(status: 503, message: "down"), times: 4)
            for _ in 0..<4 {
                let again = try await life.mount(1)
                #expect(again == first)
            }
            _ = try await life.survive("a try") { pods.count(.createEvent) > 0 ? true : nil }
            let isSaid = await life.daemon.waitForLog("events of Pods can't be written", "create and patch on events")
            #expect(isSaid)
            _ = try await life.mount(2)
            #expect(pods.count(.createEvent) == 1 && pods.events.isEmpty)
            let lines = life.daemon.log.split(separator: "\n").filter { $0.contains("can't be written") }
            #expect(lines.count == 1)
        }
    }

    @Test func theStartupTaintGoesWhenTheDaemonServes() async throws {
        try await Life.withPods { life in
            let pods = try #require(life.pods)
            pods.setNode("node-1", taints: ["a:NoSchedule", "daypass/agent-not-ready:NoSchedule"])
            try await life.stopDaemon()
            #expect(pods.taints("node-1").count == 2, "nobody asked for it")
            let text = try String(contentsOfFile: life.node.path("node.yaml"), encoding: .utf8)
            let jwks = try String(contentsOfFile: life.node.path("jwks.json"), encoding: .utf8)
            try life.node.write(text + "cluster: { startupTaint: daypass/agent-not-ready }\n", to: "node.yaml")
            // Without the cluster's keys no Mount could be answered yet.
            try life.node.write("{}", to: "jwks.json")
            try await life.start()
            let isWaiting = await life.daemon.waitForLog("no signing keys yet")
            #expect(isWaiting && pods.taints("node-1").count == 2)
            try life.node.write(jwks, to: "jwks.json")
            _ = try await life.survive("the end of the taint") { pods.taints("node-1").count == 1 ? true : nil }
            #expect(pods.taints("node-1") == ["a:NoSchedule"])
            let isSaid = await life.daemon.waitForLog("startup taint removed", "daypass/agent-not-ready")
            #expect(isSaid)
        }
    }
}
