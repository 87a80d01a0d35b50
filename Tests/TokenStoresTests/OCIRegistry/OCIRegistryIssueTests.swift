// The calls that the store makes, to the letter, and what it makes of the answers.

import Foundation
import Testing
import TokenStore
import TokenStoreTesting
import TokenStores

@Suite struct OCIRegistryIssueTests {
    private let clock = ManualClock()
    private let http = ScriptedTransport()

    private func store(
        _ registry: String = "https://registry.example.com",
        username: String = "builder",
        tokenServer: String? = nil,
        service: String? = nil,
        hand: String? = nil,
        password: String = OCIRegistryFixture.password
    ) throws -> OCIRegistryStore {
        try OCIRegistryStore(
            settings: OCIRegistryFixture.settings(
                registry,
                username: username,
                tokenServer: tokenServer,
                service: service,
                hand: hand
            ),
            context: OCIRegistryFixture.context(http, clock: clock, password: password)
        )
    }

    private func challenge(
        _ value: String = #"Bearer realm="https://registry.example.com/token",service="the registry""#
    ) {
        http.then(401, headers: [HTTPField("Www-Authenticate", value)])
    }

    /// A JWT with these claims and no signature that anybody could check.
    private func jwt(_ claims: String) -> String {
        let payload = Data(claims.utf8).base64EncodedString().replacingOccurrences(of: "=", with: "")
        return "e30.\(payload).c2ln"
    }

    private let access = #"{"access":[{"type":"repository","name":"binder/app","actions":["push","pull"]}]}"#

    private func form(_ call: HTTPCall) -> [String] {
        String(decoding: call.body ?? [], as: UTF8.self).split(separator: "&").map(String.init)
    }

    @Test func getsARegistryToken() async throws {
        challenge()
        let token = jwt(access)
        http.then(200, json: #"{"token":"\#(token)","expires_in":900,"issued_at":"2025-12-31T23:59:00Z"}"#)
        let issued = try await store().issue(OCIRegistryFixture.request())
        #expect(issued.secret.revealText() == token)
        #expect(issued.username == "bearer")
        #expect(issued.expiresAt?.rfc3339 == "2026-01-01T00:14:00Z")
        #expect(issued.grantedScope == OCIRegistryFixture.request().scope)
        #expect(issued.handle == nil)

        #expect(
            http.calls.map { "\($0.method) \($0.url)" } == [
                "GET https://registry.example.com/v2/",
                "GET https://registry.example.com/token?service=the%20registry&client_id=daypass"
                    + "&scope=repository%3Abinder%2Fapp%3Apull%2Cpush",
            ]
        )
        #expect(http.calls[0].authorization == nil)
        let basic = Data("builder:\(OCIRegistryFixture.password)".utf8).base64EncodedString()
        #expect(http.calls[1].authorization?.revealText() == "Basic \(basic)")
        #expect(http.calls[1].body == nil)
    }

