// Events at an API server that takes only what the real one takes.

import BuildEnds
import HTTPTransfer
import KubernetesAPI
import Leases
import LoopbackCluster
import Support
import Testing
import TokenStore
import TokenStoreTesting

@testable import ClusterEvents

@Suite struct PodEventWriterTests {
    private func warning(
        _ number: Int = 1,
        _ reason: PodEventReason = .tokenRefused,
        _ note: String = "NotGranted: no"
    ) -> PodWarning {
        PodWarning(
            podUID: Subject.build(number).podUID,
            pod: PodName(namespace: "binder", name: "build-\(number)"),
            reason: reason,
            note: note
        )
    }

    /// Runs a writer whose clock the test moves.
    private func run(_ body: (ClusterScene, PodEventWriter, ManualClock) async throws -> Void) async throws {
        try await ClusterScene.run { scene in
            let clock = ManualClock()
            let writer = PodEventWriter(
                book: PodEventBook(),
                clock: .manual(clock),
                random: { 0 },
                logger: scene.log.logger
            )
            try await with({ await writer.run(scene.client, instance: "node-1") }) {
                try await body(scene, writer, clock)
            }
        }
    }

    private func count(_ writer: PodEventWriter, _ outcome: PodEventOutcome) -> Int {
        writer.counts.filter { $0.outcome == outcome }.reduce(0) { $0 + $1.count }
    }

    @Test func anEventIsMadeAndCountedUp() async throws {
        try await run { scene, writer, clock in
            writer.write(warning())
            await until { scene.pods.events.count == 1 }
            for _ in 0..<4 { writer.write(warning()) }
            await until { count(writer, .written) == 1 }
            // The writer may not wait yet: time goes on until it has written.
            await until {
                clock.advance(by: .seconds(1))
                return count(writer, .written) == 5
            }
            let event = try #require(scene.pods.events.first)
            #expect(scene.pods.events.count == 1 && event.count == 5)
            #expect(event.namespace == "binder" && event.reason == "TokenRefused" && event.note == "NotGranted: no")
            #expect(event.object["reportingInstance"]?.string == "node-1")
            #expect(scene.pods.count(.createEvent) == 1 && scene.pods.count(.patchEvent) == 1)
            #expect(scene.told.isEmpty)
        }
    }

    /// The longest texts and names are taken.
    @Test func whatIsLongIsTaken() async throws {
        try await run { scene, writer, _ in
            let name = String(repeating: "a", count: 253)
            writer.write(
                PodWarning(
                    podUID: "u",
                    pod: PodName(namespace: "binder", name: name),
                    reason: .tokenRefreshFailed,
                    note: String(repeating: "long ", count: 1000)
                )
            )
            await until { count(writer, .written) == 1 }
            #expect(scene.pods.events.first?.note.count == 1024)
        }
    }

    @Test func anEventThatTheServerForgotIsMadeAnew() async throws {
        try await run { scene, writer, clock in
            writer.write(warning())
            await until { count(writer, .written) == 1 }
            scene.pods.forgetEvents()
            writer.write(warning())
            await until {
                clock.advance(by: .seconds(1))
                return count(writer, .written) == 2
            }
            #expect(scene.pods.count(.patchEvent) == 1 && scene.pods.events.map(\.count) == [1])
        }
    }

    /// The role lacks the verb: said once, and left alone for an hour.
    @Test func withoutARoleItIsSaidOnceAndNotTriedAgain() async throws {
        try await run { scene, writer, clock in
            scene.pods.fail(.createEvent, .status(403))
            for number in 1...3 { writer.write(warning(number)) }
            await until { count(writer, .forbidden) == 3 }
            clock.advance(by: .seconds(3500))
            for number in 1...3 { writer.write(warning(number)) }
            await until { count(writer, .forbidden) == 6 }
            #expect(scene.pods.count(.createEvent) == 1)
            #expect(scene.told.count == 1)
            #expect(scene.told.first?.contains("create and patch on events (events.k8s.io)") == true, "\(scene.told)")
            clock.advance(by: .seconds(200))
            writer.write(warning(1))
            await until { count(writer, .forbidden) == 7 }
            #expect(scene.pods.count(.createEvent) == 2 && scene.told.count == 1)
            scene.pods.heal()
            clock.advance(by: .seconds(3700))
            writer.write(warning(1))
            await until { scene.told.count == 2 }
            #expect(scene.pods.events.count == 1 && scene.told.last?.contains("written again") == true)
        }
    }

    /// A tenant's quota says nothing about the role, nor about other namespaces.
    @Test func aQuotaMutesItsNamespaceOnly() async throws {
        try await run { scene, writer, _ in
            scene.pods.fail(.createEvent, .exceedsQuota, times: 1)
            writer.write(warning(1))
            await until { count(writer, .forbidden) == 1 && scene.told.count == 1 }
            #expect(scene.told[0].contains("exceeded quota") && scene.told[0].contains("ResourceQuota"))
            #expect(!scene.told[0].contains("ClusterRole"))
            writer.write(warning(2))
            await until { count(writer, .forbidden) == 2 }
            var other = warning(3)
            other.pod = PodName(namespace: "other", name: other.pod.name)
            writer.write(other)
            await until { count(writer, .written) == 1 }
            #expect(scene.pods.count(.createEvent) == 2 && scene.told.count == 1)
        }
    }

