// The startup taint goes, and nothing else does.

import Leases
import LoopbackCluster
import Support
import Testing
import TokenStoreTesting

@testable import ClusterEvents

@Suite struct StartupTaintTests {
    private static let key = "daypass/agent-not-ready"

    private func run(
        _ taints: [String],
        prepare: (LoopbackPods) -> Void = { _ in },
        _ body: (ClusterScene) throws -> Void
    ) async throws {
        try await ClusterScene.run { scene in
            scene.pods.setNode("node-1", taints: taints)
            prepare(scene.pods)
            // The pauses after failures are not waited for.
            var clock = LeaseClock.system
            clock.sleep = { _ in try await Task.sleep(for: .milliseconds(1)) }
            let taint = StartupTaint(
                key: Self.key,
                node: "node-1",
                client: scene.client,
                clock: clock,
                logger: scene.log.logger
            )
            let isGone = await taint.remove()
            #expect(isGone)
            try body(scene)
        }
    }

    @Test(arguments: [
        (["\(key):NoSchedule"], []), (["\(key)=true:NoExecute"], []),
        (["a/b=c:NoSchedule", "\(key):NoSchedule", "d:NoExecute"], ["a/b=c:NoSchedule", "d:NoExecute"]),
        (["\(key):NoSchedule", "a:NoSchedule", "\(key):NoExecute"], ["a:NoSchedule"]),
        (["\(key)-2:NoSchedule", "daypass:NoSchedule"], ["\(key)-2:NoSchedule", "daypass:NoSchedule"]), ([], []),
    ])
    func onlyOursGoes(_ before: [String], _ after: [String]) async throws {
        try await run(before) { scene in
            #expect(scene.pods.taints("node-1") == after)
            #expect(scene.pods.count(.patchNode) == (before == after ? 0 : 1))
            #expect(scene.told.count == 1)
            #expect(scene.told[0].contains(before == after ? "has no startup taint" : "startup taint removed"))
        }
    }

    /// The list changes between our look and our patch: the place where ours stood is another one's now.
    @Test func aListThatChangesLosesNothing() async throws {
        try await run(["a:NoSchedule", "\(Self.key):NoSchedule"]) {
            $0.fail(.patchNode, .movesTaints, times: 3)
        } _: {
            scene in
            let other = "somebody/else:NoExecute"
            #expect(scene.pods.taints("node-1") == [other, other, other, "a:NoSchedule"])
            #expect(scene.pods.count(.patchNode) == 4)
        }
    }

    @Test(arguments: [
        (PodCall.getNode, PodFault.status(403)), (.patchNode, .status(403)), (.patchNode, .status(409)),
        (.getNode, .status(500)), (.patchNode, .drops), (.getNode, .talksGarbage), (.getNode, .status(404)),
        (.patchNode, .losesAnswer), (.getNode, .status(429, retryAfter: 1)),
    ])
    func itIsTriedUntilItWorks(_ call: PodCall, _ fault: PodFault) async throws {
        try await run(["\(Self.key):NoSchedule"]) {
            $0.fail(call, fault, times: 3)
        } _: { scene in
            #expect(scene.pods.taints("node-1").isEmpty)
            let lines = scene.told.filter { $0.contains("it is tried again") }
            #expect(lines.count == (fault == .status(409) ? 0 : 1), "\(scene.told)")
            if fault == .status(403) { #expect(lines.first?.contains("get and patch on nodes") == true) }
        }
    }

    /// A server that never applies the patch is said once.
    @Test func aPatchThatIsNeverAppliedIsSaid() async throws {
        try await run(["\(Self.key):NoSchedule"]) {
            $0.fail(.patchNode, .status(409), times: 30)
        } _: { scene in
            #expect(scene.pods.taints("node-1").isEmpty)
            let lines = scene.told.filter { $0.contains("did not apply the patch, 8 times in a row") }
            #expect(lines.count == 1 && scene.told.count == 2, "\(scene.told)")
        }
    }
}
