// Scopes: equal when they mean the same, ordered levels, one stable line.

import Testing
import TokenStore

@Suite struct TokenScopeTests {
    @Test func sortsAndDeduplicates() {
        let scope = TokenScope(repositories: ["b/b", "a/a", "b/b"], permissions: ["contents": .read])
        #expect(scope.repositories == ["a/a", "b/b"])
        #expect(scope == TokenScope(repositories: ["a/a", "b/b"], permissions: ["contents": .read]))
    }

    @Test func levelsAreOrdered() {
        #expect(AccessLevel.read < .write)
        #expect(AccessLevel.write < .admin)
        #expect(AccessLevel.allCases.sorted() == [.read, .write, .admin])
    }

    @Test(arguments: [
        (TokenScope(), true),
        (TokenScope(repositories: ["a/a"]), true),
        (TokenScope(permissions: ["contents": .read]), true),
        (TokenScope(actions: [.pull]), true),
        (TokenScope(repositories: ["a/a"], permissions: ["contents": .read]), false),
        (TokenScope(repositories: ["a"], actions: [.pull]), false),
    ])
    func knowsWhenItIsEmpty(scope: TokenScope, isEmpty: Bool) {
        #expect(scope.isEmpty == isEmpty)
    }

    @Test func summaryIsStable() {
        let scope = TokenScope(
            repositories: ["o/r", "o/a"],
            permissions: ["packages": .write, "contents": .read],
            actions: [.push, .pull]
        )
        #expect(scope.summary == "o/a,o/r contents:read,packages:write pull,push")
        #expect(TokenScope().summary == "")
    }
}
