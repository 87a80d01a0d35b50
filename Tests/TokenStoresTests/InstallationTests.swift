// Finding the installation: kept, forgotten when GitHub says so, negative answers kept for a short while.

import Testing
import TokenStore
import TokenStoreTesting
import TokenStores

@Suite struct InstallationTests {
    @Test func aStaleInstallationIsLookedUpOnceMore() async throws {
        let fixture = try StoreFixture()
        fixture.scriptMint()
        _ = try await fixture.store.issue(StoreFixture.request())
        fixture.http.then(404, json: #"{"message":"Not Found"}"#)
        fixture.http.then(200, json: #"{"id":43}"#)
        fixture.http.then(201, json: StoreFixture.mintJSON())
        let token = try await fixture.store.issue(StoreFixture.request())
        #expect(token.handle?.identifier.hasPrefix("43-") == true)
        #expect(
            fixture.http.calls.dropFirst(2).map(\.url) == [
                "https://api.github.com/app/installations/42/access_tokens",
                "https://api.github.com/repos/our-org/private/installation",
                "https://api.github.com/app/installations/43/access_tokens",
            ]
        )
    }

    @Test func aFreshInstallationIsNotLookedUpTwice() async throws {
        let fixture = try StoreFixture()
        fixture.http.then(200, json: #"{"id":42}"#)
        fixture.http.then(404, json: #"{"message":"Not Found"}"#)
        #expect(try await fixture.issueError().code == .refused)
        #expect(fixture.http.calls.count == 2)
    }

    @Test func anAbsenceIsKeptForAWhileAndForItsRepositoryOnly() async throws {
        let fixture = try StoreFixture()
        fixture.http.then(404, json: #"{"message":"Not Found"}"#)
        let first = try await fixture.issueError()
        let second = try await fixture.issueError()
        #expect("\(first)" == "\(second)")
        #expect(fixture.http.calls.count == 1)
        // Another repository of the owner may be in the installation.
        fixture.scriptMint(StoreFixture.mintJSON(repositories: #"[{"full_name":"our-org/other"}]"#))
        _ = try await fixture.store.issue(StoreFixture.request(["our-org/other"]))
        // And now the owner's installation is known.
        fixture.http.then(422)
        #expect(try await fixture.issueError().code == .refused)
        #expect(fixture.http.calls.count == 4)
    }

    @Test func anAbsenceIsForgotten() async throws {
        let fixture = try StoreFixture()
        fixture.http.then(404, json: #"{"message":"Not Found"}"#)
        _ = try await fixture.issueError()
        fixture.clock.advance(by: .seconds(21))
        fixture.scriptMint()
        _ = try await fixture.store.issue(StoreFixture.request())
    }

    @Test func aSuspendedInstallationIsRefusedBeforeTheMint() async throws {
        let fixture = try StoreFixture()
        fixture.http.then(200, json: #"{"id":42,"suspended_at":"2025-12-31T00:00:00Z"}"#)
        let text = "refused: the App's installation on our-org is suspended; unsuspend it in the settings of our-org"
        #expect(try await "\(fixture.issueError())" == text)
        #expect(try await "\(fixture.issueError())" == text)
        #expect(fixture.http.calls.count == 1)
    }

    @Test(arguments: [#"{"id":0}"#, #"{"id":-1}"#, #"{"id":"42"}"#, #"{"id":1.5}"#, "[]", ""])
    func anInstallationWithoutAnIDIsNone(json: String) async throws {
        let fixture = try StoreFixture()
        fixture.http.then(200, json: json)
        #expect(try await fixture.issueError().code == .malformedAnswer)
    }
}
