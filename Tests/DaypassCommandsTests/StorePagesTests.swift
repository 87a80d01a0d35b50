// The pages of the stores: each kind has one, and check accepts every configuration on it.

import Foundation
import Support
import Testing

@Suite struct StorePagesTests {
    private static var docs: URL {
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "docs")
    }

    private struct Kind: Decodable {
        let kind: String
    }

    @Test func everyKindHasAPageWithAConfigurationThatCheckAccepts() async throws {
        let listed = try await run(["stores", "--json"])
        let kinds = try JSONDecoder().decode([Kind].self, from: Data(listed.output.utf8)).map(\.kind)
        #expect(kinds.count >= 16)
        #expect(Set(kinds).count == kinds.count)
        for kind in kinds {
            let page = try String(contentsOf: Self.docs.appending(path: "stores/\(kind).md"), encoding: .utf8)
            let configurations = Self.configurations(page)
            #expect(
                configurations.contains { $0.contains("kind: \(kind)\n") || $0.contains("kind: \(kind),") },
                "\(kind)"
            )
            for configuration in configurations {
                let checked = try await run(["check", "--skip-keys", "--config", "-"], input: configuration)
                #expect(checked.code == 0, "docs/stores/\(kind).md: \(checked.text)\n\(configuration)")
            }
        }
    }

    @Test func theConfigurationGuidesBlocksAreAccepted() async throws {
        let page = try String(contentsOf: Self.docs.appending(path: "configuration.md"), encoding: .utf8)
        let configurations = Self.configurations(page)
        #expect(configurations.count > 5)
        for configuration in configurations {
            let checked = try await run(["check", "--skip-keys", "--config", "-"], input: configuration)
            #expect(checked.code == 0, "\(checked.text)\n\(configuration)")
        }
    }

    @Test func oneKindIsShownInWords() async throws {
        let shown = try await run(["stores", "github-app"])
        #expect(shown.code == 0)
        #expect(shown.output.contains("a token reaches the scope that was asked for, no more"))
        let unknown = try await run(["stores", "nothing"])
        #expect(unknown.code == 1)
        #expect(unknown.error.contains("there is no such kind; the kinds are: "))
    }

    private func run(_ arguments: [String], input: String = "") async throws -> ProgramOutcome {
        try await runProgram(BuildProducts.daypass(), arguments, input: input)
    }

    /// The YAML blocks of a page that are whole node configurations.
    private static func configurations(_ page: String) -> [String] {
        page.components(separatedBy: "```yaml\n").dropFirst().compactMap { part in
            let block = part.components(separatedBy: "\n```")[0] + "\n"
            return block.hasPrefix("stores:") || block.contains("\nstores:") ? block : nil
        }
    }
}
