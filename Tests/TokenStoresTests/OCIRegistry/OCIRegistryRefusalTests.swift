// What a registry and its token server do wrong or refuse, and what comes of it.

import LoopbackSources
import Testing
import TokenStore
import TokenStoreTesting
import TokenStores

@Suite struct OCIRegistryRefusalTests {
    private func withStore(
        hand: String? = nil,
        username: String = "builder",
        password: String = OCIRegistryFixture.password,
        clock: any WallClock = SystemClock(),
        _ body: (LoopbackRegistry, OCIRegistryStore) async throws -> Void
    ) async throws {
        try await OCIRegistryFixture.withRegistry(clock) { registry, url, http in
            let store = try OCIRegistryStore(
                settings: OCIRegistryFixture.settings(url, username: username, hand: hand),
                context: OCIRegistryFixture.context(http, password: password)
            )
            try await body(registry, store)
        }
    }

    @Test(arguments: ["registry-token", "identity-token"], ["wrong", ""])
    func aWrongPasswordIsTheOperators(hand: String, password: String) async throws {
        try await withStore(hand: hand, password: password) { registry, store in
            let error = try await OCIRegistryFixture.issueError(store)
            #expect(error.code == .misconfigured)
            #expect("\(error)".contains(OCIRegistryFixture.passwordFile))
            #expect(registry.tokenServer.books.minted.isEmpty)
            #expect(registry.tokenServer.books.refused == (password.isEmpty ? 0 : 1), "one try, no loop")
        }
    }

    /// The token server answers 200 with less, or with nothing at all.
    @Test(arguments: [false, true])
    func aNarrowerGrantNamesWhatIsMissing(isOpaque: Bool) async throws {
        for hand in ["registry-token", "identity-token"] {
            try await withStore(hand: hand) { registry, store in
                registry.tokenServer.change { $0.areTokensOpaque = isOpaque }
                let push = try await OCIRegistryFixture.issueError(store, OCIRegistryFixture.request(["base/image"]))
                #expect(push.code == .refused)
                #expect(push.message.contains("builder may not do all that was asked for"))
                #expect(push.message.hasSuffix("the token server left out base/image:push"))
                let request = OCIRegistryFixture.request(["binder/app", "else/where"], [.pull])
                let other = try await OCIRegistryFixture.issueError(store, request)
                #expect(other.message.hasSuffix("left out else/where:pull"))
                let delete = OCIRegistryFixture.request(["binder/other"], [.delete])
                let message = try await OCIRegistryFixture.issueError(store, delete).message
                #expect(message.hasSuffix("left out binder/other:delete"))
                _ = try await store.issue(OCIRegistryFixture.request(["base/image", "binder/app"], [.pull]))
            }
        }
    }

    @Test(arguments: [
        RegistryAccess("base/image", ["pull"]), RegistryAccess("binder/app", ["delete"]),
        RegistryAccess("binder/app", ["*"]), RegistryAccess("catalog", ["*"], type: "registry"),
    ])
    func aWiderGrantIsDropped(extra: RegistryAccess) async throws {
        try await withStore { registry, store in
            registry.tokenServer.change { $0.extraAccess = [extra] }
            let error = try await OCIRegistryFixture.issueError(store)
            #expect(error.code == .malformedAnswer)
            #expect(error.message.contains("more than was asked for"))
        }
    }

