// What is said of which Pods: with the real watch, leases and calls.

import BuildEnds
import KubernetesAPI
import Leases
import LoopbackCluster
import Refusals
import Support
import Testing
import TokenStore
import TokenStoreTesting

@testable import ClusterEvents

/// A reporter with everything that it looks at.
private struct Scene: Sendable {
    let cluster: ClusterScene
    let reporter: PodReporter
    let leases: LeaseManager
    let watch: PodWatch
    let source: Source
    let clock: ManualClock

    /// The tokens that the leases get.
    struct Source: TokenSources {
        let expiry = Box<UTCInstant?>(nil)

        func origin(of store: String) -> String? { "https://forge.example" }
        func issue(_ request: TokenRequest, from store: String) async throws(TokenStoreError) -> IssuedToken {
            IssuedToken(
                username: "x-access-token",
                secret: Secret(utf8: "t-\(request.tokenName)"),
                expiresAt: expiry.get(),
                grantedScope: request.scope
            )
        }
        func revoke(_ handle: RevocationHandle, in store: String) async throws(TokenStoreError) {}
        func find(_ tokenName: String, scope: TokenScope, in store: String) async throws(TokenStoreError)
            -> [RevocationHandle]?
        { nil }
    }

    static func run(writesEvents: Bool = true, _ body: (Scene) async throws -> Void) async throws {
        try await ClusterScene.run { cluster in
            let clock = ManualClock(now: SystemClock().now)
            var leaseClock = LeaseClock.manual(clock)
            // The looks go on by themselves, at their own pace.
            leaseClock.sleep = { _ in try await Task.sleep(for: .milliseconds(10)) }
            let source = Source()
            var parts = LeaseManager.Parts(
                clock: .manual(clock),
                journal: MemoryJournal(),
                sources: source,
                gates: .manual(clock),
                logger: cluster.log.logger
            )
            parts.random = { 0 }
            let reporter = PodReporter(
                provider: "daypass",
                writesEvents: writesEvents,
                clock: leaseClock,
                logger: cluster.log.logger
            )
            let watch = PodWatch(
                api: KubernetesPods(cluster.client),
                nodeName: "node-1",
                logger: cluster.log.logger
            )
            try await withLeaseManager(parts) { leases in
                let scene = Scene(
                    cluster: cluster,
                    reporter: reporter,
                    leases: leases,
                    watch: watch,
                    source: source,
                    clock: clock
                )
                try await with({ await watch.run(TrackedBuilds()) { _ in } }) {
                    try await with({
                        await reporter.run(cluster.client, pods: watch, leases: leases, node: "node-1")
                    }) {
                        try await body(scene)
                    }
                }
            }
        }
    }

    /// A Pod runs on this node, and the watch knows it.
    func runPod(_ number: Int, className: String? = "credentials", started: Bool = true) async {
        let subject = Subject.build(number)
        cluster.pods.addPod(subject, className: className)
        if started { start(number) }
        await until { watch.pod(subject.podUID).map { $0.containers.haveStarted == started } ?? false }
    }

    func start(_ number: Int, restarts: Int = 0) {
        let now = clock.now.advanced(by: .seconds(1))
        cluster.pods.start(Subject.build(number).podUID, takenUp: now, at: now, restarts: restarts)
    }

    func events(_ number: Int) -> [LoopbackEvent] { cluster.pods.events(of: Subject.build(number).podUID) }

    func count(_ reason: PodEventReason, _ outcome: PodEventOutcome) -> Int {
        reporter.eventCounts.first { $0.reason == reason && $0.outcome == outcome }?.count ?? 0
    }

    /// A Mount of this Pod is answered with a token.
    func mount(_ number: Int, lives life: Duration) async throws {
        source.expiry.set(clock.now.advanced(by: life))
        let subject = Subject.build(number)
        let key = LeaseKey(
            podUID: subject.podUID,
            volume: "credentials",
            token: "source",
            store: "github",
            scope: TokenScope(repositories: ["our-org/app"])
        )
        let ask = LeaseAsk(subject: subject, targetPath: "")
        let answer = try await leases.lease(key, ask, within: .seconds(60))
        leases.delivered([answer.lease.id])
        reporter.answered(subject, volume: "credentials")
    }
}

