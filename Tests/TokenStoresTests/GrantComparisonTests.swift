// Answers that grant something else than was asked: the token is revoked at once and the caller told.

import Testing
import TokenStore
import TokenStoreTesting
import TokenStores

@Suite struct GrantComparisonTests {
    private static let answers: [(String, String)] = [
        (
            StoreFixture.mintJSON(permissions: #"{"contents":"write","metadata":"read"}"#),
            "malformedAnswer: GitHub's new token has more permissions than were asked for; "
                + "if GitHub ties one of them to another, ask for that one too; look at the App's permissions"
        ),
        (
            StoreFixture.mintJSON(permissions: #"{"contents":"read","packages":"read"}"#),
            "malformedAnswer: GitHub's new token has more permissions than were asked for; "
                + "if GitHub ties one of them to another, ask for that one too; look at the App's permissions"
        ),
        (
            StoreFixture.mintJSON(permissions: #"{"contents":"read","metadata":"write"}"#),
            "malformedAnswer: GitHub's new token has more permissions than were asked for; "
                + "if GitHub ties one of them to another, ask for that one too; look at the App's permissions"
        ),
        (
            StoreFixture.mintJSON(permissions: #"{"contents":"maintain"}"#),
            "malformedAnswer: GitHub's new token has a permission of an unknown level"
        ),
        (
            StoreFixture.mintJSON(selection: "all"),
            "malformedAnswer: GitHub's new token is not limited to the repositories that were asked for"
        ),
        (
            StoreFixture.mintJSON(repositories: "null"),
            "malformedAnswer: GitHub's new token is not limited to the repositories that were asked for"
        ),
        (
            StoreFixture.mintJSON(repositories: #"[{"full_name":"our-org/private"},{"full_name":"our-org/other"}]"#),
            "malformedAnswer: GitHub's new token reaches repositories that were not asked for; "
                + "if the repository was renamed, write its new name"
        ),
        (
            StoreFixture.mintJSON(repositories: #"[{"full_name":"other/private"}]"#),
            "malformedAnswer: GitHub's new token reaches repositories that were not asked for; "
                + "if the repository was renamed, write its new name"
        ),
        (
            StoreFixture.mintJSON(repositories: "[]"),
            "refused: GitHub granted less than was asked for; missing: our-org/private; "
                + "give the App's installation on our-org these, or ask for less"
        ),
        (
            StoreFixture.mintJSON(permissions: #"{"metadata":"read"}"#),
            "refused: GitHub granted less than was asked for; missing: contents:read; "
                + "give the App's installation on our-org these, or ask for less"
        ),
        (
            StoreFixture.mintJSON(expiresAt: "soon"),
            "malformedAnswer: GitHub's answer to the mint has an expiry that is no time"
        ),
        (
            StoreFixture.mintJSON(expiresAt: "2025-12-31T23:59:59Z"),
            "malformedAnswer: GitHub's new token has already expired by this node's clock; set the node's clock"
        ),
        (
            #"{"token":"\#(StoreFixture.token)"}"#,
            "malformedAnswer: GitHub's answer to the mint is not of the form that its API has"
        ),
    ]

    @Test(arguments: answers) func revokesAndRefuses(json: String, text: String) async throws {
        let fixture = try StoreFixture()
        fixture.scriptMint(json)
        fixture.http.then(204)
        let error = try await fixture.issueError()
        #expect("\(error)" == text)
        #expect(!error.tokenMayExist)
        let last = try #require(fixture.http.calls.last)
        #expect(last.method == "DELETE")
        #expect(last.url == "https://api.github.com/installation/token")
        #expect(last.authorization == Secret(utf8: "Bearer \(StoreFixture.token)"))
    }

    @Test func saysWhenTheRevocationFailed() async throws {
        let fixture = try StoreFixture()
        fixture.scriptMint(StoreFixture.mintJSON(selection: "all"))
        fixture.http.then(500)
        #expect(try await fixture.issueError().tokenMayExist)
    }

    @Test(arguments: [
        "", "{}", "[]", "not json", #"{"token":""}"#, #"{"token":7}"#, #"{"token":"a b"}"#, #"{"token":"a\nb"}"#,
        #"{"token":"ä"}"#,
    ])
    func refusesAnswersWithoutAToken(json: String) async throws {
        let fixture = try StoreFixture()
        fixture.scriptMint(json)
        let error = try await fixture.issueError()
        #expect(error.code == .malformedAnswer)
        #expect(error.message == "GitHub's answer to the mint holds no usable token")
        #expect(error.tokenMayExist)
    }

    @Test func aWiderAnswerToAWriteRequestIsMeasuredByIt() async throws {
        let fixture = try StoreFixture()
        fixture.scriptMint(StoreFixture.mintJSON(permissions: #"{"contents":"write"}"#))
        let request = StoreFixture.request(["our-org/private"], ["contents": .write])
        #expect(try await fixture.store.issue(request).grantedScope.permissions == ["contents": .write])
    }
}
