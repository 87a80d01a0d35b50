// A real daemon whose configuration changes while it serves.

import Daemon
import DriverCall
import Foundation
import LoopbackCluster
import LoopbackForge
import Support
import Testing
import TokenStore

@Suite(.serialized) struct ReloadTests {
    private static func text(_ node: Node) throws -> String {
        try String(contentsOfFile: node.path("node.yaml"), encoding: .utf8)
    }

    private static func reload(_ node: Node) async throws -> ReloadReport {
        try await AdminClient(socketPath: node.adminSocket).reload()
    }

    /// Configurations, keys and key sets change all the time, and some of them are broken: no Mount fails, the answers
    /// stay the same, and no token is minted for it. Afterwards nothing of the former configurations is left.
    @Test func reloadsUnderLoadLoseNoMount() async throws {
        try await withNode { node in
            let daemon = try await node.startDaemon()
            let good = try Self.text(node)
            let first = try await node.mount(try node.attributes(for: .build(1)))
            #expect(first.line == "OK")
            let before = (threads: daemon.count(of: "task"), files: daemon.count(of: "fd"))
            let isOver = Box(false)
            let answers = Box<[String: Int]>([:])
            try await withThrowingTaskGroup(of: Void.self) { group in
                for build in 1...3 {
                    group.addTask {
                        let attributes = try node.attributes(for: .build(build))
                        var files: [String: String]?
                        while !isOver.get() {
                            let answer = try await node.mount(attributes)
                            let isSame = answer.files == files ?? answer.files
                            files = answer.files
                            answers.update { $0[isSame ? answer.line : "other files", default: 0] += 1 }
                        }
                    }
                }
                try await Self.changeEverything(node, good)
                isOver.set(true)
                try await group.waitForAll()
            }
            #expect(answers.get().keys.sorted() == ["OK"], "\(answers.get())")
            #expect(answers.get()["OK"] ?? 0 > 60, "\(answers.get())")
            #expect(node.forge.tokens.count == 3)
            // Connections of the load come and go.
            await until { daemon.count(of: "task") <= before.threads && daemon.count(of: "fd") <= before.files + 2 }
            #expect(daemon.count(of: "task") <= before.threads && daemon.count(of: "fd") <= before.files + 2)
            #expect(await daemon.stop() == 0, "\(daemon.log)")
            #expect(node.leaks().leaked == [])
        }
    }

    /// A hundred reloads, each with what a reload may bring.
    private static func changeEverything(_ node: Node, _ good: String) async throws {
        let grant =
            "grants:\n  - name: more\n    to: { namespace: b, serviceAccount: s }\n    store: github\n"
            + "    allow: { repositories: [\"our-org/*\"], permissions: { contents: read } }\n"
        let changes: [(text: String, outcome: ReloadStatus.Outcome)] = [
            (good + "http: { connectTimeout: 4s }\n", .applied), (good + "no: 1\n", .refused), (good, .applied),
            ("", .refused), (good.replacing("grants:\n", with: grant), .applied),
            (
                good.replacing("audience", with: "x").replacing("leeway", with: "x") + "http: { caFile: /no }\n",
                .refused
            ),
            (good.replacing("jwks:", with: "leeway: 20s\n  jwks:"), .applied),
            (good.replacing("github:\n", with: "github:\n    limits: { rate: 9 }\n"), .applied),
            (good.replacing("kind: github-app", with: "kind: github-app\n    lifetime: 1h"), .refused),
            (good.replacing("mountDeadline: 110s", with: "mountDeadline: 90s"), .applied),
        ]
        let key = node.forge.privateKeyPEM
        for round in 0..<10 {
            try node.write(key + String(repeating: "\n", count: round + 1), to: "app.pem", mode: 0o400)
            for (text, outcome) in changes {
                try node.write(text, to: "node.yaml")
                let report = try await reload(node)
                // It may have been looked at a moment ago.
                let isAsExpected = (report.outcome == .refused) == (outcome == .refused)
                #expect(isAsExpected, "\(text) \(report)")
            }
            if round % 3 == 0 { try node.issuer.writeJWKS(to: node.path("jwks.json")) }
        }
        try node.write(good, to: "node.yaml")
        let last = try await reload(node)
        #expect(last.status.isCurrent && last.status.refused >= 40 && last.status.applied >= 60)
    }

    /// A store that is gone from the configuration still ends what it minted, when the build does.
    @Test func aStoreThatIsGoneEndsItsTokens() async throws {
        try await Life.with { life in
            let node = life.node
            _ = try await life.mount(1)
            _ = try await life.mount(2)
            let good = try Self.text(node)
            try node.write(
                good.replacing("github:", with: "forge:").replacing("store: github", with: "store: forge"),
                to: "node.yaml"
            )
            let report = try await Self.reload(node)
            #expect(report.changes.contains("store github removed") && report.changes.contains("store forge added"))
            let refused = try await life.tryToMount(2)
            #expect(refused.line.contains("StoreUnknown"), "\(refused.line)")
            #expect(life.liveTokens(1).count == 1 && life.liveTokens(2).count == 1)
            try life.end(1)
            try await life.waitUntilLive(1, 0)
            #expect(life.liveTokens(2).count == 1)
            try life.end(2)
            try await life.waitUntilLive(2, 0)
            #expect(await life.daemon.stop() == 0)
        }
    }