    @Test func anOpaqueTokenIsTriedWithoutEffect() async throws {
        try await withStore { registry, store in
            registry.tokenServer.change { $0.areTokensOpaque = true }
            _ = try await store.issue(OCIRegistryFixture.request(["binder/app"], [.pull, .push, .delete]))
            #expect(
                registry.calls == [
                    "GET /v2/", "GET /token",
                    "DELETE /v2/binder/app/manifests/sha256:" + String(repeating: "0", count: 64),
                    "GET /v2/binder/app/tags/list",
                    "PATCH /v2/binder/app/blobs/uploads/00000000-0000-0000-0000-000000000000",
                    "GET /v2/_catalog",
                ]
            )
        }
    }

    /// A token that says nothing of itself, from a server that gives more than was asked for and says nothing either.
    @Test(
        arguments: [
            ([RegistryAccess("binder/app", ["pull", "push"])], [.pull], true),
            ([RegistryAccess("binder/app", ["delete"])], [.pull], true),
            ([RegistryAccess("binder/app", ["delete"])], [.pull, .push], true),
            ([RegistryAccess("catalog", ["*"], type: "registry")], [.pull, .push, .delete], true),
            ([RegistryAccess("binder/app", ["push", "delete"])], [.pull, .push, .delete], false),
            // Nobody knows the names of other repositories: the page says so.
            ([RegistryAccess("base/image", ["pull"])], [.pull], false),
            ([], [.pull], false),
        ] as [([RegistryAccess], Set<RegistryAction>, Bool)]
    )
    func aWiderOpaqueTokenIsFoundOut(extra: [RegistryAccess], actions: Set<RegistryAction>, isWider: Bool) async throws
    {
        try await withStore { registry, store in
            registry.tokenServer.change {
                $0.areTokensOpaque = true
                $0.extraAccess = extra
            }
            let request = OCIRegistryFixture.request(["binder/app"], actions)
            guard isWider else {
                _ = try await store.issue(request)
                return
            }
            let error = try await OCIRegistryFixture.issueError(store, request)
            #expect(error.code == .malformedAnswer)
            #expect(error.message.contains("reaches more than was asked for"))
            #expect(error.tokenMayExist)
        }
    }

    /// What a registry says to the calls that nobody asked for, and whether a token is given.
    @Test(arguments: [
        (401, 401, true), (403, 403, true), (405, 404, true), (403, 302, true), (501, 400, true),
        (404, 401, false), (202, 401, false), (401, 200, false), (401, 429, false), (500, 401, false),
        (302, 401, false),
    ])
    func whatTheRegistrySaysOfMore(write: Int, catalog: Int, isGiven: Bool) async throws {
        let http = ScriptedTransport()
        http.then(200, json: #"{"token":"opaque"}"#)
        http.then(200)
        for status in [write, write, catalog] { http.then(status) }
        let store = try OCIRegistryStore(
            settings: OCIRegistryFixture.settings("https://r.example", tokenServer: "https://t.example", service: "s"),
            context: OCIRegistryFixture.context(http)
        )
        let request = OCIRegistryFixture.request(["binder/app"], [.pull])
        if isGiven {
            _ = try await store.issue(request)
            #expect(http.remaining == 0)
        } else {
            _ = try await OCIRegistryFixture.issueError(store, request)
        }
    }

    /// An answer to a POST names the scope; it is believed where it says less or more, and the token is tried where it
    /// says what was asked for.
    @Test(arguments: [
        ("repository:binder/app:pull", "left out binder/app:push", 1),
        ("repository:binder/app:push,pull repository:base/image:pull", "more than was asked for", 1),
        ("repository:binder/app:push,pull", "left out binder/app:pull binder/app:push", 3),
        ("everything", "left out binder/app:pull binder/app:push", 3),
    ])
    func theAnswersScope(scope: String, text: String, calls: Int) async throws {
        let http = ScriptedTransport()
        http.then(200, json: #"{"access_token":"opaque","refresh_token":"r","scope":"\#(scope)"}"#)
        http.then(401)
        http.then(401)
        let store = try OCIRegistryStore(
            settings: OCIRegistryFixture.settings(
                "https://r.example",
                tokenServer: "https://t.example",
                service: "s",
                hand: "identity-token"
            ),
            context: OCIRegistryFixture.context(http)
        )
        let error = try await OCIRegistryFixture.issueError(store)
        #expect(error.message.contains(text), "\(error)")
        #expect(http.calls.count == calls)
    }

    @Test func noRefreshTokenIsSaid() async throws {
        try await withStore(hand: "identity-token") { registry, store in
            registry.tokenServer.change { $0.givesRefreshTokens = false }
            let error = try await OCIRegistryFixture.issueError(store)
            #expect(error.code == .misconfigured)
            #expect(error.description.contains("gives no refresh token"))
            #expect(error.fix.contains("hand: registry-token"))
        }
    }

    @Test func aTokenThatHasEndedIsAMatterOfClocks() async throws {
        let past = ManualClock(now: SystemClock().now.advanced(by: .seconds(-7200)))
        try await withStore(clock: past) { _, store in
            let error = try await OCIRegistryFixture.issueError(store)
            #expect(error.code == .misconfigured)
            #expect(error.fix.contains("NTP"))
        }
    }

    @Test func aRefreshTokenInTheFileIsGoodUntilItIsWithdrawn() async throws {
        try await OCIRegistryFixture.withRegistry { registry, url, http in
            let first = try OCIRegistryStore(
                settings: OCIRegistryFixture.settings(url, hand: "identity-token"),
                context: OCIRegistryFixture.context(http)
            )
            let refresh = try await first.issue(OCIRegistryFixture.request()).secret.revealText()
            let second = try OCIRegistryStore(
                settings: OCIRegistryFixture.settings(url, username: "<token>"),
                context: OCIRegistryFixture.context(http, password: refresh)
            )
            _ = try await second.issue(OCIRegistryFixture.request())
            #expect(registry.tokenServer.books.minted.last?.way == .refresh)
            registry.tokenServer.withdrawRefreshTokens()
            let error = try await OCIRegistryFixture.issueError(second)
            #expect(error.code == .misconfigured)
            #expect(!"\(error)".contains(refresh))
        }
    }

    @Test(arguments: [
        (#"Basic realm="r""#, "asks for no bearer token (HTTP 401)"),
        ("", "asks for no bearer token (HTTP 401)"),
        (#"Bearer service="s""#, "asks for no bearer token (HTTP 401)"),
        (#"Bearer realm="https://evil.example/token",service="s""#, "names a token server on another host"),
        (#"Bearer realm="https://127.0.0.1.evil.example/token""#, "names a token server on another host"),
        (#"Bearer realm="https://u:p@127.0.0.1/token""#, "names a token server that is not https, or no plain URL"),
        (#"Bearer realm="http://registry.example/token""#, "names a token server that is not https, or no plain URL"),
        (#"Bearer realm="/token""#, "names a token server that is not https, or no plain URL"),
        (#"Bearer realm="https://127.0.0.1/token#x""#, "names a token server that is not https, or no plain URL"),
    ])
    func aChallengeThatIsNotTaken(challenge: String, text: String) async throws {
        try await withStore { registry, store in
            registry.setChallenge(challenge)
            let error = try await OCIRegistryFixture.issueError(store)
            #expect(error.code == .misconfigured)
            #expect(error.message.contains(text), "\(error)")
            #expect(!"\(error)".contains("evil"), "what the registry wrote is not shown")
            #expect(registry.calls == ["GET /v2/"], "the credential went nowhere")
        }
    }

    @Test func aRefusedScopeCostsNoCall() async throws {
        try await withStore { registry, store in
            let many = (0...20).map { "o/r\($0)" }
            let scopes = [
                TokenScope(), TokenScope(repositories: ["o/r"]), TokenScope(actions: [.pull]),
                TokenScope(repositories: ["o/r"], permissions: ["contents": .read]),
                TokenScope(repositories: ["o/r"], permissions: ["contents": .read], actions: [.pull]),
                TokenScope(repositories: many, actions: [.pull]),
                TokenScope(repositories: ["o/r:pull repository:x"], actions: [.pull]),
                TokenScope(repositories: ["../v2"], actions: [.pull]),
                TokenScope(repositories: ["o/r?x"], actions: [.pull]),
                TokenScope(repositories: ["O/R"], actions: [.pull]), TokenScope(repositories: [""], actions: [.pull]),
            ]
            for scope in scopes {
                let request = TokenRequest(subject: SubjectTokens.subject, scope: scope)
                let error = try await OCIRegistryFixture.issueError(store, request)
                #expect(error.code == .refused)
            }
            #expect(registry.calls.isEmpty)
        }
    }

    @Test(arguments: [
        (#"{"errors":[{"code":"DENIED"}]}"#, 403, TokenStoreError.Code.refused),
        (#"{"error":"invalid_grant","error_description":"x"}"#, 400, .misconfigured),
        (#"{"error":"invalid_scope"}"#, 400, .refused),
        (#"{"token":""}"#, 200, .malformedAnswer),
        (#"{"token":"a b"}"#, 200, .malformedAnswer),
        (#"{"token":"a","expires_in":-5}"#, 200, .malformedAnswer),
        (#"{"token":"a","expires_in":"300"}"#, 200, .malformedAnswer),
        ("<html>", 200, .malformedAnswer),
        (#"{"errors":[{"code":"TOOMANYREQUESTS"}]}"#, 429, .rateLimited),
    ])
    func answersOfATokenServer(body: String, status: Int, code: TokenStoreError.Code) async throws {
        let http = ScriptedTransport()
        http.then(status, json: body)
        let store = try OCIRegistryStore(
            settings: OCIRegistryFixture.settings("https://r.example", tokenServer: "https://t.example", service: "s"),
            context: OCIRegistryFixture.context(http)
        )
        let error = try await OCIRegistryFixture.issueError(store)
        #expect(error.code == code, "\(error)")
        #expect((error.retryAt != nil) == (code == .rateLimited))
        #expect(error.tokenMayExist == (code == .malformedAnswer))
    }

    @Test func aLostAnswerMayHaveLeftAToken() async throws {
        let http = ScriptedTransport()
        http.then { _ throws(HTTPTransportError) in
            throw HTTPTransportError(.timedOut, "late", requestMayHaveArrived: true)
        }
        let store = try OCIRegistryStore(
            settings: OCIRegistryFixture.settings("https://r.example", tokenServer: "https://t.example", service: "s"),
            context: OCIRegistryFixture.context(http)
        )
        let error = try await OCIRegistryFixture.issueError(store)
        #expect(error.code == .unavailable)
        #expect(error.tokenMayExist)
    }
}
