// What Daypass's own token shows of the cluster, asked of a scripted API server.

import Foundation
import Testing
import TokenStore
import TokenStoreTesting

@testable import Doctor

struct NodeObjectsTests {
    private static func json(_ text: String) throws -> String {
        let objects = try KubeObject.read(Array(text.utf8))
        let tree = ObjectTree.map([
            "apiVersion": .text("v1"), "kind": .text("PodList"), "items": .list(objects.map(\.tree)),
        ])
        return String(
            decoding: try JSONEncoder().encode(objects.count == 1 && objects[0].kind != "Pod" ? objects[0].tree : tree),
            as: UTF8.self
        )
    }

    private static func gather(_ http: ScriptedTransport) async -> Facts {
        var facts = Facts(place: .node)
        let clock = ManualClock(now: UTCInstant(rfc3339: "2026-11-24T02:00:00Z") ?? UTCInstant(epochSeconds: 0))
        await NodeObjects(server: "https://api", token: Secret(utf8: "own"), http: http, clock: clock)
            .gather(node: "node-1", into: &facts)
        return facts
    }

    private static let date = [HTTPField("Date", "Tue, 24 Nov 2026 01:58:00 GMT")]

    @Test("Pods of the node and their classes are known, and so is the API server's clock")
    func known() async throws {
        let http = ScriptedTransport()
        http.then(200, headers: Self.date, json: try Self.json(World().pod))
        http.then(200, json: try Self.json(World().secretClass))
        let facts = await Self.gather(http)
        #expect(try facts.objects.pods.get().map(\.name) == ["build-1"])
        #expect(try facts.objects.classes.get().map(\.key) == ["binder/build-credentials"])
        #expect(facts.clocks.value == [ClockFacts(whose: "the API server", aheadBySeconds: 120, isAPIServer: true)])
        #expect(facts.findings("clock").first?.message.contains("the tokens of Pods are refused") == true)
        #expect(
            http.calls.map(\.url) == [
                "https://api/api/v1/pods?fieldSelector=spec.nodeName%3Dnode-1&resourceVersion=0",
                "https://api/apis/secrets-store.csi.x-k8s.io/v1/namespaces/binder/secretproviderclasses/build-credentials",
            ]
        )
        #expect(http.calls.allSatisfy { $0.method == "GET" && $0.authorization == Secret(utf8: "Bearer own") })
        #expect(facts.findings("pod-read-only").first?.severity == .ok)
        #expect(facts.findings("driver-installed").first?.severity == .skipped)
    }

    @Test("a right that is missing is named", arguments: [401, 403])
    func forbidden(_ status: Int) async throws {
        let http = ScriptedTransport()
        http.then(200, headers: Self.date, json: try Self.json(World().pod))
        http.then(status, json: "{}")
        let facts = await Self.gather(http)
        let finding = try #require(facts.findings("class-provider").first)
        #expect(finding.severity == .skipped && finding.fix.contains("the verb get on secretproviderclasses"))
        let nothing = ScriptedTransport()
        nothing.then(status, json: "{}")
        #expect(
            await Self.gather(nothing).findings("pod-read-only").first?.fix.contains("the verb list on pods") == true
        )
    }

    @Test("a class that is not there, and names that are none, end nothing")
    func oddNames() async throws {
        var world = World()
        try world.pod.change(
            "secretProviderClass: build-credentials",
            "secretProviderClass: \"../../../api/v1/secrets\""
        )
        let http = ScriptedTransport()
        http.then(200, json: try Self.json(world.pod))
        _ = await Self.gather(http)
        #expect(http.calls.count == 1)
        let missing = ScriptedTransport()
        missing.then(200, json: try Self.json(World().pod))
        missing.then(404, json: "{}")
        let facts = await Self.gather(missing)
        #expect(facts.findings("pod-class").first?.severity == .error)
    }

    @Test("an API server that is silent or talks nonsense skips the checks")
    func silent() async throws {
        #expect(await Self.gather(ScriptedTransport()).findings("pod-grant").first?.severity == .skipped)
        let nonsense = ScriptedTransport()
        nonsense.then(200, json: "<html>")
        #expect(await Self.gather(nonsense).findings("pod-class").first?.message.contains("can't be read") == true)
    }
}
