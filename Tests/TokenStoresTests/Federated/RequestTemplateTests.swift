// Templates: what is filled in, what is repeated, what can't get in.

import LoopbackSources
import Testing
import TokenStore

@testable import TokenStores

@Suite struct RequestTemplateTests {
    private static let request = TokenRequest(
        subject: SubjectTokens.subject,
        scope: TokenScope(
            repositories: ["our/lib", "our/group/app"],
            permissions: ["contents": .read, "packages": .write],
            actions: [.push, .pull]
        )
    )

    @Test(arguments: [
        ("admin", ["admin"]),
        ("repository:{repository}:{actions}", ["repository:our/group/app:pull,push", "repository:our/lib:pull,push"]),
        ("{name}:{action}", ["app:pull", "app:push", "lib:pull", "lib:push"]),
        ("own:{owner} read", ["own:our/group", "own:our", "read"]),
        ("{permission}={level}", ["contents=read", "packages=write"]),
        ("{namespace}/{serviceAccount}/{podName}", ["binder/builder/build-1"]),
        ("{actions} {actions}", ["pull,push"]),
        ("a{b c} {a.b} {}", ["a{b", "c}", "{a.b}", "{}"]),
    ])
    func fillsWords(text: String, words: [String]) throws {
        #expect(try RequestTemplate("scope", text).words(for: Self.request) == words)
    }

    @Test func wordsWithoutValuesAreLeftOut() throws {
        var request = Self.request
        request.scope = TokenScope(repositories: ["our/lib"], permissions: ["contents": .read])
        let template = try RequestTemplate("scope", "a:{action} b:{actions} c:{permission} {repository}")
        #expect(try template.words(for: request) == ["c:contents", "our/lib"])
    }

    @Test func aTextHasOneValue() throws {
        var request = Self.request
        let template = try RequestTemplate("resource", "https://x.example/{repository} {owner}")
        #expect(throws: TokenStoreError.self) { try template.text(for: request) }
        request.scope = TokenScope(repositories: ["our/lib"], actions: [.pull])
        #expect(try template.text(for: request) == "https://x.example/our/lib our")
        #expect(try RequestTemplate("p", "plain text").text(for: request) == "plain text")
        // A name without an owner has none to fill in.
        request.scope = TokenScope(repositories: ["lib"], actions: [.pull])
        #expect(throws: TokenStoreError.self) { try template.text(for: request) }
    }

    @Test(arguments: ["our/app push", "our/app:push", "our/app,x", "our/\u{e9}", "a\"b", "", "our/app\n"])
    func oddNamesDontGetIn(name: String) throws {
        var request = Self.request
        request.scope = TokenScope(repositories: [name], actions: [.pull])
        let template = try RequestTemplate("scope", "{repository}:{action}")
        do throws(TokenStoreError) {
            Issue.record("taken: \(try template.words(for: request))")
        } catch {
            #expect(error.code == .refused)
        }
    }

    @Test(arguments: ["contents admin", "contents:write", "a\u{0}"]) func oddPermissionsDontGetIn(name: String) throws {
        var request = Self.request
        request.scope = TokenScope(repositories: ["our/app"], permissions: [name: .read])
        #expect(throws: TokenStoreError.self) {
            try RequestTemplate("scope", "{permission}:{level}").words(for: request)
        }
    }

    @Test func whatATextHasNoPlaceForIsRefused() throws {
        let actions = TokenScope(repositories: ["a/b"], actions: [.pull])
        let permissions = TokenScope(repositories: ["a/b"], permissions: ["contents": .read])
        let forActions = try RequestTemplate("scope", "{repository}:{actions}")
        try forActions.refuseWhatIsLost(actions)
        #expect(throws: TokenStoreError.self) { try forActions.refuseWhatIsLost(permissions) }
        let forPermissions = try RequestTemplate("scope", "{repository}:{permission}:{level}")
        try forPermissions.refuseWhatIsLost(permissions)
        #expect(throws: TokenStoreError.self) { try forPermissions.refuseWhatIsLost(actions) }
        let forNeither = try RequestTemplate("scope", "{repository}")
        try forNeither.refuseWhatIsLost(actions)
        try forNeither.refuseWhatIsLost(permissions)
    }
}