@Suite struct PodReporterTests {
    private static let refusal = Refusal(.notGranted, "no grant names it", fix: "ask the operator")

    @Test func aFailedRefreshIsSaid() async throws {
        try await Scene.run { scene in
            await scene.runPod(1)
            scene.reporter.servedStale(.build(1), store: "github", failure: "unavailable: HTTP 503")
            await until { scene.events(1).count == 1 }
            let event = try #require(scene.events(1).first)
            #expect(event.reason == "TokenRefreshFailed")
            #expect(event.note.hasPrefix("store github: unavailable: HTTP 503; the token in the volume's files"))
        }
    }

    @Test func aRefusalOfAPodThatRunsIsSaid() async throws {
        try await Scene.run { scene in
            await scene.runPod(1)
            scene.reporter.refused(Self.refusal, .build(1), isProved: true)
            await until { scene.events(1).count == 1 }
            let event = try #require(scene.events(1).first)
            #expect(event.reason == "TokenRefused")
            #expect(event.note.hasPrefix("NotGranted: no grant names it; ask the operator; the volume keeps"))
        }
    }

    /// A caller that only names a Pod must not write into its events.
    @Test func theTextOfAnUnprovedRefusalIsNotRepeated() async throws {
        try await Scene.run { scene in
            await scene.runPod(1)
            let refusal = Refusal(.tokenRejected, "CALL-THIS-NUMBER", fix: "VISIT-THIS-PAGE")
            scene.reporter.refused(refusal, .build(1), isProved: false)
            await until { scene.events(1).count == 1 }
            let note = try #require(scene.events(1).first).note
            #expect(note.hasPrefix("TokenRejected: a Mount that names this Pod was refused before it had proved"))
            #expect(!note.contains("THIS-"))
        }
    }

    /// One look must not wait for the time limits of many calls.
    @Test(arguments: [PodFault.status(500), .drops]) func afterAnErrorNoClassIsAskedForAWhile(_ fault: PodFault)
        async throws
    {
        try await ClusterScene.run { scene in
            let clock = ManualClock()
            let judge = ClassJudge(
                ClassAPI(client: scene.client),
                provider: "daypass",
                clock: .manual(clock),
                logger: scene.log.logger
            )
            func verdict(_ number: Int, className: String = "credentials") async -> UnansweredPods.Verdict? {
                let volume = UnansweredPods.Volume(podUID: "u\(number)", name: "v")
                let pod = PodName(namespace: "ns-\(number)", name: "p")
                return await judge.verdict(
                    UnansweredPods.Suspicion(volume: volume, pod: pod, className: className, isLate: false)
                )
            }
            scene.pods.setClass("credentials", namespace: "ns-2", provider: "daypass")
            let wrong = await verdict(1, className: "No/Name")
            #expect(wrong == .unknown)
            scene.pods.fail(.getClass, fault)
            let first = await verdict(1)
            #expect(first == .unknown)
            scene.pods.heal()
            let asked = scene.pods.count(.getClass)
            clock.advance(by: .seconds(59))
            let held = await verdict(2)
            #expect(held == nil && scene.pods.count(.getClass) == asked && asked > 0)
            clock.advance(by: .seconds(1))
            let second = await verdict(2)
            #expect(second == .ours)
        }
    }

    /// The driver passes on what is refused before the containers start.
    @Test func aRefusalOfTheFirstMountIsLeftToTheDriver() async throws {
        try await Scene.run { scene in
            await scene.runPod(1, started: false)
            await scene.runPod(2)
            scene.reporter.refused(Self.refusal, .build(1), isProved: true)
            scene.reporter.refused(Self.refusal, .build(2), isProved: true)
            await until { scene.events(2).count == 1 }
            #expect(scene.cluster.pods.events.count == 1)
        }
    }

