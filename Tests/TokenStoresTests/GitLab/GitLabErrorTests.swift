// What GitLab refuses, and the errors that come of it.

import LoopbackSources
import Testing
import TokenStore
import TokenStoreTesting
import TokenStores

@Suite struct GitLabErrorTests {
    /// What the scene's GitLab refuses by itself.
    @Test func refusalsSayWhatToDo() async throws {
        try await GitLabScene.with { scene in
            func error(_ request: TokenRequest, _ store: GitLabStore? = nil) async throws -> TokenStoreError {
                let store = try store ?? scene.store()
                return try await storeError { () async throws(TokenStoreError) in try await store.issue(request) }
            }
            let unknown = try await error(GitLabScene.request(repositories: ["our-org/foreign"]))
            #expect(unknown.code == .refused)
            #expect(
                unknown.message == "GitLab finds nothing to create a deploy token of project our-org/foreign (HTTP 404)"
            )
            #expect(unknown.fix.contains("is a member there"))
            let developer = try await error(GitLabScene.request(repositories: ["our-org/other"]))
            #expect(developer.code == .refused)
            #expect(developer.message.contains("forbids to create a deploy token of project our-org/other (HTTP 403)"))
            #expect(developer.fix.contains("Maintainer or Owner"))
            let write = GitLabScene.request(["repository": .write], repositories: ["our-org/other"])
            let role = try await error(write)
            #expect(role.code == .refused)
            #expect(
                role.message
                    == "GitLab does not let the store's token create an access token of project our-org/other (HTTP 400)"
            )
            #expect(role.fix.contains("role Maintainer"))
            let level = try await error(GitLabScene.request(["repository": .write]), try scene.store(accessLevel: 50))
            #expect(level.message.contains("does not let"))

