// WWW-Authenticate in all the forms that registries send, scopes, and which realms are trusted.

import Testing
import TokenStore

@testable import TokenStores

@Suite struct BearerChallengeTests {
    private func answer(_ values: [String]) -> HTTPAnswer {
        HTTPAnswer(status: 401, headers: values.map { HTTPField("WWW-Authenticate", $0) })
    }

    private static let readable: [([String], String, String?)] = [
        ([#"Bearer realm="https://a/token",service="s""#], "https://a/token", "s"),
        ([#"bearer Realm = "https://a/token" , SERVICE = s"#], "https://a/token", "s"),
        ([#"Bearer realm="https://a/token""#], "https://a/token", nil),
        ([#"Bearer realm="https://a/token",service="""#], "https://a/token", nil),
        ([#"Bearer service="s, realm=x",realm="https://a/t\"o\\k""#], #"https://a/t"o\k"#, "s, realm=x"),
        ([#"Basic realm="r", Bearer realm="https://a/token",service="s""#], "https://a/token", "s"),
        ([#"Bearer realm="https://a/token",service="s",Basic realm="r""#], "https://a/token", "s"),
        ([#"Basic realm="r""#, #"Bearer realm="https://a/token",service="s""#], "https://a/token", "s"),
        ([#"Bearer realm="https://a/token",service="s""#, #"Bearer realm="https://b/token""#], "https://a/token", "s"),
        (["Negotiate", #"Bearer realm="https://a/token""#], "https://a/token", nil),
        (["Negotiate YII=, Bearer realm=https-a"], "https-a", nil),
        (["NTLM TlRM==,Digest qop=\"auth, auth-int\", Bearer realm=\"https://a/token\""], "https://a/token", nil),
        ([#",, Bearer realm="https://a/token" ,, service="s",error="invalid_token""#], "https://a/token", "s"),
        ([#"Bearer realm="https://a/token",realm="https://evil",service="s""#], "https://a/token", "s"),
        (
            [#"Bearer realm="https://a/token",scope="repository:a/b:push,pull repository:c:pull""#], "https://a/token",
            nil
        ),
    ]

    @Test(arguments: readable)
    func reads(values: [String], realm: String, service: String?) throws {
        let challenge = try #require(BearerChallenge(in: answer(values)))
        #expect(challenge.realm == realm)
        #expect(challenge.service == service)
    }

    private static let unreadable: [[String]] = [
        [], [""], ["Bearer"], [#"Basic realm="https://a/token""#], [#"Bearer realm="""#], [#"Bearer realm="https://a"#],
        [#"realm="https://a""#], ["Bearer realm"], [#"Bearer "realm"="x""#], ["\u{0}\u{1}"],
    ]

    @Test(arguments: unreadable)
    func isNone(values: [String]) { #expect(BearerChallenge(in: answer(values)) == nil) }

    @Test func otherFieldsAreNotRead() {
        let other = HTTPAnswer(status: 401, headers: [HTTPField("X-Authenticate", #"Bearer realm="https://a/token""#)])
        #expect(BearerChallenge(in: other) == nil)
    }

    @Test(arguments: [
        ("repository:a/b:pull", "repository", "a/b", ["pull"]),
        ("repository:host.example:5000/a/b:push,pull", "repository", "host.example:5000/a/b", ["pull", "push"]),
        ("registry:catalog:*", "registry", "catalog", ["*"]),
        ("repository(plugin):a/b:pull", "repository(plugin)", "a/b", ["pull"]),
        ("repository:a/b:", "repository", "a/b", []),
    ])
    func scopeGrammar(text: String, type: String, name: String, actions: [String]) {
        #expect(RegistryScope.read(text) == RegistryScope.Access(type: type, name: name, actions: Set(actions)))
    }

    @Test(arguments: ["", "repository", "repository:a", ":a:pull", "repository::pull"])
    func noScope(text: String) { #expect(RegistryScope.read(text) == nil) }

    @Test func scopesAreWrittenInOneOrder() {
        let scope = TokenScope(repositories: ["b", "a/x"], actions: [.push, .pull, .delete])
        #expect(RegistryScope.texts(scope) == ["repository:a/x:delete,pull,push", "repository:b:delete,pull,push"])
        #expect(RegistryScope.texts(scope).allSatisfy { RegistryScope.read($0) != nil })
    }

    @Test func comparesAsSets() {
        let asked = TokenScope(repositories: ["a", "b"], actions: [.pull, .push])
        func access(_ name: String, _ actions: Set<String>, type: String = "repository") -> RegistryScope.Access {
            RegistryScope.Access(type: type, name: name, actions: actions)
        }
        let all = [access("b", ["push", "pull"]), access("a", ["push"]), access("a", ["pull"])]
        #expect(RegistryScope.compare(all, with: asked) == .init())
        #expect(RegistryScope.compare(all + [access("c", [])], with: asked) == .init(), "nothing of c is nothing")
        #expect(RegistryScope.compare(all + [access("c", ["pull"])], with: asked).isWider)
        #expect(RegistryScope.compare(all + [access("a", ["delete"])], with: asked).isWider)
        #expect(RegistryScope.compare(all + [access("a", ["pull"], type: "plugin")], with: asked).isWider)
        #expect(RegistryScope.compare([], with: asked).missing == ["a:pull,push", "b:pull,push"])
        #expect(RegistryScope.compare(Array(all.prefix(2)), with: asked) == .init(missing: ["a:pull"], isWider: false))
    }

    @Test(arguments: [
        ("https://registry.example.com/token", true), ("https://registry.example.com:8443/auth?a=b", true),
        ("https://REGISTRY.example.com", true), ("https://auth.example.com/token", false),
        ("https://example.com/token", false), ("https://registry.example.com.evil.net/token", false),
        ("https://evil.net/registry.example.com", false), ("https://auth.docker.io/token", false),
        ("http://127.0.0.1/token", false),
    ])
    func trust(realm: String, isTrusted: Bool) throws {
        let realm = try #require(RegistryRealm(realm))
        #expect(realm.belongs(to: "https://registry.example.com") == isTrusted)
    }

    @Test func dockerHubsTokenServerIsKnown() {
        let hub = "https://registry-1.docker.io"
        #expect(RegistryRealm("https://auth.docker.io/token")?.belongs(to: hub) == true)
        #expect(RegistryRealm("https://auth.docker.io.evil.net/token")?.belongs(to: hub) == false)
        #expect(RegistryRealm("https://auth.docker.io:444/token")?.belongs(to: hub) == false)
    }

    @Test func aRealmsOwnQueryStays() throws {
        let realm = try #require(RegistryRealm("https://r.example/auth?tenant=a%20b"))
        #expect(realm.text == "https://r.example/auth?tenant=a%20b")
        #expect(
            realm.text(adding: [("scope", "repository:a:pull")])
                == "https://r.example/auth?tenant=a%20b&scope=repository%3Aa%3Apull"
        )
    }

    @Test(arguments: [
        "http://registry.example.com/token", "https://u:p@registry.example.com/token", "https://r.example/to ken",
        "https://r.example/token?x#y", "https://r.example/token?a b", "ftp://r.example", "", "token", "https://",
        "https://r.example/../token",
    ])
    func noRealm(text: String) { #expect(RegistryRealm(text) == nil) }
}