    @Test(arguments: [Reason.podEnded, .cancelled, .shuttingDown]) func anEndIsNothingToMend(_ reason: Reason)
        async throws
    {
        try await Scene.run { scene in
            await scene.runPod(1)
            scene.reporter.refused(Refusal(reason, "x"), .build(1), isProved: true)
            scene.reporter.refused(Self.refusal, .build(1), isProved: true)
            await until { scene.events(1).count == 1 }
            #expect(scene.events(1)[0].note.hasPrefix("NotGranted"))
            await until { scene.count(.tokenRefused, .written) == 1 }
            #expect(scene.events(1).map(\.count) == [1] && scene.reporter.eventCounts.count == 1)
        }
    }

    /// Whoever calls the socket may claim to be anybody.
    @Test func nothingIsSaidOfPodsThatAreNotHere() async throws {
        try await Scene.run { scene in
            await scene.runPod(1)
            scene.cluster.pods.addPod(.build(2), node: "node-2")
            var renamed = Subject.build(1)
            renamed.podName = "victim"
            var moved = Subject.build(1)
            moved.namespace = "kube-system"
            for subject in [Subject.build(2), .build(3), renamed, moved] {
                scene.reporter.refused(Self.refusal, subject, isProved: true)
                scene.reporter.servedStale(subject, store: "s", failure: "f")
            }
            await until { scene.count(.tokenRefused, .unknownPod) == 4 }
            await until { scene.count(.tokenRefreshFailed, .unknownPod) == 4 }
            #expect(scene.cluster.pods.count(.createEvent) == 0)
        }
    }

    @Test func noEventIsWrittenWhenTheyAreOff() async throws {
        try await Scene.run(writesEvents: false) { scene in
            scene.cluster.pods.setClass("credentials", namespace: "binder", provider: "daypass")
            await scene.runPod(1)
            scene.reporter.refused(Self.refusal, .build(1), isProved: true)
            await until {
                scene.clock.advance(by: .seconds(1))
                return scene.reporter.unansweredPods == 1
            }
            #expect(scene.cluster.told.contains { $0.contains("runs on an empty volume") })
            scene.reporter.setWritesEvents(true)
            scene.reporter.refused(Self.refusal, .build(1), isProved: true)
            await until { scene.events(1).count == 1 }
            #expect(scene.cluster.pods.count(.createEvent) == 1)
        }
    }

    @Test func aTokenThatNobodyRefreshesIsSaidOnce() async throws {
        try await Scene.run { scene in
            // In this order: a Pod that runs before its first answer is told of for that.
            try await scene.mount(1, lives: .seconds(3600))
            await scene.runPod(1)
            scene.clock.advance(by: .seconds(2999))
            scene.reporter.refused(Self.refusal, .build(2), isProved: true)
            await until { scene.count(.tokenRefused, .unknownPod) == 1 }
            #expect(scene.events(1).isEmpty)
            await until {
                scene.clock.advance(by: .seconds(1))
                return !scene.events(1).isEmpty
            }
            let event = try #require(scene.events(1).first)
            #expect(event.reason == "TokenExpiring")
            #expect(event.note.hasPrefix("token source of store github ends at 20"))
            #expect(event.note.contains("nobody has asked for a new one: the driver's rotation is off"))
            #expect(scene.cluster.told.contains { $0.contains("a token is about to end without a new one") })
            scene.clock.advance(by: .seconds(300))
            scene.reporter.refused(Self.refusal, .build(2), isProved: true)
            await until { scene.count(.tokenRefused, .unknownPod) == 2 }
            #expect(scene.events(1).map(\.count) == [1])
        }
    }

