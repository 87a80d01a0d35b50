// `daypass doctor`, the real binary: files, a fake kubectl, a node with a daemon.

import Foundation
import LoopbackCluster
import LoopbackForge
import Support
import Testing
import TokenStore

@testable import Doctor

struct DoctorCommandTests {
    private static var root: URL {
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    }

    private struct Report: Decodable {
        let place: String
        let errors: Int
        let warnings: Int
        let findings: [Finding]

        func first(_ check: String) -> Finding? { findings.first { $0.check == check } }
    }

    private func doctor(_ arguments: [String]) async throws -> (outcome: ProgramOutcome, report: Report?) {
        let outcome = try await runProgram(try BuildProducts.daypass(), ["doctor", "--json"] + arguments)
        return (outcome, try? JSONDecoder().decode(Report.self, from: Data(outcome.output.utf8)))
    }

    // MARK: The list, the page, the samples

    @Test("docs/doctor.md has every check of --list, in its order, with its words")
    func page() async throws {
        let list = try await runProgram(try BuildProducts.daypass(), ["doctor", "--list"])
        let page = try String(contentsOf: Self.root.appending(path: "docs/doctor.md"), encoding: .utf8)
        let rows = page.split(separator: "\n").filter { $0.hasPrefix("| `") }.map { row in
            row.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
        }
        let listed = list.output.split(separator: "\n").map { line in
            [line.prefix { $0 != " " }, line.drop { $0 != " " }.drop { $0 == " " }].map(String.init)
        }
        #expect(rows.map { [$0[0].replacing("`", with: ""), $0[1]] } == listed)
        #expect(rows.allSatisfy { $0.count == 3 && !$0[2].isEmpty })
        #expect(listed.map { $0[0] } == Checks.all.map(\.name))
    }

    @Test("the samples of daemonset/ have no problem")
    func samples() async throws {
        let folder = Self.root.appending(path: "daemonset/samples").path
        let places = ["samples/daemonset.yaml", "kustomize/base/daemonset.yaml"]
        let manifests = places.map { Self.root.appending(path: "daemonset/\($0)").path }
        let daemonSet = try #require(manifests.first { FileManager.default.fileExists(atPath: $0) })
        let files = ["\(folder)/secretproviderclass.yaml", "\(folder)/builder-pod.yaml", daemonSet]
        let config = ["--config", "\(folder)/node-in-pod.yaml"]
        let (outcome, report) = try await doctor(files.flatMap { ["--objects", $0] } + config)
        #expect(outcome.code == 0, "\(outcome.text)")
        let well = [
            "class-parameters", "class-provider", "pod-class", "pod-read-only", "pod-grant", "pod-sub-path",
            "daypass-state", "daypass-security",
        ]
        for check in well { #expect(report?.first(check)?.severity == .ok, "\(check)") }
    }

    @Test("no object of daemonset/samples has a problem of its own")
    func allSamples() async throws {
        let folder = Self.root.appending(path: "daemonset/samples")
        let all = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
        var arguments: [String] = []
        for case let file as URL in all ?? FileManager.DirectoryEnumerator() where file.pathExtension == "yaml" {
            let text = try String(contentsOf: file, encoding: .utf8)
            // The others are values of charts, and configurations.
            guard (try? KubeObject.read(Array(text.utf8))) != nil else { continue }
            arguments += ["--objects", file.path]
        }
        #expect(arguments.count >= 4)
        let (_, report) = try await doctor(arguments)
        let problems = try #require(report).findings.filter {
            $0.severity.isProblem && [.classes, .pods].contains($0.group)
        }
        #expect(problems == [])
    }

    // MARK: Files

