// `--json` prints one document whatever comes of it.

import Foundation
import LoopbackForge
import Support
import Testing

@Suite struct JSONDocumentTests {
    private struct Story: Decodable {
        struct Refused: Decodable { let reason, line: String }
        struct Token: Decodable { let name: String }
        let granted: Bool
        let tokens: [Token]
        let refused: Refused?
        let files: [Refused]
    }

    @Test(arguments: [
        (["-a", "repository={web}/our-org/app"], Int32(0), true, 1, "", 0),
        (["-a", "repository={web}/elsewhere/app"], 1, false, 1, "", 0),
        ([], 1, false, 0, "AttributeMissing", 0),
        (["-a", "tokens=[]"], 1, false, 0, "ParameterMissing", 0),
        (
            [
                "-a", "repository={web}/our-org/app", "-a",
                "files=[{path: x, format: gitconfg, tokens: [source]}, {path: ../y, format: token, tokens: [source]}]",
            ],
            1, false, 1, "", 2
        ),
    ])
    func explain(
        more: [String],
        code: Int32,
        granted: Bool,
        tokens: Int,
        refused: String,
        files: Int
    ) async throws {
        try await withNode(repositories: []) { node in
            let outcome = try await node.daypass(
                [
                    "explain", "--json", "--config", node.path("node.yaml"), "--class", node.path("class.yaml"),
                    "-n", "binder", "--service-account", "builder",
                ] + more.map(node.filled)
            )
            let story = try JSONDecoder().decode(Story.self, from: Data(outcome.output.utf8))
            #expect(outcome.code == code && story.granted == granted, "\(outcome.text)")
            #expect(story.tokens.count == tokens && story.files.count == files, "\(outcome.text)")
            #expect(story.refused?.reason ?? "" == refused, "\(outcome.text)")
        }
    }

    @Test func explainWarnsOfAnotherNamespace() async throws {
        try await withNode(repositories: []) { node in
            let outcome = try await node.daypass([
                "explain", "--config", node.path("node.yaml"), "--class", node.path("class.yaml"), "-n", "elsewhere",
                "-a", "repository=\(node.forge.webURL)/our-org/app",
            ])
            #expect(outcome.error.hasPrefix("warning: build-credentials is of namespace binder"), "\(outcome.text)")
        }
    }

    @Test func aRefusedMountIsADocument() async throws {
        struct Report: Decodable { let outcome, code, message: String }
        try await withNode { node in
            let daemon = try await node.startDaemon()
            let outcome = try await node.daypass([
                "mount", "--json", "--socket", node.socket, "--class", node.path("class.yaml"), "-n", "binder",
                "--service-account", "builder", "-a", "repository=\(node.forge.cloneURL("our-org/app"))",
                "--output", node.path("refused"),
            ])
            let report = try JSONDecoder().decode(Report.self, from: Data(outcome.output.utf8))
            #expect(outcome.code == 1 && report.outcome == "refused", "\(outcome.text)")
            #expect(report.code == "FAILED_PRECONDITION" && report.message.hasPrefix("TokenMissing: "))
            await daemon.stop()
        }
    }
}