    @Test func aTokenWhoseRefreshesFailSaysWhy() async throws {
        try await Scene.run { scene in
            // In this order: a Pod that runs before its first answer is told of for that.
            try await scene.mount(1, lives: .seconds(3600))
            await scene.runPod(1)
            scene.clock.advance(by: .seconds(2900))
            scene.reporter.servedStale(.build(1), store: "github", failure: "unavailable: HTTP 502")
            await until { scene.events(1).count == 1 }
            await until {
                scene.clock.advance(by: .seconds(1))
                return scene.events(1).count == 2
            }
            let event = try #require(scene.events(1).last)
            #expect(event.reason == "TokenExpiring")
            #expect(
                event.note.hasSuffix("no refresh has worked, the last because of: store github: unavailable: HTTP 502")
            )
        }
    }

    @Test func aPodThatRunsUnansweredIsSaidAndCounted() async throws {
        try await Scene.run { scene in
            scene.cluster.pods.setClass("credentials", namespace: "binder", provider: "daypass")
            scene.cluster.pods.setClass("others", namespace: "binder", provider: "vault")
            await scene.runPod(1)
            await scene.runPod(2, className: "others")
            await scene.runPod(3, className: "gone")
            await scene.runPod(4, className: nil)
            await scene.runPod(5, started: false)
            try await scene.mount(5, lives: .seconds(36_000))
            scene.start(5)
            await until { scene.watch.pod(Subject.build(5).podUID)?.containers.haveStarted == true }
            await until {
                scene.clock.advance(by: .seconds(1))
                return scene.reporter.unansweredPods == 1
            }
            await until { scene.events(1).count == 1 }
            let event = try #require(scene.events(1).first)
            #expect(event.reason == "VolumeUnanswered" && event.object["action"]?.string == "Mount")
            #expect(
                event.note.hasPrefix("volume \"credentials\" is empty: the containers have started, though Daypass")
            )
            // The Pods' times need not be over in one look.
            await until {
                scene.clock.advance(by: .seconds(1))
                return scene.cluster.pods.count(.getClass) >= 3
            }
            // More looks at the same Pods ask for no class again, and tell nothing again.
            let asked = scene.cluster.pods.count(.getClass)
            scene.clock.advance(by: .seconds(100))
            scene.reporter.refused(Self.refusal, .build(9), isProved: true)
            await until { scene.count(.tokenRefused, .unknownPod) == 1 }
            #expect(scene.cluster.pods.count(.getClass) == asked && asked == 3)
            #expect(scene.cluster.told.filter { $0.contains("runs on an empty volume") }.count == 1)
            #expect(scene.cluster.pods.events.count == 1)
            scene.cluster.pods.deletePod(Subject.build(1).podUID)
            await until { scene.reporter.unansweredPods == 0 }
        }
    }

    /// Its lease is in the journal: a daemon before this one has answered it.
    @Test func aLeaseIsAnAnswer() async throws {
        try await Scene.run { scene in
            scene.cluster.pods.setClass("credentials", namespace: "binder", provider: "daypass")
            let subject = Subject.build(1)
            scene.source.expiry.set(scene.clock.now.advanced(by: .seconds(36_000)))
            let key = LeaseKey(
                podUID: subject.podUID,
                volume: "credentials",
                token: "source",
                store: "github",
                scope: TokenScope(repositories: ["our-org/app"])
            )
            let answer = try await scene.leases.lease(
                key,
                LeaseAsk(subject: subject, targetPath: ""),
                within: .seconds(60)
            )
            scene.leases.delivered([answer.lease.id])
            await scene.runPod(1)
            await scene.runPod(2)
            await until {
                scene.clock.advance(by: .seconds(1))
                return scene.reporter.unansweredPods == 1
            }
            #expect(scene.events(1).isEmpty)
        }
    }

    @Test func classesThatMayNotBeReadAccuseNobodyAndAreSaidOnce() async throws {
        try await Scene.run { scene in
            scene.cluster.pods.fail(.getClass, .status(403))
            for number in 1...3 { await scene.runPod(number) }
            await until {
                scene.clock.advance(by: .seconds(1))
                return scene.cluster.pods.count(.getClass) > 0
            }
            scene.clock.advance(by: .seconds(1000))
            scene.reporter.refused(Self.refusal, .build(9), isProved: true)
            await until { scene.count(.tokenRefused, .unknownPod) == 1 }
            #expect(scene.reporter.unansweredPods == 0 && scene.cluster.pods.count(.getClass) == 1)
            func told() -> [String] {
                scene.cluster.told.filter { $0.contains("it can't be checked whether Pods run unanswered") }
            }
            await until { !told().isEmpty }
            let lines = told()
            #expect(lines.count == 1 && lines[0].contains("get on secretproviderclasses"))
            scene.cluster.pods.heal()
            scene.cluster.pods.setClass("credentials", namespace: "binder", provider: "daypass")
            await until {
                scene.clock.advance(by: .seconds(60))
                return scene.reporter.unansweredPods == 3
            }
        }
    }
}