            scene.gitLab.add(GitLabScene.adminToken, .init(scopes: ["read_api"], roles: [GitLabScene.project: 40]))
            let scopes = try await error(GitLabScene.request())
            #expect(scopes.code == .misconfigured)
            #expect(scopes.fix == "use a token with the scope api")
            scene.gitLab.add(GitLabScene.adminToken, .init(roles: [GitLabScene.project: 40], isBot: true))
            #expect(
                try await error(GitLabScene.request(["repository": .write])).fix.contains("may not make access tokens")
            )
            scene.gitLab.remove(caller: GitLabScene.adminToken)
            let unauthorised = try await error(GitLabScene.request())
            #expect(unauthorised.code == .misconfigured)
            #expect(unauthorised.fix.contains("replace the token in \(GitLabScene.file)"))
            #expect(!unauthorised.tokenMayExist)
            scene.gitLab.ban()
            let banned = try await error(GitLabScene.request())
            #expect(banned.code == .rateLimited)
            #expect(banned.fix.contains("banned this node's address for an hour"))
            #expect(scene.gitLab.tokens.isEmpty)
        }
    }

    @Test func aRateLimitNamesItsEnd() async throws {
        let clock = ManualClock()
        try await GitLabScene.with(clock: clock) { scene in
            scene.gitLab.limit(until: clock.now.advanced(by: .seconds(40)))
            let store = try scene.store()
            let error = try await storeError { () async throws(TokenStoreError) in
                try await store.issue(GitLabScene.request())
            }
            #expect(error.code == .rateLimited)
            // The server's Date field is the machine's: what is limited is the wait.
            let wait = clock.now.duration(to: try #require(error.retryAt))
            #expect(wait >= .seconds(1) && wait <= .seconds(3600))
            // A ban ends by itself too, but does not say when.
            scene.gitLab.ban()
            let banned = try await storeError { () async throws(TokenStoreError) in
                try await store.issue(GitLabScene.request())
            }
            #expect(banned.code == .rateLimited)
            #expect(banned.retryAt == clock.now.advanced(by: .seconds(300)))
        }
    }

    @Test func rateLimitFieldsAreRead() async throws {
        let clock = ManualClock()
        let now = clock.now.epochSeconds
        for (headers, seconds) in [
            ([HTTPField("Retry-After", "17")], 17), ([HTTPField("RateLimit-Reset", "\(now + 45)")], 45), ([], 30),
        ] as [([HTTPField], Int64)] {
            let http = ScriptedTransport()
            http.then(429, headers: headers, json: "Retry later\n")
            let store = try Self.store(http, clock)
            let error = try await storeError { () async throws(TokenStoreError) in
                try await store.issue(GitLabScene.request())
            }
            #expect(error.retryAt == clock.now.advanced(by: .seconds(seconds)))
        }
    }

    private static func store(
        _ http: ScriptedTransport,
        _ clock: ManualClock = ManualClock(),
        type: GitLabSettings.TokenType? = nil
    ) throws -> GitLabStore {
        try GitLabStore(
            settings: GitLabSettings(
                url: "https://gitlab.example.com",
                token: SecretReference(file: GitLabScene.file),
                tokenType: type
            ),
            context: SourceScene.context(http, [GitLabScene.file: GitLabScene.adminToken], clock: clock)
        )
    }

    private static func minted(
        scopes: String = #""read_repository""#,
        expiresAt: String = #""2026-01-01T01:00:00.000Z""#,
        username: String = #""gitlab+deploy-token-7""#,
        more: String = ""
    ) -> String {
        #"{"id":7,"name":"x","username":\#(username),"expires_at":\#(expiresAt),"scopes":[\#(scopes)],"#
            + #""revoked":false,"token":"gldt-0123456789abcdef"\#(more)}"#
    }

    /// More than was asked for, or nothing of use: the token is ended, and is not handed out.
    @Test(arguments: [
        minted(scopes: #""read_repository","write_registry""#),
        minted(scopes: ""),
        minted(expiresAt: "null"),
        minted(expiresAt: #""2026-01-01T02:00:00.000Z""#),
        minted(username: "null"),
        minted(username: #""a:b""#),
    ])
    func aWrongTokenIsRevoked(json: String) async throws {
        for (status, mayExist) in [(204, false), (404, true), (500, true)] {
            let http = ScriptedTransport()
            http.then(201, json: json)
            http.then(status)
            let store = try Self.store(http)
            let error = try await storeError { () async throws(TokenStoreError) in
                try await store.issue(GitLabScene.request())
            }
            #expect(error.code == .malformedAnswer)
            #expect(error.tokenMayExist == mayExist)
            #expect(!"\(error)".contains("gldt-"))
            #expect(http.calls.map(\.method) == ["POST", "DELETE"])
            #expect(
                http.calls[1].url
                    == "https://gitlab.example.com/api/v4/projects/our-org%2Fsub%2Fprivate/deploy_tokens/7"
            )
        }
    }

    @Test func aHigherRoleIsRevoked() async throws {
        let http = ScriptedTransport()
        http.then(201, json: Self.minted(expiresAt: #""2026-01-02""#, more: #","access_level":40"#))
        http.then(204)
        let store = try Self.store(http, type: .access)
        let error = try await storeError { () async throws(TokenStoreError) in
            try await store.issue(GitLabScene.request())
        }
        #expect(error.message.contains("a higher role"))
        #expect(!error.tokenMayExist)
    }

    @Test func aNarrowerTokenIsHandedOutAsSuch() async throws {
        let http = ScriptedTransport()
        http.then(201, json: Self.minted(scopes: #""read_registry""#))
        let token = try await Self.store(http).issue(GitLabScene.request(actions: [.pull]))
        #expect(token.grantedScope.permissions.isEmpty)
        #expect(token.grantedScope.actions == [.pull])
    }

    /// Errors of GitLab's four forms; none of their text is shown.
    @Test(arguments: [
        (#"{"message":"400 Bad request - marked"}"#, "does not take the call"),
        (#"{"message":{"expires_at":["must be before marked"]}}"#, "does not allow the life"),
        (#"{"error":"scopes does not have a valid value, marked"}"#, "does not take the call"),
        (#"{"message":"400 Bad request - Access token limit reached marked"}"#, "its limit of tokens is reached"),
        ("marked, no JSON", "does not take the call"),
    ])
    func badRequestsAreClassed(body: String, expected: String) async throws {
        let http = ScriptedTransport()
        http.then(400, json: body)
        let store = try Self.store(http)
        let error = try await storeError { () async throws(TokenStoreError) in
            try await store.issue(GitLabScene.request())
        }
        #expect(error.code == .refused)
        #expect(error.message.contains(expected), "\(error)")
        #expect(!"\(error)".contains("marked"))
        #expect(!error.tokenMayExist)
    }

    @Test func aHiddenProjectIsNoRevocation() async throws {
        let handle = RevocationHandle(identifier: "projects/a%2Fb/access_tokens/3")
        for (status, body, isGone) in [
            (204, "", true), (404, #"{"message":"404 Not found"}"#, true),
            (404, #"{"message":"404 project Access Token Not Found"}"#, true),
            (404, #"{"message":"404 Project Not Found"}"#, false), (404, "<html>not found</html>", false),
            (401, #"{"message":"401 Unauthorized"}"#, false), (403, #"{"message":"403 Forbidden"}"#, false),
        ] {
            let http = ScriptedTransport()
            http.then(status, json: body)
            let store = try Self.store(http)
            do throws(TokenStoreError) {
                try await store.revoke(handle)
                #expect(isGone)
            } catch {
                #expect(!isGone)
            }
        }
        for identifier in [
            "", "projects/a/b/deploy_tokens/1", "projects/a%2Fb/users/1", "projects/a%2Fb/deploy_tokens/x",
        ] {
            let store = try Self.store(ScriptedTransport())
            let error = try await storeError { () async throws(TokenStoreError) in
                try await store.revoke(RevocationHandle(identifier: identifier))
            }
            #expect(error.code == .refused)
        }
    }

    @Test func whatNoTokenCanDoIsRefused() async throws {
        let cases: [(TokenRequest, GitLabSettings.TokenType?, String)] = [
            (GitLabScene.request(["contents": .read]), nil, "no token for contents:read"),
            (GitLabScene.request(["repository": .admin]), nil, "no token for repository:admin"),
            (GitLabScene.request([:], actions: [.delete]), nil, "may only delete"),
            (GitLabScene.request(["repository": .write]), .deploy, "can't push to a git repository"),
            (GitLabScene.request(["package_registry": .read]), .access, "only with the scope api"),
            (GitLabScene.request(["repository": .write, "package_registry": .read]), nil, "which opens all"),
            (GitLabScene.request(repositories: ["a/b", "a/c"]), nil, "reaches one repository"),
            (GitLabScene.request(repositories: ["lonely"]), nil, "no path of a GitLab project"),
        ]
        for (request, type, expected) in cases {
            let http = ScriptedTransport()
            let store = try Self.store(http, type: type)
            let error = try await storeError { () async throws(TokenStoreError) in try await store.issue(request) }
            #expect(error.code == .refused)
            #expect(error.message.contains(expected), "\(error)")
            #expect(http.calls.isEmpty)
        }
    }

    @Test func wrongSettingsAreNamed() throws {
        func message(_ settings: GitLabSettings) -> String {
            do throws(TokenStoreError) {
                _ = try GitLabStore.service(for: settings)
                return "no error"
            } catch {
                #expect(error.code == .misconfigured)
                return error.description
            }
        }
        let token = SecretReference(file: GitLabScene.file)
        let right = GitLabSettings(url: "https://gitlab.example.com", token: token)
        #expect(message(right) == "no error")
        for (change, expected) in [
            ({ $0.url = "http://gitlab.example.com" }, "url can't be used"),
            ({ $0.url = "https://example.com/gitlab" }, "url can't be used"),
            ({ $0.group = "/our-org" }, "group is no path of a group"),
            ({ $0.group = "our-org/" }, "group is no path of a group"),
            ({ $0.accessLevel = 35 }, "accessLevel is 35"),
            (
                {
                    $0.accessLevel = 30; $0.tokenType = .deploy
                }, "deploy tokens have no role"
            ),
            ({ $0.registryHost = "https://registry.example.com" }, "registryHost is no host name"),
        ] as [((inout GitLabSettings) -> Void, String)] {
            var settings = right
            change(&settings)
            #expect(message(settings).contains(expected), "\(message(settings))")
        }
        var cloud = right
        cloud.url = "https://gitlab.com"
        #expect(try GitLabStore.service(for: cloud).registryHost == "registry.gitlab.com")
        #expect(try GitLabStore.service(for: right).registryHost == nil)
    }
}