    /// What a grant takes away is gone with the next Mount: the Pod gets the narrower token, and the wide one ends after
    /// the grace period. Without any grant the Mount is refused, and what the build has is left to it.
    @Test func aNarrowerPolicyCountsFromTheNextMount() async throws {
        try await withNode { node in
            let narrow = try Self.text(node).replacing("leases:\n", with: "leases:\n  grace: 0s\n")
            let wide = narrow.replacing("permissions: { contents: read }", with: "permissions: { contents: write }")
            try node.write(wide, to: "node.yaml")
            let daemon = try await node.startDaemon()
            let tokens = "- { name: source, store: github, repository: our-org/app, permissions: { contents: write } }"
            let attributes = try node.attributes(for: .build(1), volumeAttributes: ["tokens": tokens])
            let first = try await node.mount(attributes)
            #expect(first.line == "OK" && node.forge.tokens.map { $0.permissions["contents"] } == ["write"])
            try node.write(narrow, to: "node.yaml")
            #expect(await daemon.waitForLog("configuration applied", "grant binder-clone changed"))
            let second = try await node.mount(attributes)
            #expect(second.line == "OK" && second.files != first.files)
            #expect(node.forge.tokens.map { $0.permissions["contents"] } == ["write", "read"])
            await until { node.forge.liveTokens.count == 1 }
            #expect(node.forge.liveTokens.map { $0.permissions["contents"] } == ["read"])
            try node.write(narrow.replacing("namespace: binder", with: "namespace: elsewhere"), to: "node.yaml")
            let report = try await Self.reload(node)
            #expect(report.outcome == .applied)
            let refused = try await node.mount(attributes)
            #expect(refused.line.hasPrefix("PERMISSION_DENIED: NotGranted"), "\(refused.line)")
            #expect(node.forge.liveTokens.count == 1)
            try node.write(narrow, to: "node.yaml")
            _ = try await Self.reload(node)
            let again = try await node.mount(attributes)
            #expect(again.files == second.files && node.forge.tokens.count == 2)
            await daemon.stop()
        }
    }

    /// SIGHUP reads the files at once, and ends nobody: not a daemon that stands by either.
    @Test func hangupsReload() async throws {
        try await withNode { node in
            let first = try await node.startDaemon()
            let second = try node.launchDaemon()
            #expect(await second.waitForLog("another daemon"))
            second.hangUp()
            first.hangUp()
            var status = try await Self.reload(node).status
            let end = ContinuousClock.now + .seconds(60)
            var asked = 1
            while status.unchanged < asked + 1, ContinuousClock.now < end {
                status = try await Self.reload(node).status
                asked += 1
            }
            #expect(status.unchanged == asked + 1)
            #expect(await first.stop() == 0)
            try await node.waitUntilServing(second)
            try node.write(try Self.text(node) + "http: { connectTimeout: 9s }\n", to: "node.yaml")
            second.hangUp()
            #expect(await second.waitForLog("configuration applied", "http.connectTimeout changed"))
            #expect(await second.stop() == 0)
        }
    }

    @Test func theCommandTellsWhatCameOfIt() async throws {
        try await withNode { node in
            let arguments = ["reload", "--admin-socket", node.adminSocket]
            let nobody = try await node.daypass(arguments)
            #expect(nobody.code == 2 && nobody.output.isEmpty)
            let daemon = try await node.startDaemon()
            let same = try await node.daypass(arguments)
            #expect(same.code == 0 && same.output.hasPrefix("unchanged: configuration "), "\(same.text)")
            let good = try Self.text(node)
            let digest = try await AdminClient(socketPath: node.adminSocket).leases().configuration
            #expect(same.output == "unchanged: configuration \(digest) is in force\n")
            try node.write(good + "serverr: {}\n", to: "node.yaml")
            let refused = try await node.daypass(arguments)
            #expect(refused.code == 1 && refused.output.contains("unknown key \"serverr\""), "\(refused.text)")
            #expect(refused.output.hasPrefix("refused: configuration \(digest) stays in force\n"))
            try node.write(good.replacing("pathDelay: 200ms", with: "pathDelay: 300ms"), to: "node.yaml")
            let applied = try await node.daypass(arguments)
            #expect(applied.code == 0, "\(applied.text)")
            let now = try await AdminClient(socketPath: node.adminSocket).leases().configuration
            #expect(now != digest)
            #expect(
                applied.output == """
                    applied: configuration \(now) is in force
                      builds.pathDelay changed
                    after a restart only: builds.pathDelay

                    """
            )
            let json = try await node.daypass(arguments + ["--json"])
            let report = try JSONDecoder().decode(ReloadReport.self, from: Data(json.output.utf8))
            #expect(report.status.digest == now && report.status.pendingRestart == ["builds.pathDelay"])
            await daemon.stop()
        }
    }
}
