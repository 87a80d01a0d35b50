// The key `cluster`.

import Testing

@testable import Policy

@Suite struct ClusterSettingsTests {
    private static let stores = "stores: { reg: { kind: fake-registry, host: r.example } }\n"

    private func settings(_ text: String) throws -> ClusterSettings {
        try NodeConfiguration.load(yaml: Self.stores + text, file: "f", kinds: fakeKinds).cluster
    }

    @Test(arguments: ["", "cluster:", "cluster: ~", "cluster: {}", "cluster: { events: auto }"])
    func eventsAreWrittenAndNoTaintIsRemovedUnlessToldOtherwise(_ text: String) throws {
        #expect(try settings(text) == ClusterSettings())
        #expect(ClusterSettings().events == .auto && ClusterSettings().startupTaint == nil)
    }

    @Test func bothAreRead() throws {
        let settings = try settings("cluster: { events: off, startupTaint: daypass/agent-not-ready }")
        #expect(settings.events == .off && settings.startupTaint == "daypass/agent-not-ready")
    }

    @Test(arguments: ["a", "not-ready", "example.com/not_ready.1", "x/y", "notkubernetes.io/x"])
    func keysOfTaints(_ key: String) throws {
        #expect(try settings("cluster: { startupTaint: \(key) }").startupTaint == key)
    }

    @Test(arguments: [
        ("cluster: on", "cluster: expected a mapping"), ("cluster: { event: off }", "did you mean \"events\"?"),
        ("cluster: { events: on }", "cluster.events: expected one of auto, off"),
        ("cluster: { events: [] }", "cluster.events: expected"),
        ("cluster: { startupTaint: a/b/c }", "cluster.startupTaint: it is no key of a taint"),
        ("cluster: { startupTaint: /x }", "it is no key of a taint"),
        ("cluster: { startupTaint: x/ }", "it is no key of a taint"),
        ("cluster: { startupTaint: x- }", "it is no key of a taint"),
        ("cluster: { startupTaint: Upper/x }", "it is no key of a taint"),
        ("cluster: { startupTaint: -a.b/x }", "it is no key of a taint"),
        ("cluster: { startupTaint: \"a=b:NoSchedule\" }", "it is no key of a taint"),
        ("cluster: { startupTaint: \"\" }", "cluster.startupTaint"),
        ("cluster: { startupTaint: node.kubernetes.io/not-ready }", "taints of kubernetes.io are the cluster's own"),
        ("cluster: { startupTaint: kubernetes.io/x }", "the cluster's own"),
        ("cluster: { startupTaint: a.k8s.io/x }", "taints of k8s.io are the cluster's own"),
    ])
    func whatIsWrongIsSaid(_ text: String, _ problem: String) {
        do throws(ConfigurationProblems) {
            _ = try NodeConfiguration.load(yaml: Self.stores + text, file: "f", kinds: fakeKinds)
            Issue.record("it was taken")
        } catch {
            #expect(error.description.contains(problem), "\(error)")
        }
    }
}
