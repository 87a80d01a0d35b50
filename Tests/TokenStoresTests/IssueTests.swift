// What the GitHub store sends and what it makes of a good answer.

import Testing
import TokenStore
import TokenStoreTesting
import TokenStores

@Suite struct IssueTests {
    @Test func sendsExactlyWhatIsAsked() async throws {
        let fixture = try StoreFixture()
        fixture.scriptMint()
        let token = try await fixture.store.issue(StoreFixture.request())

        let calls = fixture.http.calls
        #expect(
            calls.map { "\($0.method) \($0.url)" } == [
                "GET https://api.github.com/repos/our-org/private/installation",
                "POST https://api.github.com/app/installations/42/access_tokens",
            ]
        )
        let common = [
            HTTPField("Accept", "application/vnd.github+json"), HTTPField("X-GitHub-Api-Version", "2022-11-28"),
        ]
        #expect(calls[0].headers == common)
        #expect(calls[0].body == nil)
        #expect(calls[1].headers == common + [HTTPField("Content-Type", "application/json")])
        let body = String(decoding: try #require(calls[1].body), as: UTF8.self)
        #expect(body == #"{"permissions":{"contents":"read"},"repositories":["private"]}"#)
        for call in calls { #expect(call.timeout <= .seconds(10)) }

        let claims = try AppClaims(calls[1].authorization)
        let now = fixture.clock.now.epochSeconds
        #expect(claims.iss == "Iv23liTest")
        #expect(claims.iat == now - 60)
        #expect(claims.exp > now && claims.exp <= now + 540)

        #expect(token.username == "x-access-token")
        #expect(token.secret == Secret(utf8: StoreFixture.token))
        #expect(token.expiresAt == UTCInstant(rfc3339: "2026-01-01T01:00:00Z"))
        let granted = TokenScope(
            repositories: ["our-org/private"],
            permissions: ["contents": .read, "metadata": .read]
        )
        #expect(token.grantedScope == granted)
        let handle = try #require(token.handle)
        #expect(handle.secret == token.secret)
        #expect(handle.identifier.hasPrefix("42-1767229200-"))
        #expect(handle.identifier.count == "42-1767229200-".count + 12)
        #expect(!fixture.log.text.contains("ghs_"))
    }

    @Test func usesTheConfiguredServer() async throws {
        let fixture = try StoreFixture(apiURL: "https://ghe.example/api/v3/")
        fixture.scriptMint()
        _ = try await fixture.store.issue(StoreFixture.request())
        #expect(
            fixture.http.calls.map(\.url) == [
                "https://ghe.example/api/v3/repos/our-org/private/installation",
                "https://ghe.example/api/v3/app/installations/42/access_tokens",
            ]
        )
    }

    @Test func keepsInstallationAndAppToken() async throws {
        let fixture = try StoreFixture()
        fixture.scriptMint()
        _ = try await fixture.store.issue(StoreFixture.request())
        fixture.clock.advance(by: .seconds(100))
        fixture.http.then(201, json: StoreFixture.mintJSON())
        _ = try await fixture.store.issue(StoreFixture.request(["Our-Org/private"]))
        #expect(fixture.http.calls.count == 3)
        #expect(fixture.http.calls[2].authorization == fixture.http.calls[1].authorization)
        // Shortly before its end it is made anew.
        fixture.clock.advance(by: .seconds(141))
        fixture.http.then(201, json: StoreFixture.mintJSON())
        _ = try await fixture.store.issue(StoreFixture.request())
        let claims = try AppClaims(fixture.http.calls[3].authorization)
        #expect(claims.iat == fixture.clock.now.epochSeconds - 60)
    }

    @Test func usesAFixedInstallationWithoutLookingItUp() async throws {
        let fixture = try StoreFixture(installationID: 7)
        fixture.http.then(201, json: StoreFixture.mintJSON())
        _ = try await fixture.store.issue(StoreFixture.request())
        #expect(fixture.http.calls.map(\.url) == ["https://api.github.com/app/installations/7/access_tokens"])
    }

    @Test func takesTokensOfAnyLength() async throws {
        let fixture = try StoreFixture()
        let long = "ghs_123_" + String(repeating: "aB3-_.", count: 200)
        fixture.scriptMint(StoreFixture.mintJSON(token: long))
        #expect(try await fixture.store.issue(StoreFixture.request()).secret == Secret(utf8: long))
    }

    @Test func asksForSeveralRepositoriesOfOneOwner() async throws {
        let fixture = try StoreFixture()
        fixture.scriptMint(
            StoreFixture.mintJSON(repositories: #"[{"full_name":"our-org/a"},{"full_name":"Our-Org/B"}]"#)
        )
        let token = try await fixture.store.issue(StoreFixture.request(["our-org/a", "our-org/b", "OUR-ORG/b"]))
        let body = String(decoding: try #require(fixture.http.calls[1].body), as: UTF8.self)
        #expect(body.contains(#""repositories":["b","a"]"#) || body.contains(#""repositories":["a","b"]"#))
        #expect(token.grantedScope.repositories.count == 2)
    }

    private static let impossible: [(TokenScope, String)] = [
        (
            TokenScope(permissions: ["contents": .read]),
            "the scope names no repositories, and GitHub would read that as all of them; "
                + "name the repositories that the build needs"
        ),
        (
            TokenScope(repositories: ["o/r"]),
            "the scope names no permissions, and GitHub would read that as all of them; "
                + "name the permissions that the build needs"
        ),
        (
            TokenScope(repositories: ["o/r"], actions: [.pull]),
            "the scope names no permissions, and GitHub would read that as all of them; "
                + "name the permissions that the build needs"
        ),
        (
            TokenScope(repositories: ["o/r"], permissions: ["contents": .read], actions: [.pull]),
            "a GitHub App token has permissions, not registry actions; ask for permissions, for example packages: read"
        ),
        (
            TokenScope(repositories: ["a/r", "b/r"], permissions: ["contents": .read]),
            "one GitHub token reaches the repositories of one owner, and these belong to a and b; "
                + "ask for one token for each owner"
        ),
        (
            TokenScope(repositories: ["o/../x"], permissions: ["contents": .read]),
            "a repository is not written as owner/name"
        ),
        (
            TokenScope(repositories: ["o/r.git"], permissions: ["contents": .read]),
            "a repository is not written as owner/name"
        ),
        (
            TokenScope(repositories: (0...500).map { "o/r\($0)" }, permissions: ["contents": .read]),
            "the scope names 501 repositories, and GitHub takes 500; ask for several tokens"
        ),
    ]

    @Test(arguments: impossible) func refusesScopesWithoutSendingThem(scope: TokenScope, text: String) async throws {
        let fixture = try StoreFixture()
        var request = StoreFixture.request()
        request.scope = scope
        let error = try await fixture.issueError(request)
        #expect("\(error)" == "refused: \(text)")
        #expect(fixture.http.calls.isEmpty)
    }
}