    @Test("a folder of dumps is read, a configuration is found in its ConfigMap, and problems give code 1")
    func files() async throws {
        try await withProgramFolder { folder in
            var world = World()
            try world.pod.change("        readOnly: true\n", "")
            try await folder.file("driver.json", world.driver)
            try await folder.file("csidriver.json", world.csiDriver)
            try await folder.file(
                "rest.yaml",
                [world.daypass, world.pod, world.secretClass].joined(separator: "\n---\n")
            )
            let map =
                "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: daypass, namespace: daypass }\ndata:\n  node.yaml: |\n"
            let lines = world.configuration.split(separator: "\n").map { "    \($0)\n" }.joined()
            try await folder.file("map.yml", map + lines)
            try await folder.file("notes.txt", "not an object")
            let (outcome, report) = try await doctor(["--from", folder.path])
            #expect(outcome.code == 1, "\(outcome.text)")
            #expect(report?.place == "files" && report?.errors == 1 && report?.warnings == 0, "\(outcome.text)")
            #expect(report?.first("pod-read-only")?.severity == .error)
            #expect(report?.first("pod-grant")?.severity == .ok)
            #expect(report?.first("configuration")?.place == "configmap daypass/daypass")
            let (one, only) = try await doctor(["--from", folder.path, "--only", "pod-grant"])
            #expect(one.code == 0 && only?.findings.map(\.check) == ["pod-grant"])
            let text = try await runProgram(try BuildProducts.daypass(), ["doctor", "--from", folder.path])
            #expect(text.code == 1 && text.output.hasPrefix("Pods\n  error    pod-read-only"))
            #expect(!text.output.contains("\u{1B}"))
        }
    }

    @Test("the checks of daypass check are made of classes, too")
    func classProblems() async throws {
        try await withProgramFolder { folder in
            var world = World()
            try world.secretClass.change("format: gitconfig", "format: gitconfg")
            try await folder.file("class.yaml", world.secretClass)
            try await folder.file("node.yaml", world.configuration)
            let (outcome, report) = try await doctor([
                "--objects", folder.path + "/class.yaml", "--config", folder.path + "/node.yaml",
            ])
            #expect(outcome.code == 1)
            #expect(report?.first("class-parameters")?.message.contains("gitconfg") == true)
            try world.secretClass.change("format: gitconfg", "format: gitconfig")
            try world.secretClass.change("store: github", "store: gitlab")
            try await folder.file("class.yaml", world.secretClass)
            let (_, second) = try await doctor([
                "--objects", folder.path + "/class.yaml", "--config", folder.path + "/node.yaml",
            ])
            #expect(second?.first("class-parameters")?.message.contains("there is no store \"gitlab\"") == true)
        }
    }

    @Test("what can't be looked at gives code 2, what can't be understood 64")
    func unusable() async throws {
        try await withProgramFolder { folder in
            let cases: [([String], Int32, String)] = [
                (["--objects", "/nowhere/at/all"], 2, "can't be read"),
                (["--from", "/nowhere/at/all"], 2, "can't be read"),
                (["--from", folder.path], 2, "holds no .json"),
                (["--objects", "/dev/null"], 2, "it is empty"),
                (["--at", "cluster", "--kubectl", "/nowhere/at/all/kubectl"], 2, "install kubectl"),
                (["--only", "everything"], 64, "no check everything"),
                (["--at", "node", "--objects", "x"], 64, "choose one"),
                (["--timeout", "0"], 64, "1 to 600"),
            ]
            for (arguments, code, text) in cases {
                let outcome = try await doctor(arguments).outcome
                #expect(outcome.code == code && outcome.error.contains(text), "\(arguments): \(outcome.text)")
            }
        }
    }

    // MARK: A cluster

    @Test("a fake kubectl is asked, and a right that is missing skips its checks")
    func cluster() async throws {
        try await withProgramFolder { folder in
            let world = World()
            try await folder.file("csidrivers.storage.k8s.io", world.csiDriver)
            try await folder.file("daemonsets.apps", world.driver)
            try await folder.file("secretproviderclasses.secrets-store.csi.x-k8s.io", world.secretClass)
            let kubectl = try await folder.script(
                "kubectl",
                """
                if [ "$2" = pods ]; then
                  echo 'Error from server (Forbidden): pods is forbidden: User "jane" cannot list resource "pods"' >&2
                  exit 1
                fi
                cat "\(folder.path)/$2" 2>/dev/null && exit 0
                echo "Error from server (NotFound): $2 not found" >&2
                exit 1
                """
            )
            let (outcome, report) = try await doctor(["--at", "cluster", "--kubectl", kubectl])
            #expect(outcome.code == 1, "\(outcome.text)")
            #expect(report?.place == "cluster")
            #expect(report?.first("driver-rotation")?.severity == .ok)
            #expect(report?.first("daypass-installed")?.severity == .error)
            let skipped = report?.first("pod-read-only")
            #expect(skipped?.severity == .skipped && skipped?.fix.contains("list pods") == true)
        }
    }

    // MARK: A node

