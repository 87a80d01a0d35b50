// Each way in which GitHub says no, and what a person reads then.

import Testing
import TokenStore
import TokenStoreTesting
import TokenStores

@Suite struct GitHubErrorTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var status: Int
        var headers: [String: String] = [:]
        var json = #"{"message":"upstream text"}"#
        var text: String
        var retryAt: String?
        var tokenMayExist = false

        var testDescription: String { "\(status) \(headers) \(json)" }
        var fields: [HTTPField] { headers.map { HTTPField($0.key, $0.value) } }
    }

    private static let common: [Case] = [
        Case(
            status: 401,
            text: "misconfigured: GitHub does not accept the signature of App Iv23liTest (HTTP 401); check that appID "
                + "and /etc/daypass/keys/github.pem belong to one App and that the key was not deleted there"
        ),
        Case(
            status: 404,
            json: #"{"message":"Integration not found"}"#,
            text: "misconfigured: GitHub knows no App Iv23liTest; "
                + "write the client id or the app id of the App's settings page into appID"
        ),
        Case(
            status: 429,
            headers: ["Retry-After": "120"],
            text: "rateLimited: GitHub limits this App's calls (HTTP 429) until 2026-01-01T00:02:00Z",
            retryAt: "2026-01-01T00:02:00Z"
        ),
        Case(
            status: 429,
            headers: ["retry-after": "Thu, 01 Jan 2026 00:10:30 GMT", "Date": "Thu, 01 Jan 2026 00:10:00 GMT"],
            text: "rateLimited: GitHub limits this App's calls (HTTP 429) until 2026-01-01T00:00:30Z",
            retryAt: "2026-01-01T00:00:30Z"
        ),
        Case(
            status: 429,
            headers: ["Retry-After": "86400"],
            text: "rateLimited: GitHub limits this App's calls (HTTP 429) until 2026-01-01T01:00:00Z",
            retryAt: "2026-01-01T01:00:00Z"
        ),
        Case(
            status: 429,
            text: "rateLimited: GitHub limits this App's calls (HTTP 429) until 2026-01-01T00:01:00Z",
            retryAt: "2026-01-01T00:01:00Z"
        ),
        Case(
            status: 403,
            headers: ["X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1767226500"],
            text: "rateLimited: GitHub limits this App's calls (HTTP 403) until 2026-01-01T00:15:00Z",
            retryAt: "2026-01-01T00:15:00Z"
        ),
        Case(
            status: 403,
            headers: ["X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "soon"],
            text: "rateLimited: GitHub limits this App's calls (HTTP 403) until 2026-01-01T00:01:00Z",
            retryAt: "2026-01-01T00:01:00Z"
        ),
        Case(
            status: 403,
            json: #"{"message":"You have exceeded a secondary rate limit."}"#,
            text: "rateLimited: GitHub limits this App's calls (HTTP 403) until 2026-01-01T00:01:00Z",
            retryAt: "2026-01-01T00:01:00Z"
        ),
        Case(
            status: 503,
            headers: ["Retry-After": "0"],
            text: "rateLimited: GitHub limits this App's calls (HTTP 503) until 2026-01-01T00:00:01Z",
            retryAt: "2026-01-01T00:00:01Z"
        ),
        Case(
            status: 403,
            json: #"{"message":"This installation has been suspended"}"#,
            text: "refused: the App's installation on our-org is suspended; unsuspend it in the settings of our-org"
        ),
    ]

    private static let find =
        common + [
            Case(
                status: 404,
                text: "refused: App Iv23liTest is not installed for our-org/private, or there is no such repository; "
                    + "install the App on the owner and give it the repository"
            ),
            Case(
                status: 301,
                text: "refused: our-org/private was renamed or moved (HTTP 301); write its new name"
            ),
            Case(
                status: 403,
                text: "refused: GitHub forbids App Iv23liTest to find the installation for our-org/private (HTTP 403); "
                    + "check the installation's permissions and the organisation's IP allow list"
            ),
            Case(
                status: 502,
                text: "unavailable: GitHub failed to find the installation for our-org/private (HTTP 502)"
            ),
            Case(
                status: 200,
                json: "<html>",
                text: "malformedAnswer: GitHub answered HTTP 200 to the call to find the installation for "
                    + "our-org/private; check that apiURL https://api.github.com is GitHub's REST API"
            ),
            Case(
                status: 400,
                text: "misconfigured: GitHub does not take the call to find the installation for our-org/private "
                    + "(HTTP 400); check that apiURL https://api.github.com is GitHub's REST API"
            ),
        ]

    private static let mint =
        common + [
            Case(
                status: 422,
                text: "refused: the App's installation on our-org does not have all of our-org/private contents:read; "
                    + "give the installation the repositories and permissions, accept new permissions there, "
                    + "or ask for less"
            ),
            Case(
                status: 404,
                text: "refused: App Iv23liTest has no installation on our-org any more; "
                    + "install the App on our-org, or correct installationID if it is set"
            ),
            Case(
                status: 500,
                text: "unavailable: GitHub failed to mint a token for our-org (HTTP 500)",
                tokenMayExist: true
            ),
            Case(
                status: 307,
                text:
                    "misconfigured: https://api.github.com redirects the call to mint a token for our-org (HTTP 307), "
                    + "and redirects are not followed; set apiURL to the address that it redirects to"
            ),
            Case(
                status: 204,
                json: "",
                text: "malformedAnswer: GitHub answered HTTP 204 to the call to mint a token for our-org; "
                    + "check that apiURL https://api.github.com is GitHub's REST API",
                tokenMayExist: true
            ),
        ]

    private func check(_ error: TokenStoreError, _ expected: Case) {
        #expect("\(error)" == expected.text)
        #expect(error.retryAt?.rfc3339 == expected.retryAt)
        #expect(error.tokenMayExist == expected.tokenMayExist)
        #expect(!"\(error)".contains("upstream"))
    }

    @Test(arguments: find) func whenLookingForTheInstallation(expected: Case) async throws {
        let fixture = try StoreFixture()
        fixture.http.then(expected.status, headers: expected.fields, json: expected.json)
        check(try await fixture.issueError(), expected)
        #expect(fixture.http.calls.count == 1)
    }

    @Test(arguments: mint) func whenMinting(expected: Case) async throws {
        let fixture = try StoreFixture(installationID: 42)
        fixture.http.then(expected.status, headers: expected.fields, json: expected.json)
        check(try await fixture.issueError(), expected)
        #expect(fixture.http.calls.count == 1)
    }

    private static let withoutAnswer: [(HTTPTransportError.Code, String)] = [
        (
            HTTPTransportError.Code.unreachable,
            "unavailable: https://api.github.com can't be reached; check the node's network and DNS"
        ),
        (.proxy, "unavailable: the proxy on the way to https://api.github.com refused; check the proxy settings"),
        (.timedOut, "unavailable: https://api.github.com did not answer in time"),
        (.broken, "unavailable: the connection to https://api.github.com broke"),
        (
            .tls,
            "misconfigured: https://api.github.com has no acceptable TLS certificate; "
                + "check the trusted CAs and the node's clock"
        ),
        (
            .tooLarge,
            "malformedAnswer: the answer of https://api.github.com is too large; check that apiURL is GitHub's REST API"
        ),
        (.invalidCall, "misconfigured: the call to https://api.github.com can't be sent; check apiURL"),
        (.cancelled, "cancelled: the call to mint a token for our-org was cancelled"),
    ]

    @Test(arguments: withoutAnswer) func whenThereIsNoAnswer(code: HTTPTransportError.Code, text: String) async throws {
        for mayHaveArrived in [true, false] {
            let fixture = try StoreFixture(installationID: 42)
            fixture.http.then { _ throws(HTTPTransportError) in
                throw HTTPTransportError(code, "details", requestMayHaveArrived: mayHaveArrived)
            }
            let error = try await fixture.issueError()
            #expect("\(error)" == text)
            #expect(error.tokenMayExist == mayHaveArrived)
            #expect((error.cause as? HTTPTransportError)?.message == "details")
        }
    }

    @Test func aLostAnswerToALookupLeavesNoToken() async throws {
        let fixture = try StoreFixture()
        fixture.http.then { _ throws(HTTPTransportError) in
            throw HTTPTransportError(.broken, "details", requestMayHaveArrived: true)
        }
        #expect(try await !fixture.issueError().tokenMayExist)
    }

    @Test func staysAwayWhileLimited() async throws {
        let fixture = try StoreFixture(installationID: 42)
        fixture.http.then(429, headers: [HTTPField("Retry-After", "30")])
        _ = try await fixture.issueError()
        fixture.clock.advance(by: .seconds(29))
        let error = try await fixture.issueError()
        #expect("\(error)" == "rateLimited: GitHub limits this App's calls until 2026-01-01T00:00:30Z")
        #expect(error.retryAt?.rfc3339 == "2026-01-01T00:00:30Z")
        #expect(fixture.http.calls.count == 1)
        fixture.clock.advance(by: .seconds(1))
        fixture.http.then(201, json: StoreFixture.mintJSON())
        _ = try await fixture.store.issue(StoreFixture.request())
    }
}
