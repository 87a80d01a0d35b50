// The admin endpoints of a real daemon, asked with curl as probes and people do.

import Foundation
import Glibc
import LoopbackForge
import Support
import Testing
import TokenStore

@Suite struct AdminEndpointTests {
    /// A node whose configuration has the endpoints; `change` sees its text.
    private func withAdminNode(
        listen: String = "127.0.0.1:0",
        _ change: (Node, String) -> String = { $1 },
        _ body: (Node) async throws -> Void
    ) async throws {
        try await withNode { node in
            let text = try String(contentsOfFile: node.path("node.yaml"), encoding: .utf8)
            let server = "server:\n  adminHTTP: { listen: \"\(listen)\" }\n"
            try node.write(change(node, text.replacing("server:\n", with: server)), to: "node.yaml")
            try await body(node)
        }
    }

    /// Where a daemon listens, from its log.
    private func address(_ daemon: DaemonProcess) async throws -> String {
        #expect(await daemon.waitForLog("admin endpoints"), "\(daemon.log)")
        return String(try #require(daemon.log.firstMatch(of: #/"listen":"([^"]+)"/#)).1)
    }

    /// `STATUS BODY` of an endpoint.
    private func get(_ url: String, _ more: String...) async throws -> String {
        let arguments = ["-sS", "-g", "--max-time", "30", "--noproxy", "*", "-w", "\n%{http_code}"] + more + [url]
        let outcome = try await runProgram("curl", arguments)
        let lines = outcome.output.split(separator: "\n", omittingEmptySubsequences: false)
        return "\(lines.last ?? "") \(lines.dropLast().joined(separator: "\n"))"
    }

    /// Asks until the answer begins with a text, or for long enough.
    private func get(_ url: String, until start: String) async throws -> String {
        let end = ContinuousClock.now + .seconds(60)
        while true {
            let answer = try await get(url)
            if answer.hasPrefix(start) || ContinuousClock.now > end { return answer }
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    @Test func aNodeThatServesIsLiveAndReady() async throws {
        try await withAdminNode { node in
            let daemon = try await node.startDaemon()
            let url = "http://\(try await address(daemon))"
            let live = try await get("\(url)/livez")
            #expect(live == "200 ok\n")
            let ready = try await get("\(url)/readyz?verbose")
            #expect(ready.hasPrefix("200 [+]configuration ok: digest "), "\(ready)")
            #expect(ready.contains("[+]keys ok: ") && ready.contains("[+]stores ok: 1 store"), "\(ready)")

            // A build, and one that is refused for what it asks.
            let mounted = try await node.mount(try node.attributes(for: .build(1)))
            #expect(mounted.line == "OK")
            let hostile = Subject(
                namespace: "binder",
                serviceAccount: "builder",
                podName: "<b>&evil",
                podUID: Subject.build(2).podUID
            )
            let refused = try await node.mount(try node.attributes(for: hostile, repository: "elsewhere/app"))
            #expect(refused.line != "OK")
            let page = try await get("\(url)/status")
            #expect(page.hasPrefix("200 <!DOCTYPE html>"))
            #expect(
                page.contains("build-1") && page.contains("our-org/app contents:read")
                    && page.contains("&lt;b&gt;&amp;evil")
            )
            #expect(!page.contains("<b>"))
            let json = try await get("\(url)/status?format=json")
            let report = try JSONSerialization.jsonObject(with: Data(json.dropFirst(4).utf8)) as? [String: Any]
            let inside = try #require(report?["inside"] as? [String: Any])
            #expect((inside["leases"] as? [Any])?.count == 1 && (inside["refusals"] as? [Any])?.count == 1)

            // Nobody is shown a secret.
            node.heard(page + json + ready)
            let leaks = node.leaks()
            #expect(leaks.secrets > 0 && leaks.leaked.isEmpty)

            // A foreign name leads nowhere.
            let foreign = try await get("\(url)/status", "-H", "Host: evil.example")
            #expect(foreign.hasPrefix("421 "))
            #expect(await daemon.stop() == 0, "\(daemon.log)")
            let gone = try await get("\(url)/livez")
            #expect(gone.hasPrefix("000"))
        }
    }

    @Test func aSocketThatIsGoneEndsLife() async throws {
        try await withAdminNode { node in
            let daemon = try await node.startDaemon()
            let url = "http://\(try await address(daemon))"
            #expect(unlink(node.socket) == 0)
            let live = try await get("\(url)/livez", until: "503")
            #expect(live.hasPrefix("503 failed: the node's socket does not answer: there is no socket at "), "\(live)")
            let ready = try await get("\(url)/readyz")
            #expect(ready.contains("\n[-]socket failed: there is no socket at "), "\(ready)")
            await daemon.stop()
        }
    }

    /// A socket that takes connections and never answers, as one of a wedged daemon does.
    @Test func aSocketThatHangsEndsLife() async throws {
        try await withAdminNode { node in
            let daemon = try await node.startDaemon()
            let url = "http://\(try await address(daemon))"
            #expect(unlink(node.socket) == 0)
            let script =
                "import socket,sys,time\ns=socket.socket(socket.AF_UNIX)\ns.bind(sys.argv[1])\ns.listen(9)\ntime.sleep(600)"
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { _ = try await runProgram("python3", ["-c", script, node.socket]) }
                let live = try await get("\(url)/livez", until: "503 failed: the node's socket does not answer: /")
                #expect(live.hasPrefix("503 ") && live.contains("DEADLINE_EXCEEDED"), "\(live)")
                group.cancelAll()
            }
            await daemon.stop()
        }
    }

    @Test func keysThatComeLaterMakeItReady() async throws {
        try await withAdminNode { node in
            let jwks = node.path("jwks.json")
            try FileManager.default.moveItem(atPath: jwks, toPath: jwks + ".later")
            let daemon = try await node.startDaemon()
            let url = "http://\(try await address(daemon))"
            let before = try await get("\(url)/readyz/keys")
            #expect(before.hasPrefix("503 failed: KeysUnavailable: the key file \(jwks) does not exist"), "\(before)")
            let live = try await get("\(url)/livez")
            #expect(live == "200 ok\n")
            // No Mount comes: readiness itself asks for the keys.
            try FileManager.default.moveItem(atPath: jwks + ".later", toPath: jwks)
            let after = try await get("\(url)/readyz", until: "200")
            #expect(after == "200 ok\n")
            await daemon.stop()
        }
    }

    @Test func aJournalThatIsGoneIsToldUntilItIsWrittenAnew() async throws {
        try await withAdminNode { node in
            let daemon = try await node.startDaemon()
            let url = "http://\(try await address(daemon))"
            for suffix in ["", "-wal", "-shm"] { unlink(node.journal + suffix) }
            let gone = try await get("\(url)/readyz/journal", until: "503")
            #expect(gone.hasPrefix("503 failed: \(node.journal) is gone: "), "\(gone)")
            let answer = try await node.mount(try node.attributes(for: .build(1)))
            #expect(answer.line == "OK", "\(answer.line)")
            let back = try await get("\(url)/readyz/journal", until: "200")
            #expect(back == "200 ok\n")
            await daemon.stop()
        }
    }

    @Test func aStoreThatCantBeMadeWarnsAndAllOfThemFail() async throws {
        func second(_ node: Node, _ text: String) -> String {
            let store =
                "\n  other:\n    kind: github-app\n    appID: \"1\"\n    privateKey: { file: \(node.path("none.pem")) }\n"
            return text.replacing("\ngrants:", with: store + "grants:")
        }
        try await withAdminNode(second) { node in
            let daemon = try await node.startDaemon()
            let url = "http://\(try await address(daemon))"
            let warned = try await get("\(url)/readyz?verbose")
            #expect(
                warned.hasPrefix("200 ") && warned.contains("\n[!]stores warning: 1 of 2 stores can't be used: other: ")
            )
            await daemon.stop()
        }
        try await withAdminNode({ $1.replacing("app.pem", with: "none.pem") }) { node in
            let daemon = try await node.startDaemon()
            let url = "http://\(try await address(daemon))"
            let failed = try await get("\(url)/readyz")
            #expect(
                failed.hasPrefix("503 ") && failed.contains("\n[-]stores failed: no store can be used: github: "),
                "\(failed)"
            )
            await daemon.stop()
        }
    }

    @Test func aStandByIsReadyWhileTheFirstServesAndServesAfterIt() async throws {
        try await withAdminNode { node in
            let first = try await node.startDaemon()
            let second = try node.launchDaemon()
            let url = "http://\(try await address(second))"
            #expect(await second.waitForLog("another daemon has the journal"))
            let live = try await get("\(url)/livez")
            #expect(live == "200 ok: standing by: another daemon serves\n")
            let ready = try await get("\(url)/readyz")
            #expect(ready == "200 ok: standing by: another daemon serves\n")
            let page = try await get("\(url)/status")
            #expect(page.contains("Standing by"))
            #expect(await first.stop() == 0)
            try await node.waitUntilServing(second)
            let after = try await get("\(url)/readyz", until: "200 ok\n")
            #expect(after == "200 ok\n")
            await second.stop()
        }
    }

    @Test func theEndIsToldUntilTheDrainIsOver() async throws {
        try await withAdminNode { node in
            let daemon = try await node.startDaemon()
            let url = "http://\(try await address(daemon))"
            // A mint that hangs keeps the daemon in its drain.
            let gate = ForgeGate()
            node.forge.fail(.mint, .held(gate))
            let attributes = try node.attributes(for: .build(1))
            async let mounted = node.mount(attributes)
            await until { gate.arrivals == 1 }
            daemon.terminate()
            let ready = try await get("\(url)/readyz", until: "503")
            #expect(ready.hasPrefix("503 [-]phase: ending\n"), "\(ready)")
            let live = try await get("\(url)/livez")
            #expect(live == "200 ok: ending\n")
            gate.open()
            let answer = try await mounted
            #expect(answer.line == "OK", "\(answer.line)")
            #expect(await daemon.waitForEnd() == 0, "\(daemon.log)")
        }
    }

    /// More connections than are let in, none of which says anything.
    @Test func callersWhoHangHurtNobody() async throws {
        try await withAdminNode { node in
            let daemon = try await node.startDaemon()
            let address = try await address(daemon)
            let script = """
                import socket,sys,time
                host, port = sys.argv[1].split(":")
                held = [socket.create_connection((host, int(port))) for _ in range(200)]
                for s in held[:100]: s.send(b"GET /status HTTP/1.1\\r\\nHost: localhost\\r\\n")
                open(sys.argv[2], "w").close()
                time.sleep(600)
                """
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { _ = try? await runProgram("python3", ["-c", script, address, node.path("held")]) }
                await until { FileManager.default.fileExists(atPath: node.path("held")) }
                #expect(FileManager.default.fileExists(atPath: node.path("held")))
                let answer = try await node.mount(try node.attributes(for: .build(1)))
                #expect(answer.line == "OK", "\(answer.line)")
                let live = try await get("http://\(address)/livez")
                #expect(live == "200 ok\n")
                group.cancelAll()
            }
            await daemon.stop()
        }
    }

    @Test func aPortThatIsTakenIsOneLine() async throws {
        try await withAdminNode { node in
            let first = try await node.startDaemon()
            let address = try await address(first)
            let text = try String(contentsOfFile: node.path("node.yaml"), encoding: .utf8)
            try node.write(text.replacing("127.0.0.1:0", with: address), to: "node.yaml")
            let second = try node.launchDaemon()
            #expect(await second.waitForEnd() == 2)
            let lines = second.log.split(separator: "\n")
            #expect(lines.count == 1, "\(second.log)")
            #expect(second.log.contains("cannot listen on \(address): Address already in use; choose another port"))
            await first.stop()
        }
    }

    @Test func aUnixSocketWillDo() async throws {
        let path = "/tmp/daypass-admin-\(UInt32.random(in: 0 ... .max)).sock"
        try await withAdminNode(listen: path) { node in
            let daemon = try await node.startDaemon()
            let live = try await get("http://localhost/livez", "--unix-socket", path)
            #expect(live == "200 ok\n")
            await daemon.stop()
            #expect(!FileManager.default.fileExists(atPath: path))
        }
    }
}