    @Test("a node with a daemon is well, and asks its forge without a mint")
    func node() async throws {
        try await withNode { node in
            let daemon = try await node.startDaemon()
            let place = ["--at", "node", "--config", node.path("node.yaml"), "--socket", node.socket]
            let (outcome, report) = try await doctor(place + ["--ask-sources"])
            let well = [
                "configuration", "configuration-keys", "node-socket", "node-admin-socket", "node-configuration",
                "node-version", "node-revocations", "node-detectors", "node-journal", "source-reachable", "source-app",
            ]
            for check in well { #expect(report?.first(check)?.severity == .ok, "\(check): \(outcome.text)") }
            #expect(outcome.code == 0 && node.forge.mintCount == 0)
            // A file that was changed after the daemon read it.
            let text = try String(contentsOfFile: node.path("node.yaml"), encoding: .utf8)
            try node.write(text + "# later\n", to: "node.yaml")
            let (_, changed) = try await doctor(place)
            #expect([.ok, .warning].contains(changed?.first("node-configuration")?.severity))
            try FileManager.default.setAttributes([.posixPermissions: 0o666], ofItemAtPath: node.socket)
            let (_, open) = try await doctor(place + ["--only", "node-socket"])
            #expect(open?.first("node-socket")?.message.contains("mode 0666") == true)
            await daemon.kill()
            let (ended, dead) = try await doctor(place)
            #expect(ended.code == 1)
            #expect(dead?.first("node-socket")?.message.contains("nobody answers") == true)
            #expect(dead?.first("node-admin-socket")?.severity == .error)
            #expect(dead?.first("node-detectors")?.severity == .skipped)
        }
    }

    @Test("a key that can't be read, an App that is not installed and an unreachable forge are found on the node")
    func badNode() async throws {
        try await withNode(repositories: ["other-org/app"]) { node in
            let text = try String(contentsOfFile: node.path("node.yaml"), encoding: .utf8)
            let place = ["--at", "node", "--socket", node.socket, "--ask-sources", "--config"]
            let (_, absent) = try await doctor(place + [node.path("node.yaml")])
            #expect(absent?.first("source-app")?.message.contains("is not installed on our-org") == true)
            #expect(absent?.first("node-socket")?.severity == .error)
            try node.write(text.replacing("app.pem", with: "missing.pem"), to: "keyless.yaml")
            let (_, keyless) = try await doctor(place + [node.path("keyless.yaml")])
            #expect(keyless?.first("configuration-keys")?.message.contains("missing.pem can't be read") == true)
            try node.write(text + "http: { proxy: \"http://127.0.0.1:1\" }\n", to: "proxy.yaml")
            let (_, proxied) = try await doctor(place + [node.path("proxy.yaml")])
            #expect(proxied?.first("source-reachable")?.message.contains("the proxy 127.0.0.1:1") == true)
            #expect(proxied?.first("source-app")?.severity == .skipped)
            let (_, leaks) = node.leaks()
            #expect(leaks.isEmpty)
        }
    }

    @Test("the API server is asked for this node's Pods with the daemon's own token")
    func ownToken() async throws {
        try await withNode { node in
            try await withLoopbackPods(accessToken: "own-token") { pods in
                pods.addPod(.build(1))
                let text = try String(contentsOfFile: node.path("node.yaml"), encoding: .utf8)
                let token = try node.write("own-token\n", to: "token", mode: 0o400)
                let source = "{ server: \"\(pods.url)\", nodeName: node-1, tokenFile: \(token) }"
                try node.write(text.replacing("pods: off", with: "pods: \(source)"), to: "watching.yaml")
                let place = ["--at", "node", "--config", node.path("watching.yaml"), "--socket", node.socket]
                let (outcome, report) = try await doctor(place)
                // That API server knows Pods, and no classes.
                let missing = report?.first("pod-class")
                #expect(missing?.severity == .error && missing?.place == "pod binder/build-1")
                for check in ["pod-read-only", "pod-grant", "class-provider"] {
                    #expect(report?.first(check)?.severity == .ok, "\(check): \(outcome.text)")
                }
                #expect(pods.count(.list) == 1 && pods.deniedCalls == 0)
                pods.setAccessToken("another")
                let (_, denied) = try await doctor(place + ["--only", "pod-class"])
                let finding = denied?.first("pod-class")
                #expect(finding?.severity == .skipped && finding?.message.contains("HTTP 401") == true)
                #expect(!outcome.text.contains("own-token"))
            }
        }
    }
}
