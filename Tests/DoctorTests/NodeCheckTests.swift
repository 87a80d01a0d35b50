// The checks of a node, of the configuration and of the sources, over facts that are spoiled one by one.

import Foundation
import Policy
import StrictYAML
import Testing

@testable import Doctor

/// Spoiled facts, and what their check must say.
struct BadFacts: Sendable, CustomTestStringConvertible {
    let check: String
    let severity: Severity
    let texts: [String]
    let spoil: @Sendable (inout Facts) -> Void

    init(_ check: String, _ severity: Severity, _ texts: String..., spoil: @escaping @Sendable (inout Facts) -> Void) {
        self.check = check
        self.severity = severity
        self.texts = texts
        self.spoil = spoil
    }

    /// Spoils what is known of the node.
    static func node(
        _ check: String,
        _ severity: Severity,
        _ texts: String...,
        spoil: @escaping @Sendable (inout NodeFacts) -> Void
    ) -> Self {
        var one = Self(check, severity) { facts in
            guard case .known(var node) = facts.node else { return }
            spoil(&node)
            facts.node = .known(node)
        }
        one = Self(check, severity, texts, one.spoil)
        return one
    }

    /// Spoils what the daemon says.
    static func daemon(
        _ check: String,
        _ severity: Severity,
        _ texts: String...,
        spoil: @escaping @Sendable (inout DaemonFacts) -> Void
    ) -> Self {
        let one = node(check, severity) { node in
            guard case .known(var daemon) = node.daemon else { return }
            spoil(&daemon)
            node.daemon = .known(daemon)
        }
        return Self(check, severity, texts, one.spoil)
    }

    private init(
        _ check: String,
        _ severity: Severity,
        _ texts: [String],
        _ spoil: @escaping @Sendable (inout Facts) -> Void
    ) {
        self.check = check
        self.severity = severity
        self.texts = texts
        self.spoil = spoil
    }

    var testDescription: String { "\(check): \(texts.first ?? "")" }
}

