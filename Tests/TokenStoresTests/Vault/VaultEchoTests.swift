// What an engine says it granted, against what was asked.

import Testing
import TokenStore

@testable import TokenStores

@Suite struct VaultEchoTests {
    private static let wider = "the engine granted repositories that were not asked for"
    private static let missing = "the engine left out a repository that was asked for"
    private static let unclear =
        "the engine names repositories without their owners, and two that were asked for share a name"

    @Test(arguments: [
        (["a/x"], ["a/x"], "taken"), (["a/x"], ["x"], "taken"), (["a/x"], ["A/X"], "taken"),
        (["a/x", "a/y"], ["y", "a/x"], "taken"), (["a/x", "b/x"], ["b/x", "a/x"], "taken"),
        (["a/x"], ["b/x"], wider), (["a/x"], ["a/x", "y"], wider), (["g/a/x"], ["a/x"], wider),
        (["a/x", "a/y"], ["a/x"], missing), (["a/x"], [], missing),
        // One of two with the same name.
        (["a/x", "b/x"], ["a/x"], missing), (["a/x", "b/x"], ["x"], unclear), (["a/x", "b/x"], ["x", "x"], unclear),
        (["a/x", "b/x"], ["a/x", "x"], unclear),
    ])
    func repositories(asked: [String], granted: [String], expected: String) throws {
        let echo = try VaultEcho(VaultEchoSettings(repositoriesKey: "r"))
        let scope = TokenScope(repositories: asked, permissions: ["contents": .read])
        let names = granted.map(VaultValue.text)
        // As objects, a full name goes before a short one.
        let objects = granted.map { name in
            VaultValue.object([
                "name": .text(VaultTemplate.name(name)), "full_name": name.contains("/") ? .text(name) : .null,
            ])
        }
        for list in [names, objects] {
            do throws(TokenStoreError) {
                #expect(try echo.granted(["r": .list(list)], for: scope) == scope)
                #expect(expected == "taken")
            } catch {
                #expect(error.message == expected)
            }
        }
    }
}
