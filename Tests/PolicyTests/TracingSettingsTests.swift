// The key `tracing` of the node's configuration.

import Policy
import Testing

@Suite struct TracingSettingsTests {
    private static let stores =
        "stores: { hub: { kind: fake-forge, url: https://github.com, privateKey: { file: /k } } }\n"

    private func load(_ tracing: String) throws(ConfigurationProblems) -> TracingSettings? {
        try NodeConfiguration.load(yaml: Self.stores + tracing, file: "node.yaml", kinds: fakeKinds).tracing
    }

    @Test func isReadWithItsDefaults() throws {
        for none in ["", "tracing:"] {
            let settings = try load(none)
            #expect(settings == nil)
        }
        let plain = try load("tracing: { endpoint: \"http://collector:4318/v1/traces\" }")
        #expect(plain?.endpoint == "http://collector:4318/v1/traces" && plain?.sampleRatio == 0.1)
        for (text, ratio) in [("0", 0), ("1", 1), ("0.5", 0.5)] {
            let set = try load("tracing: { endpoint: \"https://[::1]:4318/x\", sampleRatio: \(text) }")
            #expect(set?.sampleRatio == ratio)
        }
    }

    @Test(arguments: [
        ("{}", "the key \"endpoint\" is missing"), ("{ sampleRatio: 1 }", "the key \"endpoint\" is missing"),
        ("http://c/x", "expected a mapping"),
        ("{ endpoint: \"http://c/x\", sampleRatio: 2 }", "sampleRatio"),
        ("{ endpoint: \"http://c/x\", sampleRatio: -0.1 }", "sampleRatio"),
        ("{ endpoint: \"http://c/x\", sampleRatio: all }", "sampleRatio"),
        ("{ endpoint: \"http://c/x\", sample: 1 }", "unknown key \"sample\""),
        ("{ endpoint: c:4318 }", "no URL of a collector"), ("{ endpoint: \"http://c:4318\" }", "no URL of a collector"),
        ("{ endpoint: \"http://c:4318/\" }", "no URL of a collector"), ("{ endpoint: \"http:///x\" }", "no URL"),
        ("{ endpoint: \"grpc://c:4317/x\" }", "no URL of a collector"),
        ("{ endpoint: \"http://c/x?key=hunter2\" }", "no URL of a collector"),
        ("{ endpoint: \"http://u:hunter2@c/x\" }", "no place for secrets"),
    ])
    func isRefused(tracing: String, text: String) {
        do throws(ConfigurationProblems) {
            _ = try load("tracing: \(tracing)")
            Issue.record("it is taken")
        } catch {
            let problems = error.problems.map { "\($0)" }.joined(separator: "\n")
            #expect(problems.contains(text) && problems.contains("tracing"), "\(problems)")
            #expect(!problems.contains("hunter2"))
        }
    }
}