    @Test func aServerThatIsBusyIsLeftAloneAsLongAsItSays() async throws {
        try await run { scene, writer, clock in
            scene.pods.fail(.createEvent, .status(429, retryAfter: 30), times: 1)
            writer.write(warning())
            await until { scene.pods.count(.createEvent) == 1 && scene.told.count == 1 }
            writer.write(warning())
            clock.advance(by: .seconds(29))
            writer.write(warning())
            #expect(scene.pods.count(.createEvent) == 1)
            await until {
                clock.advance(by: .seconds(1))
                return count(writer, .written) == 3
            }
            #expect(scene.pods.events.map(\.count) == [3])
        }
    }

    @Test(arguments: [PodFault.drops, .status(500), .status(503, retryAfter: 1), .losesAnswer])
    func whatFailsIsTriedAgainAndMadeOnce(_ fault: PodFault) async throws {
        try await run { scene, writer, clock in
            scene.pods.fail(.createEvent, fault, times: 2)
            writer.write(warning())
            await until {
                clock.advance(by: .seconds(1))
                return count(writer, .written) == 1
            }
            #expect(scene.pods.events.count == 1)
        }
    }

    @Test func aNamespaceThatIsGoneOrGoesIsNoFailure() async throws {
        try await run { scene, writer, _ in
            scene.pods.fail(.createEvent, .terminatesNamespace, times: 1)
            writer.write(warning(1))
            await until { count(writer, .gone) == 1 }
            scene.pods.removeNamespace("binder")
            writer.write(warning(2))
            await until { count(writer, .gone) == 2 }
            #expect(scene.told.isEmpty && scene.pods.events.isEmpty)
        }
    }

    @Test func whatTheServerRejectsIsSaidAndDropped() async throws {
        try await run { scene, writer, _ in
            scene.pods.fail(.createEvent, .status(400), times: 1)
            writer.write(warning(1))
            writer.write(warning(2))
            await until { count(writer, .failed) == 1 && count(writer, .written) == 1 }
            #expect(scene.told.first?.contains("answers 400") == true)
        }
    }

    /// The counterpart refuses what the real server refuses; else these tests would prove little.
    @Test(arguments: [
        ("{}", 400), ("nonsense", 400), (#"{"kind":"Event","apiVersion":"v1"}"#, 400),
        (#"{"kind":"Event","apiVersion":"events.k8s.io/v1","metadata":{"name":"a"}}"#, 422),
    ])
    func theCounterpartIsStrict(_ body: String, _ status: Int) async throws {
        try await ClusterScene.run { scene in
            let answer = try await post(scene, body)
            #expect(answer == status)
        }
    }

    @Test(arguments: [
        ("2026-01-02T03:04:05.000042Z", #""eventTime":"2026-01-02T03:04:05Z""#, "eventTime"),
        ("2026-01-02T03:04:05.000042Z", #""eventTime":"2026-01-02T03:04:05.0000421Z""#, "eventTime"),
        ("x", #""action":"""#, "action"), ("x", #""type":"Error""#, "type"), ("x", #""reason":"""#, "reason"),
        ("x", #""reportingController":"""#, "reportingController"),
        ("x", #""reportingInstance":"""#, "reportingInstance"),
        ("x", #""note":"\#(String(repeating: "n", count: 1025))""#, "note"),
        ("x", #""regarding":{"namespace":"other"}"#, "regarding"),
        ("x", #""series":{"count":1,"lastObservedTime":"2026-01-02T03:04:05.000042Z"}"#, "series"),
        ("x", #""metadata":{"name":"Upper"}"#, "metadata"), ("x", #""deprecatedCount":1"#, "deprecatedCount"),
    ])
    func theCounterpartChecksEachField(_ time: String, _ wrong: String, _ field: String) async throws {
        var fields = [
            "apiVersion": #""events.k8s.io/v1""#, "kind": #""Event""#, "metadata": #"{"name":"a"}"#,
            "eventTime": #""2026-01-02T03:04:05.000042Z""#, "reportingController": #""daypass""#,
            "reportingInstance": #""n""#, "action": #""Mount""#, "reason": #""R""#, "type": #""Warning""#,
            "note": #""n""#, "regarding": #"{"namespace":"binder","kind":"Pod","name":"p"}"#,
        ]
        func body() -> String { "{" + fields.map { "\"\($0.key)\":\($0.value)" }.joined(separator: ",") + "}" }
        try await ClusterScene.run { scene in
            let right = try await post(scene, body())
            #expect(right == 201)
            let again = try await post(scene, body())
            #expect(again == 409)
            fields["metadata"] = #"{"name":"b"}"#
            fields[field] = String(wrong.drop { $0 != ":" }.dropFirst())
            let answer = try await post(scene, body())
            #expect(answer == 422, "\(wrong)")
        }
    }

    private func post(_ scene: ClusterScene, _ body: String) async throws -> Int {
        let call = try scene.client.call(
            "POST",
            "/apis/events.k8s.io/v1/namespaces/binder/events",
            body: .init("application/json", Array(body.utf8)),
            timeout: .seconds(20),
            bodyLimit: 1 << 20
        )
        return try await scene.client.send(call, "post").status
    }
}