struct NodeCheckTests {
    @Test("each spoiled fact is noticed, with its fix", arguments: Self.nodes + Self.others)
    func badFacts(_ bad: BadFacts) throws {
        var facts = try facts()
        bad.spoil(&facts)
        let worst = try #require(facts.findings(bad.check).first)
        let text = "\(worst.place): \(worst.message); \(worst.fix)"
        #expect(worst.severity == bad.severity, "\(text)")
        for expected in bad.texts { #expect(text.contains(expected), "\(text)") }
        if worst.severity.isProblem { #expect(!worst.fix.isEmpty) }
    }

    @Test("what is not known skips its checks, and says why")
    func unknown() {
        let facts = Facts(place: .files)
        let findings = Checks.run(on: facts)
        #expect(findings.filter { $0.severity != .skipped } == [])
        #expect(findings.allSatisfy { !$0.message.isEmpty })
    }

    static let nodes: [BadFacts] = [
        .node("node-socket", .error, "provider not found") { $0.socketFile = nil },
        .node("node-socket", .error, "no socket") { $0.socketFile?.kind = .file },
        .node("node-socket", .error, "nobody answers: refused") { $0.socketAnswer = .failed("refused") },
        .node("node-socket", .error, "\"vault\" answers") { $0.socketAnswer = .provider(name: "vault", version: "1") },
        .node("node-socket", .error, "mode 0666", "chmod 0600 /var/run/secrets-store-csi-providers/daypass.sock") {
            $0.socketFile?.mode = 0o666
        },
        .node(
            "node-older-socket",
            .error,
            "nobody answers there",
            "rm /etc/kubernetes/secrets-store-csi-providers/daypass.sock"
        ) {
            $0.olderSocketFile = .known(.init(kind: .socket, mode: 0o600, owner: 0))
            $0.olderSocketAnswer = .failed("refused")
        },
        .node("node-older-socket", .error, "daypass 0.1.0 answers there", "user 1000") {
            $0.olderSocketFile = .known(.init(kind: .socket, mode: 0o600, owner: 1000))
            $0.olderSocketAnswer = .provider(name: "daypass", version: "0.1.0")
        },
        .node("node-older-socket", .skipped, "not mounted here") {
            $0.olderSocketFile = .unknown(Skip("not mounted here"))
        },
        .node("node-older-socket", .ok) {
            $0.olderSocketFile = .known(.init(kind: .socket, mode: 0o600, owner: 0))
            $0.socketPath = $0.olderSocketPath
        },
        .node("node-admin-socket", .error, "no daemon answers", "be root") {
            $0.daemon = .unknown(Skip("no daemon answers", fix: "be root"))
        },
        .node("node-admin-socket", .error, "mode 0660") { $0.adminSocketFile?.mode = 0o660 },
        .node("node-journal", .warning, "no journal") { $0.journalFile = nil },
        .node("node-journal", .error, "on ext4", "leases.journal") { $0.journalFileSystem = "ext4" },
        .node("node-journal", .error, "mode 0644") { $0.journalFile?.mode = 0o644 },
        .node("node-journal", .error, "others may write", "chmod 0700 /run/daypass") { $0.journalFolder?.mode = 0o777 },
        .daemon("node-journal", .error, "can't write it") { $0.isJournalCurrent = false },
        .daemon("node-detectors", .warning, "pod watch: forbidden", "ClusterRole") {
            $0.detectors = [.init(name: "pod watch", isWatching: false, note: "forbidden")]
        },
        .daemon("node-detectors", .warning, "tokens live to their own end") { $0.detectors = [] },
        .daemon("node-detectors", .ok, "not by: target paths") {
            $0.detectors.append(.init(name: "target paths", isWatching: false, note: "not visible"))
        },
        .daemon("node-revocations", .error, "2 revocations were given up: GitHub failed", "daypass revoke --store") {
            $0.revoking = 2
            $0.givenUp = 2
            $0.failures = ["GitHub failed"]
        },
        .daemon("node-revocations", .warning, "3 tokens wait to be revoked, the oldest for 600 s") {
            $0.revoking = 3
            $0.oldestDebtSeconds = 600
        },
        .daemon("node-revocations", .ok) {
            $0.revoking = 3
            $0.oldestDebtSeconds = 5
        },
        .daemon("node-revocations", .ok, "1 tokens may have been minted") { $0.lost = 1 },
        .daemon("node-configuration", .warning, "runs the configuration 0000deadbeef") {
            $0.configuration = "0000deadbeef"
        },
        .daemon("node-version", .warning, "the daemon is 0.9.0", "rollout status") { $0.version = "0.9.0" },
        .daemon(
            "pod-unanswered",
            .warning,
            "holds no lease any more, or never did; look at its events first",
            "kubectl describe pod build-1 -n binder; only if an event says VolumeUnanswered"
        ) { $0.volumes = [] },
        .daemon("pod-unanswered", .warning, "volume credentials") {
            $0.volumes = [.init(podUID: "5f2b1a52-0000-4f5e-9d6e-000000000001", name: "other")]
        },
        .node("pod-unanswered", .ok) {
            $0.nodeName = "node-2"
            if case .known(var daemon) = $0.daemon {
                daemon.volumes = []
                $0.daemon = .known(daemon)
            }
        },
    ]

    static let others: [BadFacts] = [
        BadFacts("configuration-keys", .error, "github.pem can't be read") { facts in
            facts.change { $0.fileProblems = [problem(.error, "/etc/daypass/keys/github.pem can't be read")] }
        },
        BadFacts("configuration-keys", .warning, "readable by others") { facts in
            facts.change { $0.fileProblems = [problem(.warning, "readable by others")] }
        },
        BadFacts("configuration-keys", .skipped, "on the node") { facts in facts.change { $0.fileProblems = nil } },
        BadFacts("configuration", .error, "node.yaml:3:1", "unknown key") { facts in
            facts.change {
                $0.problems = [problem(.error, "unknown key")]
                $0.node = nil
            }
        },
        BadFacts("pod-grant", .skipped, "has errors", "daypass check") { facts in facts.change { $0.node = nil } },
        BadFacts("class-parameters", .error, "secretproviderclass binder/build-credentials", "no store \"gitlab\"") {
            $0.classProblems["binder/build-credentials"] = [
                ClassProblem(isError: true, message: "no store \"gitlab\"", fix: "")
            ]
        },
        BadFacts("class-parameters", .warning, "nothing uses this parameter") {
            let problem = ClassProblem(isError: false, message: "nothing uses this parameter", fix: "remove it")
            $0.classProblems["binder/build-credentials"] = [problem]
        },
        BadFacts(
            "source-reachable",
            .error,
            "store github (https://api.github.com)",
            "the name has no address",
            "check DNS"
        ) { facts in
            facts.changeSource { $0.outcome = .failed("the name has no address; check DNS") }
        },
        BadFacts("source-reachable", .skipped, "by a program") { facts in
            facts.changeSource { $0.outcome = .skipped("it is reached by a program") }
        },
        BadFacts("source-app", .error, "is not installed on our-org", "install the App") { facts in
            facts.changeSource {
                $0.app = AppFacts(complaints: [.init(message: "is not installed on our-org", fix: "install the App")])
            }
        },
        BadFacts("source-app", .skipped, "source-reachable says why") { facts in facts.changeSource { $0.app = nil } },
        BadFacts("source-app", .ok, "no store of kind github-app") { $0.sources = .known([]) },
        BadFacts("clock", .error, "45 s ahead of that of the API server", "chronyc") {
            $0.clocks = .known([ClockFacts(whose: "the API server", aheadBySeconds: 45, isAPIServer: true)])
        },
        BadFacts("clock", .warning, "45 s behind that of https://api.github.com") {
            $0.clocks = .known([ClockFacts(whose: "https://api.github.com", aheadBySeconds: -45, isAPIServer: false)])
        },
        BadFacts("clock", .error, "3600 s behind") {
            $0.clocks = .known([ClockFacts(whose: "https://api.github.com", aheadBySeconds: -3600, isAPIServer: false)])
        },
        BadFacts("clock", .ok) {
            $0.clocks = .known([ClockFacts(whose: "the API server", aheadBySeconds: -30, isAPIServer: true)])
        },
    ]

    private static func problem(_ severity: ConfigurationProblem.Severity, _ message: String) -> ConfigurationProblem {
        let place = YAMLProblem(
            file: "node.yaml",
            line: 3,
            column: 1,
            path: "stores.github",
            message: message,
            fix: "mend it"
        )
        return ConfigurationProblem(severity, place)
    }
}

extension Facts {
    fileprivate mutating func change(_ body: (inout ConfigurationFacts) -> Void) {
        guard case .known(var known) = configuration else { return }
        body(&known)
        configuration = .known(known)
    }

    fileprivate mutating func changeSource(_ body: (inout SourceFacts) -> Void) {
        guard case .known(var known) = sources, !known.isEmpty else { return }
        body(&known[0])
        sources = .known(known)
    }
}