    @Test func getsAnIdentityToken() async throws {
        challenge()
        let body = #"{"access_token":"\#(jwt(access))","expires_in":60,"scope":"x","refresh_token":"kept-secret"}"#
        http.then(200, json: body)
        let issued = try await store(hand: "identity-token").issue(OCIRegistryFixture.request())
        #expect(issued.secret.revealText() == "kept-secret")
        #expect(issued.username == "<token>")
        #expect(issued.expiresAt == nil, "nobody told how long a refresh token lives")
        let call = http.calls[1]
        #expect("\(call.method) \(call.url)" == "POST https://registry.example.com/token")
        #expect(call.authorization == nil)
        #expect(call.headers.contains(HTTPField("Content-Type", "application/x-www-form-urlencoded")))
        #expect(
            form(call) == [
                "grant_type=password", "username=builder", "password=correct%20horse%20battery",
                "service=the%20registry", "client_id=daypass", "scope=repository%3Abinder%2Fapp%3Apull%2Cpush",
                "access_type=offline",
            ]
        )
    }

    @Test func anIdentityTokenThatIsAJWTTellsItsEnd() async throws {
        challenge()
        let refresh = jwt(#"{"exp":1767236400}"#)
        http.then(200, json: #"{"access_token":"\#(jwt(access))","refresh_token":"\#(refresh)"}"#)
        let issued = try await store(hand: "identity-token").issue(OCIRegistryFixture.request())
        #expect(issued.expiresAt == UTCInstant(epochSeconds: 1_767_236_400))
    }

    @Test func aServerWithoutPOSTIsAskedByGET() async throws {
        challenge()
        http.then(405)
        http.then(200, json: #"{"token":"\#(jwt(access))","refresh_token":"kept-secret"}"#)
        let issued = try await store(hand: "identity-token").issue(OCIRegistryFixture.request())
        #expect(issued.secret.revealText() == "kept-secret")
        #expect(http.calls[2].url.hasSuffix("%2Cpush&offline_token=true"))
    }

    @Test func aServerWithoutGETIsAskedByPOST() async throws {
        challenge()
        http.then(404)
        http.then(200, json: #"{"access_token":"\#(jwt(access))"}"#)
        _ = try await store().issue(OCIRegistryFixture.request())
        #expect(http.calls[2].method == "POST")
        #expect(!form(http.calls[2]).contains("access_type=offline"))
    }

    @Test func aRefreshTokenInPlaceOfAPasswordGoesByPOSTOnly() async throws {
        challenge()
        http.then(404)
        let error = try await OCIRegistryFixture.issueError(
            store(username: "<token>", password: "a-refresh-token")
        )
        #expect(error.code == .refused)
        #expect(http.calls.count == 2, "there is no other way to present a refresh token")
        #expect(form(http.calls[1]).starts(with: ["grant_type=refresh_token", "refresh_token=a-refresh-token"]))
    }

    @Test func severalRepositoriesAreOneToken() async throws {
        challenge()
        let entries = ["a/x", "b/y"].map { #"{"type":"repository","name":"\#($0)","actions":["pull"]}"# }
        http.then(200, json: #"{"token":"\#(jwt(#"{"access":[\#(entries.joined(separator: ","))]}"#))"}"#)
        _ = try await store().issue(OCIRegistryFixture.request(["b/y", "a/x"], [.pull]))
        let suffix = "&scope=repository%3Aa%2Fx%3Apull&scope=repository%3Ab%2Fy%3Apull"
        #expect(http.calls[1].url.hasSuffix(suffix))
    }

    @Test func theRegistryIsAskedOnceInAnHour() async throws {
        let store = try store()
        let answer = #"{"token":"\#(jwt(access))","expires_in":300}"#
        challenge()
        for _ in 0..<3 { http.then(200, json: answer) }
        for _ in 0..<3 { _ = try await store.issue(OCIRegistryFixture.request()) }
        #expect(http.calls.count == 4)
        clock.advance(by: .seconds(3600))
        challenge()
        http.then(200, json: answer)
        _ = try await store.issue(OCIRegistryFixture.request())
        #expect(http.calls.count == 6)
    }

    @Test func aFailedMintAsksTheRegistryAnew() async throws {
        let store = try store()
        challenge()
        http.then(404)
        http.then(404)
        _ = try await OCIRegistryFixture.issueError(store)
        challenge(#"Bearer realm="https://registry.example.com/v3/token",service="the registry""#)
        http.then(200, json: #"{"token":"\#(jwt(access))"}"#)
        _ = try await store.issue(OCIRegistryFixture.request())
        #expect(http.calls.last?.url.hasPrefix("https://registry.example.com/v3/token?") == true)
    }

    /// A token server that answers is where it was; only one that is gone, or sends elsewhere, may have moved.
    @Test(arguments: [
        (400, false), (401, false), (403, false), (429, false), (500, false), (200, false),
        (404, true), (301, true), (307, true), (0, true),
    ])
    func onlyWhatLooksMovedIsLookedForAgain(status: Int, isForgotten: Bool) async throws {
        let store = try store()
        challenge()
        if status == 0 {
            http.then { _ throws(HTTPTransportError) in
                throw HTTPTransportError(.unreachable, "gone", requestMayHaveArrived: false)
            }
        } else {
            http.then(status)
            if status == 404 { http.then(status) }
        }
        _ = try await OCIRegistryFixture.issueError(store)
        let before = http.calls.count
        if isForgotten { challenge() }
        http.then(200, json: #"{"token":"\#(jwt(access))"}"#)
        _ = try await store.issue(OCIRegistryFixture.request())
        #expect(http.calls.count == before + (isForgotten ? 2 : 1))
    }

    /// A name that looks like another registry's reference is a name all the same, also of a host without dots.
    @Test(arguments: [
        ("https://registry.example.com", "acme.io/app"), ("https://registry.example.com", "localhost/app"),
        ("https://registry.example.com", "registry.example.com/app"), ("https://registry", "team/app"),
        ("https://registry.example.com:5000", "team/app"),
    ])
    func aNameMayLookLikeAHost(registry: String, name: String) async throws {
        let claims = #"{"access":[{"type":"repository","name":"\#(name)","actions":["pull"]}]}"#
        http.then(200, json: #"{"token":"\#(jwt(claims))"}"#)
        let issued = try await store(registry, tokenServer: "https://auth.example.com/token", service: "s")
            .issue(OCIRegistryFixture.request([name], [.pull]))
        #expect(issued.grantedScope.repositories == [name])
    }

    @Test func withBothSettingsTheRegistryIsNotAsked() async throws {
        http.then(200, json: #"{"token":"\#(jwt(access))"}"#)
        _ = try await store(tokenServer: "https://auth.example.com/token", service: "s")
            .issue(OCIRegistryFixture.request())
        #expect(http.calls.map(\.url).count == 1)
        #expect(http.calls[0].url.hasPrefix("https://auth.example.com/token?service=s&"))
    }

    @Test func theOperatorsTokenServerCountsMoreThanTheRegistrys() async throws {
        challenge(#"Bearer realm="https://evil.example/token",service="the registry""#)
        http.then(200, json: #"{"token":"\#(jwt(access))"}"#)
        _ = try await store(tokenServer: "https://auth.example.com/token").issue(OCIRegistryFixture.request())
        #expect(http.calls[1].url.hasPrefix("https://auth.example.com/token?service=the%20registry&"))
    }

    @Test func dockerHubHasNamesOfItsOwn() async throws {
        challenge(#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io""#)
        let claims = #"{"access":[{"type":"repository","name":"library/alpine","actions":["pull"]}]}"#
        http.then(200, json: #"{"token":"\#(jwt(claims))"}"#)
        let issued = try await store("https://docker.io").issue(OCIRegistryFixture.request(["alpine"], [.pull]))
        #expect(issued.grantedScope.repositories == ["alpine"])
        #expect(http.calls[0].url == "https://registry-1.docker.io/v2/")
        #expect(
            http.calls[1].url == "https://auth.docker.io/token?service=registry.docker.io&client_id=daypass"
                + "&scope=repository%3Alibrary%2Falpine%3Apull"
        )
    }

    @Test(arguments: [
        (#"{"token":"T"}"#, 60), (#"{"token":"T","expires_in":0}"#, 60), (#"{"token":"T","expires_in":300}"#, 300),
        (#"{"token":"","access_token":"T","expires_in":300}"#, 300),
        (#"{"token":"T","expires_in":300,"issued_at":"2025-12-31T23:58:00.5Z"}"#, 180),
        (#"{"token":"T","expires_in":300,"issued_at":"2026-01-01T01:00:00Z"}"#, 300),
        (#"{"token":"T","expires_in":300,"issued_at":"soon"}"#, 300),
    ])
    func livesAsTheServerSays(body: String, seconds: Int64) async throws {
        challenge()
        http.then(200, json: body.replacingOccurrences(of: "\"T\"", with: "\"\(jwt(access))\""))
        let issued = try await store().issue(OCIRegistryFixture.request())
        let life = clock.now.duration(to: try #require(issued.expiresAt))
        #expect(life.components.seconds == seconds)
    }

    @Test func aJWTDoesNotOutliveItself() async throws {
        challenge()
        let end = clock.now.advanced(by: .seconds(100))
        let claims = access.dropLast() + ",\"exp\":\(end.epochSeconds)}"
        http.then(200, json: #"{"token":"\#(jwt(String(claims)))","expires_in":3600}"#)
        #expect(try await store().issue(OCIRegistryFixture.request()).expiresAt == end)
    }
}
