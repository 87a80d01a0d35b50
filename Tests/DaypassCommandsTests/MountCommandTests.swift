// `daypass mount` against a real daemon: outcomes, the volume's layout, owners.

import Foundation
import Glibc
import LoopbackForge
import Support
import Testing
import TokenStore

@Suite struct MountCommandTests {
    /// The command line that plays the driver for a Pod.
    private func mount(_ subject: Subject, on node: Node, into folder: String, _ more: String...) throws -> [String] {
        let token = try node.write(try node.token(of: subject), to: "token-\(subject.podName)")
        return [
            "mount", "--socket", node.socket, "--class", node.path("class.yaml"), "-n", subject.namespace,
            "--service-account", subject.serviceAccount, "--pod", subject.podName, "--pod-uid", subject.podUID,
            "--token-file", token, "-a", "repository=\(node.forge.cloneURL("our-org/app"))",
            "--output", node.path(folder),
        ] + more
    }

    /// Everything in a volume: its name, type, mode, owner, link.
    private func listing(_ folder: String) throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: folder).sorted().map { name in
            var status = stat()
            guard lstat("\(folder)/\(name)", &status) == 0 else { return "\(name): gone" }
            let link = try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\(name)")
            let mode = String(status.st_mode, radix: 8)
            return "\(name) \(mode) \(status.st_uid):\(status.st_gid) \(link ?? "") \(status.st_ino)"
        }
    }

    @Test func writesOnceAndThenTouchesNothing() async throws {
        try await withNode { node in
            let daemon = try await node.startDaemon()
            let volume = node.path("volume")
            let call = try mount(.build(1), on: node, into: "volume", "--json")
            let first = try await node.daypass(call)
            struct Report: Decodable, Equatable {
                struct File: Decodable, Equatable {
                    let path, mode, version: String
                    let bytes: Int
                }
                let outcome: String
                let files: [File]
            }
            let report = try JSONDecoder().decode(Report.self, from: Data(first.output.utf8))
            let files = report.files.map { "\($0.path) \($0.mode)" }
            #expect(
                first.code == 0 && report.outcome == "written"
                    && files == [".gitconfig 0444", "git-credential 0444"]
                    && report.files.allSatisfy { !$0.version.isEmpty && $0.bytes > 0 },
                "\(first.text)"
            )
            // The kubelet's layout: the names lead through ..data into a folder with a time in its name.
            let data = try FileManager.default.destinationOfSymbolicLink(atPath: "\(volume)/..data")
            let name = try FileManager.default.destinationOfSymbolicLink(atPath: "\(volume)/git-credential")
            let before = try listing(volume)
            #expect(data.hasPrefix("..20") && name == "..data/git-credential")
            #expect(before.contains { $0.hasPrefix("\(data)/git-credential 100444 ") }, "\(before)")
            let token = try #require(node.forge.tokens.first?.value)
            let credential = try String(contentsOfFile: "\(volume)/git-credential", encoding: .utf8)
            #expect(credential.contains("password=\(token)"))

            let second = try await node.daypass(call)
            #expect(second.code == 0 && second.output.contains("\"unchanged\""), "\(second.text)")
            #expect(try listing(volume) == before)
            #expect(node.forge.mintCount == 1)

            let plain = try await node.daypass(try mount(.build(1), on: node, into: "volume"))
            #expect(plain.output.hasPrefix("unchanged: \(volume)\n  .gitconfig ("), "\(plain.text)")

            // A file that is no longer asked for goes.
            let fewer = "files=[{path: git-credential, format: git-credential, tokens: [source]}]"
            let third = try await node.daypass(try mount(.build(1), on: node, into: "volume", "-a", fewer))
            #expect(third.output.hasPrefix("written: ") && node.forge.mintCount == 1, "\(third.text)")
            #expect(!FileManager.default.fileExists(atPath: "\(volume)/.gitconfig"))
            await daemon.stop()
        }
    }

    @Test func showsTheRefusal() async throws {
        try await withNode { node in
            let daemon = try await node.startDaemon()
            var stranger = Subject.build(2)
            stranger.namespace = "somewhere"
            let outcome = try await node.daypass(try mount(stranger, on: node, into: "stranger"))
            let expected = """
                code = PERMISSION_DENIED desc = NotGranted: no grant names namespace "somewhere", service account \
                "builder"; ask the node's operator to add a grant for them

                """
            #expect(outcome.code == 1 && outcome.error == expected, "\(outcome.text)")
            #expect(!FileManager.default.fileExists(atPath: node.path("stranger")))

            // Where no folder can be, nothing is written.
            try node.write("", to: "file")
            let nowhere = try await node.daypass(try mount(.build(3), on: node, into: "file/volume"))
            #expect(nowhere.code == 2 && nowhere.error.contains("file/volume"), "\(nowhere.text)")
            await daemon.stop()
            let nobody = try await node.daypass(try mount(.build(3), on: node, into: "nobody"))
            #expect(nobody.code == 2 && nobody.error.contains("no provider answers"), "\(nobody.text)")
        }
    }

    @Test(.enabled(if: geteuid() == 0, "only root gives files away"))
    func setsTheOwner() async throws {
        try await withNode { node in
            let daemon = try await node.startDaemon()
            let call = try mount(.build(4), on: node, into: "owned", "--uid", "1000", "--gid", "2000")
            let outcome = try await node.daypass(call)
            let list = try listing(node.path("owned"))
            let owned = list.filter { $0.contains("/git-credential 100444 1000:2000 ") }
            #expect(outcome.code == 0 && owned.count == 1, "\(outcome.text)\(list)")
            await daemon.stop()
        }
    }
}
