// A node whose clock is wrong: worked around when it is a little wrong, explained when it is more.

import Testing
import TokenStore
import TokenStoreTesting
import TokenStores

@Suite struct ClockTests {
    private static let tooFar = #"{"message":"'Expiration time' claim ('exp') is too far in the future"}"#
    private static let issuedAt =
        #"{"message":"'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"}"#

    @Test func signsOnceMoreWithGitHubsTime() async throws {
        let fixture = try StoreFixture(installationID: 42)
        // GitHub is five minutes behind us.
        fixture.http.then(401, headers: [HTTPField("Date", "Wed, 31 Dec 2025 23:55:00 GMT")], json: Self.tooFar)
        fixture.http.then(201, json: StoreFixture.mintJSON())
        _ = try await fixture.store.issue(StoreFixture.request())
        let theirNow = fixture.clock.now.epochSeconds - 300
        let second = try AppClaims(fixture.http.calls[1].authorization)
        #expect(second.iat == theirNow - 60)
        #expect(second.exp > theirNow && second.exp <= theirNow + 540)
        #expect(fixture.http.calls[1].body == fixture.http.calls[0].body)
        // What was measured is kept.
        fixture.http.then(201, json: StoreFixture.mintJSON())
        _ = try await fixture.store.issue(StoreFixture.request())
        #expect(fixture.http.calls[2].authorization == fixture.http.calls[1].authorization)
    }

    @Test(.timeLimit(.minutes(1))) func twoCallsAtOnceAreBothSignedAnew() async throws {
        let fixture = try StoreFixture(installationID: 42)
        let complaint = HTTPAnswer(
            status: 401,
            headers: [HTTPField("Date", "Thu, 01 Jan 2026 00:05:00 GMT")],
            body: Array(Self.issuedAt.utf8)
        )
        for _ in 0..<2 {
            // Both have sent the token with our time before either hears the complaint.
            fixture.http.then { [http = fixture.http] _ throws(HTTPTransportError) in
                while http.calls.count < 2 { await Task.yield() }
                return complaint
            }
        }
        for _ in 0..<2 { fixture.http.then(201, json: StoreFixture.mintJSON()) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<2 { group.addTask { _ = try await fixture.store.issue(StoreFixture.request()) } }
            try await group.waitForAll()
        }
        #expect(fixture.http.calls.count == 4)
    }

    @Test func doesNotLoop() async throws {
        let fixture = try StoreFixture(installationID: 42)
        for _ in 0..<2 {
            fixture.http.then(401, headers: [HTTPField("Date", "Thu, 01 Jan 2026 00:05:00 GMT")], json: Self.issuedAt)
        }
        let error = try await fixture.issueError()
        #expect(
            "\(error)"
                == "misconfigured: this node's clock is 300 s behind GitHub's; synchronise the node's clock (NTP)"
        )
        #expect(fixture.http.calls.count == 2)
    }

    @Test(arguments: [
        ("Thu, 01 Jan 2026 02:00:00 GMT", "this node's clock is 7200 s behind GitHub's"),
        ("Wed, 31 Dec 2025 22:00:00 GMT", "this node's clock is 7200 s ahead of GitHub's"),
        ("Thu, 01 Jan 2026 00:00:00 GMT", "GitHub does not accept the times in the App's token"),
        ("yesterday", "GitHub does not accept the times in the App's token"),
    ])
    func explainsWhatItDoesNotWorkAround(date: String, message: String) async throws {
        let fixture = try StoreFixture(installationID: 42)
        fixture.http.then(401, headers: [HTTPField("Date", date)], json: Self.issuedAt)
        let error = try await fixture.issueError()
        #expect("\(error)" == "misconfigured: \(message); synchronise the node's clock (NTP)")
        #expect(fixture.http.calls.count == 1)
    }

    @Test func aClockSetBackMakesANewToken() async throws {
        let fixture = try StoreFixture(installationID: 42)
        fixture.http.then(201, json: StoreFixture.mintJSON())
        _ = try await fixture.store.issue(StoreFixture.request())
        fixture.clock.advance(by: .seconds(-3600))
        fixture.http.then(201, json: StoreFixture.mintJSON())
        _ = try await fixture.store.issue(StoreFixture.request())
        let claims = try AppClaims(fixture.http.calls[1].authorization)
        #expect(claims.iat == fixture.clock.now.epochSeconds - 60)
    }
}
